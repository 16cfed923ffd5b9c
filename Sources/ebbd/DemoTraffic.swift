import Events
import Foundation
import Replay
import Settings
import Shop

/// One record on its way to the demo's input topic.
struct DemoRecord {
  /// When it reaches the broker, in the demo's time: milliseconds since 1970 UTC.
  var time: Int64
  var key: [UInt8]?
  var value: [UInt8]
}

/// Where the demo's traffic comes from.
protocol DemoTraffic {
  /// The next record in order of time; nil: there is no more.
  mutating func next() -> DemoRecord?
}

/// The simulated shop.
struct SimulatedTraffic: DemoTraffic {
  private var shop: ShopSimulator

  init(seed: UInt64, users: Int, start: Int64) {
    shop = ShopSimulator(seed: seed, users: users, startMilliseconds: start, options: .demonstration)
  }

  mutating func next() -> DemoRecord? {
    let simulated = shop.next()
    return DemoRecord(
      time: simulated.arrivalMilliseconds, key: NativeJSON.key(of: simulated.event),
      value: NativeJSON.bytes(of: simulated.event))
  }
}

/// The rows of a file, each as it stands, at the time that it tells; rows that tell none follow the one before.
struct FileTraffic: DemoTraffic {
  private let records: [DemoRecord]
  private var position = 0

  /// - Throws: the file cannot be read, or has no row with a time.
  init(path: String, mapping: Mapping) throws(ReplayError) {
    guard !mapping.isFilesOnly else {
      throw ReplayError(
        .unusable, "in the format '\(mapping.name)' one line holds many events, and a Kafka record holds one",
        hint: "use ebbd replay for it")
    }
    var records: [DemoRecord] = []
    var now: Int64?
    var waiting = 0
    try FileRows.read(path, mapping: mapping) { row in
      if let time = row.time { now = max(now ?? time, time) }
      records.append(DemoRecord(time: now ?? 0, key: row.key, value: row.value))
      if now == nil { waiting = records.count }
    }
    guard let first = now == nil ? nil : records[waiting...].first else {
      throw ReplayError(
        .unusable, "\(path) has no row that the format '\(mapping.name)' can read",
        hint: "choose another --format")
    }
    for index in 0..<waiting { records[index].time = first.time }
    self.records = records
  }

  /// Times of the first and the last row.
  var span: ClosedRange<Int64> { records[0].time...records[records.count - 1].time }
  var count: Int { records.count }

  mutating func next() -> DemoRecord? {
    guard position < records.count else { return nil }
    defer { position += 1 }
    return records[position]
  }
}
