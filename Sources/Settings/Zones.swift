import Events
import Foundation
import Triggers

/// The offsets of every time zone that a user's trait may name, as plain numbers.
enum Zones {
  /// Names that Foundation accepts but does not list: links of the time zone database, among them the ones
  /// that browsers report.
  private static let links = """
    Africa/Asmera Africa/Timbuktu America/Argentina/ComodRivadavia America/Atka America/Buenos_Aires
    America/Catamarca America/Coral_Harbour America/Cordoba America/Ensenada America/Fort_Wayne
    America/Indianapolis America/Jujuy America/Knox_IN America/Louisville America/Mendoza
    America/Porto_Acre America/Rosario America/Virgin Asia/Ashkhabad Asia/Chungking Asia/Dacca
    Asia/Istanbul Asia/Kolkata Asia/Macao Asia/Saigon Asia/Tel_Aviv Asia/Thimbu Asia/Ujung_Pandang
    Asia/Ulan_Bator Atlantic/Faeroe Atlantic/Jan_Mayen Australia/ACT Australia/Canberra Australia/LHI
    Australia/NSW Australia/North Australia/Queensland Australia/South Australia/Tasmania
    Australia/Victoria Australia/West Australia/Yancowinna Brazil/Acre Brazil/DeNoronha Brazil/East
    Brazil/West CET CST6CDT Canada/Atlantic Canada/Central Canada/Eastern Canada/Mountain
    Canada/Newfoundland Canada/Pacific Canada/Saskatchewan Canada/Yukon Chile/Continental
    Chile/EasterIsland Cuba EET EST EST5EDT Egypt Eire Etc/GMT Etc/GMT+0 Etc/GMT+1 Etc/GMT+10 Etc/GMT+11
    Etc/GMT+12 Etc/GMT+2 Etc/GMT+3 Etc/GMT+4 Etc/GMT+5 Etc/GMT+6 Etc/GMT+7 Etc/GMT+8 Etc/GMT+9 Etc/GMT-0
    Etc/GMT-1 Etc/GMT-10 Etc/GMT-11 Etc/GMT-12 Etc/GMT-13 Etc/GMT-14 Etc/GMT-2 Etc/GMT-3 Etc/GMT-4
    Etc/GMT-5 Etc/GMT-6 Etc/GMT-7 Etc/GMT-8 Etc/GMT-9 Etc/GMT0 Etc/Greenwich Etc/UCT Etc/UTC
    Etc/Universal Etc/Zulu Europe/Belfast Europe/Nicosia Europe/Tiraspol GB GB-Eire GMT GMT+0 GMT-0 GMT0
    Greenwich HST Hongkong Iceland Iran Israel Jamaica Japan Kwajalein Libya MET MST MST7MDT
    Mexico/BajaNorte Mexico/BajaSur Mexico/General NZ NZ-CHAT Navajo PRC PST8PDT Pacific/Samoa
    Pacific/Yap Poland Portugal ROC ROK Singapore Turkey UCT US/Alaska US/Aleutian US/Arizona US/Central
    US/East-Indiana US/Eastern US/Hawaii US/Indiana-Starke US/Michigan US/Mountain US/Pacific US/Samoa
    UTC Universal W-SU WET Zulu
    """

  /// Ascending.
  static let names: [String] = {
    let all = TimeZone.knownTimeZoneIdentifiers + links.split { $0.isWhitespace }.map(String.init)
    return Set(all).filter { TimeZone(identifier: $0) != nil }.sorted()
  }()

  static func isKnown(_ name: String) -> Bool {
    names.contains(name)
  }

  /// From 2001, before which no event is accepted, to 2061; later times keep the last offset.
  static let table = ZoneTable(names.compactMap(zone))

  /// Changes with any offset of any zone in `table`.
  static let fingerprint = fingerprint(of: table)

  static func fingerprint(of table: ZoneTable) -> UInt64 {
    var hash = StableHash(seed: 7)
    for zone in table.names.compactMap(table.zone) {
      hash.combine(zone.name.utf8)
      hash.combine(Int64(zone.starts.count))
      for (start, offset) in zip(zone.starts, zone.offsets) {
        hash.combine(start)
        hash.combine(Int64(offset))
      }
    }
    return hash.value
  }

  private static let first = Date(timeIntervalSince1970: 978_307_200)
  private static let last = Date(timeIntervalSince1970: 2_871_763_200)

  static func zone(_ name: String) -> ZoneTable.Zone? {
    guard let zone = TimeZone(identifier: name) else { return nil }
    var starts = [Int64.min]
    var offsets = [Int32(zone.secondsFromGMT(for: first))]
    var time = first
    while let next = zone.nextDaylightSavingTimeTransition(after: time), next > time, next < last {
      let offset = Int32(zone.secondsFromGMT(for: next))
      if offset != offsets.last {
        starts.append(Int64(next.timeIntervalSince1970))
        offsets.append(offset)
      }
      time = next
    }
    return ZoneTable.Zone(name: name, starts: starts, offsets: offsets)
  }
}
