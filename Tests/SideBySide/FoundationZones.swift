import Foundation
import Triggers

extension ZoneTable {
  /// The zones of that name as Foundation knows them, from 2000 to 2036.
  public static func foundation(_ names: [String]) -> ZoneTable {
    ZoneTable(
      names.map { name in
        guard let zone = TimeZone(identifier: name) else { preconditionFailure("no zone \(name)") }
        var starts = [Int64.min]
        var date = Date(timeIntervalSince1970: 946_684_800)
        var offsets = [Int32(zone.secondsFromGMT(for: date))]
        while let next = zone.nextDaylightSavingTimeTransition(after: date),
          next.timeIntervalSince1970 < 2_082_758_400
        {
          starts.append(Int64(next.timeIntervalSince1970))
          offsets.append(Int32(zone.secondsFromGMT(for: next.addingTimeInterval(1))))
          date = next
        }
        return Zone(name: name, starts: starts, offsets: offsets)
      })
  }
}
