import Events
import Foundation
import NaiveModel
import SideBySide
import TestSupport
import Testing
import Triggers

/// Real shop traffic through engine and model. The files are read here by other means than the product's.
@Suite struct RealDataTests {
  static let rules: Rules = {
    var rules = Rules()
    rules.alerts.maxAgeMilliseconds = nil
    rules.time.tickForMilliseconds = 60 * Milliseconds.day
    return rules
  }()

  /// Events of the whole rows, and how many lines were refused.
  struct Rows {
    var events: [Event] = []
    var refused = 0
  }

  @Test func `REES46 gives equal alerts, and every cart is accounted for`() throws {
    let name = "rees46-2019-oct-sample.csv"
    guard let path = SharedData.file(name, for: "engine and model on REES46") else { return }
    let rows = Self.rees46(try String(contentsOfFile: path, encoding: .utf8))
    #expect(rows.events.count == 17_434)
    #expect(rows.refused == 1)
    try Self.compare(rows, silence: 5 * Milliseconds.day)
  }

  @Test func `Taobao gives equal alerts, and every cart is accounted for`() throws {
    let name = "taobao-userbehavior-timeslice.csv"
    guard let path = SharedData.file(name, for: "engine and model on Taobao") else { return }
    let rows = Self.taobao(try String(contentsOfFile: path, encoding: .utf8))
    #expect(rows.events.count == 96_168)
    #expect(rows.refused == 1)
    try Self.compare(rows, silence: 4 * Milliseconds.day)
  }

  private static func compare(_ rows: Rows, silence: Int64) throws {
    var both = SideBySide(rules: rules)
    var alerts: [AlertType: Int] = [:]
    var steps = rows.events.map { Step.event($0, clock: $0.ts) }
    let last = try #require(rows.events.map(\.ts).max())
    steps.append(.tick(last + Milliseconds.hour))
    steps.append(.tick(last + silence))
    for (index, step) in steps.enumerated() {
      let (emitted, difference) = both.take(step)
      for alert in emitted { alerts[alert.type, default: 0] += 1 }
      if let difference {
        Issue.record("after row \(index), \(step): \(difference)")
        return
      }
    }
    if let difference = both.finish() { Issue.record("\(difference)") }
    let carts = both.accounting()
    #expect(carts.isBalanced)
    #expect(carts.opened > 0)
    #expect(alerts[.cartAbandoned, default: 0] > 0)
    print("\(rows.events.count) events, alerts \(alerts.map { "\($0.key.rawValue): \($0.value)" }.sorted())")
    let endings = carts.endings.map { "\($0.key.name): \($0.value)" }.sorted()
    print("carts: \(carts.opened) opened, \(carts.open) open, \(endings)")
  }

  // MARK: Reading

  static func rees46(_ text: String) -> Rows {
    let types: [Substring: EventType] = ["view": .pageView, "cart": .cartAdd, "purchase": .purchase]
    var rows = Rows()
    for line in text.split(whereSeparator: \.isNewline).dropFirst() {
      let cells = line.split(separator: ",", omittingEmptySubsequences: false)
      guard cells.count == 9, let type = types[cells[1]], let ts = utc(cells[0]), let price = cents(cells[6])
      else {
        rows.refused += 1
        continue
      }
      var event = Event(type: type, ts: ts, userID: String(cells[7]))
      event.itemID = String(cells[2])
      event.category = cells[4].isEmpty ? nil : String(cells[4])
      event.brand = cells[5].isEmpty ? nil : String(cells[5])
      event.priceMinor = price
      event.currency = Currency("USD")
      event.sessionID = String(cells[8])
      rows.events.append(event)
    }
    return rows
  }

  static func taobao(_ text: String) -> Rows {
    let types: [Substring: EventType] = [
      "pv": .pageView, "cart": .cartAdd, "fav": .favourite, "buy": .purchase,
    ]
    var rows = Rows()
    for line in text.split(whereSeparator: \.isNewline) {
      let cells = line.split(separator: ",", omittingEmptySubsequences: false)
      // A date before 2001-09-09 is a cut-off one.
      guard cells.count == 5, let type = types[cells[3]], let seconds = Int64(cells[4]),
        seconds >= 1_000_000_000
      else {
        rows.refused += 1
        continue
      }
      var event = Event(type: type, ts: seconds * 1000, userID: String(cells[0]))
      event.itemID = String(cells[1])
      event.category = String(cells[2])
      rows.events.append(event)
    }
    return rows
  }

  /// `2019-10-01 00:00:00 UTC`
  private static func utc(_ text: Substring) -> Int64? {
    guard text.hasSuffix(" UTC") else { return nil }
    let parts = text.dropLast(4).split { "- :".contains($0) }.compactMap { Int64($0) }
    guard parts.count == 6 else { return nil }
    // Days from the civil calendar (Howard Hinnant, "chrono-compatible low-level date algorithms").
    let year = parts[1] <= 2 ? parts[0] - 1 : parts[0]
    let yearOfEra = year % 400
    let dayOfYear = (153 * (parts[1] + (parts[1] > 2 ? -3 : 9)) + 2) / 5 + parts[2] - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    let days = year / 400 * 146_097 + dayOfEra - 719_468
    return (((days * 24 + parts[3]) * 60 + parts[4]) * 60 + parts[5]) * 1000
  }

  /// Decimal money as minor units.
  private static func cents(_ text: Substring) -> Int64? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[1].count == 2, let whole = Int64(parts[0]), let rest = Int64(parts[1])
    else {
      return nil
    }
    return whole * 100 + rest
  }
}
