import Events
import Testing
import Triggers

@testable import Settings

@Suite struct ZoneTests {
  private func offset(_ zone: String, _ time: String) throws -> Int64 {
    let zone = try #require(Zones.table.zone(zone))
    return zone.offsetMilliseconds(at: try #require(Timestamps.parse(time))) / Milliseconds.minute
  }

  @Test(arguments: [
    // The last Sundays of March and October at 01:00 UTC.
    ("Europe/Berlin", "2026-03-29T00:59:59Z", 60), ("Europe/Berlin", "2026-03-29T01:00:00Z", 120),
    ("Europe/Berlin", "2026-10-25T00:59:59Z", 120), ("Europe/Berlin", "2026-10-25T01:00:00Z", 60),
    ("Europe/Berlin", "2001-01-01T00:00:00Z", 60), ("Europe/Berlin", "2058-07-01T00:00:00Z", 120),
    // Before and after the change of rules in 2007; second Sunday of March at 02:00 local time.
    ("America/New_York", "2006-03-20T12:00:00Z", -300), ("America/New_York", "2007-03-20T12:00:00Z", -240),
    ("America/New_York", "2026-03-08T06:59:59Z", -300), ("America/New_York", "2026-03-08T07:00:00Z", -240),
    ("America/New_York", "2026-11-01T05:59:59Z", -240), ("America/New_York", "2026-11-01T06:00:00Z", -300),
    ("Asia/Shanghai", "2003-07-01T00:00:00Z", 480), ("Asia/Shanghai", "2059-07-01T00:00:00Z", 480),
    ("Asia/Kolkata", "2026-07-01T00:00:00Z", 330), ("Asia/Calcutta", "2026-01-01T00:00:00Z", 330),
    // Changes that are not daylight saving.
    ("Europe/Moscow", "2011-06-01T00:00:00Z", 240), ("Europe/Moscow", "2014-10-25T21:59:59Z", 240),
    ("Europe/Moscow", "2014-10-25T22:00:00Z", 180), ("Asia/Pyongyang", "2016-01-01T00:00:00Z", 510),
    ("UTC", "2026-07-01T00:00:00Z", 0), ("Etc/GMT+5", "2026-07-01T00:00:00Z", -300),
    ("US/Eastern", "2026-07-01T00:00:00Z", -240),
  ])
  func `Local time is what the time zone database says`(zone: String, time: String, minutes: Int64) throws {
    #expect(try offset(zone, time) == minutes)
  }

  @Test
  func `Every name that can be asked for has an offset, and the table is filled in well below a second`() {
    let clock = ContinuousClock()
    let elapsed = clock.measure { _ = ZoneTable(Zones.names.compactMap(Zones.zone)) }
    #expect(elapsed < .seconds(1))
    #expect(Zones.table.names == Zones.names)
    #expect(Zones.names.count > 550)
  }

  @Test func `The table is filled with quiet hours only`() throws {
    #expect(Configuration.parse(text: "", file: "f").0?.rules.shop.zones.names == [])
    let quiet = try #require(Configuration.parse(text: "cart: {quiet_hours: 22:00-08:00}", file: "f").0)
    #expect(quiet.rules.shop.zones.names == Zones.names)
  }
}
