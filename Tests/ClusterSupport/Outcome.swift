import Foundation
import TestSupport

/// An alert as a reader of its topic, or of the replay's output, sees it.
public struct SeenAlert: Sendable, Hashable {
  public var id: String
  public var type: String
  public var user: String
  public var firedAt: Int64
  /// Of alerts on carts: when the first item came into it.
  public var firstAdd: Int64?
  /// Of retractions: what they take back.
  public var about: String?
  /// The whole value, `config_version` apart.
  public var text: String
  public var configVersion: String

  public init(json: String) throws {
    guard
      let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any],
      let id = object["alert_id"] as? String, let type = object["type"] as? String,
      let firedAt = (object["fired_at_ms"] as? NSNumber)?.int64Value,
      let user = object["user_id"] as? String
        ?? (object["anonymous_id"] as? String).map({ "anon:" + $0 })
    else { throw TestSupportError("not an alert: \(json.prefix(200))") }
    self.id = id
    self.type = type
    self.user = user
    self.firedAt = firedAt
    firstAdd = (object["first_add_at_ms"] as? NSNumber)?.int64Value
    about = object["about_alert_id"] as? String
    configVersion = object["config_version"] as? String ?? ""
    text = configVersion.isEmpty ? json : json.replacingOccurrences(of: configVersion, with: "…")
  }

  var isOfCart: Bool { type.contains(".cart.") }
}

/// How what a read_committed reader sees differs from what the replay of the same records gives.
public struct Outcome: Sendable {
  public var expected = 0
  public var seen = 0
  public var missing: [SeenAlert] = []
  /// Beyond the first, of every id.
  public var doubled: [SeenAlert] = []
  public var extra: [SeenAlert] = []
  /// The id is right, and something else is not.
  public var different: [(expected: SeenAlert, seen: SeenAlert)] = []
  /// Users whose alerts of one topic stand in another order.
  public var disordered: [String] = []
  /// Reminders of carts that were bought before they fired, and that were not taken back.
  public var afterPurchase: [SeenAlert] = []
  public var lettersExpected = 0
  public var lettersMissing = 0
  public var lettersDoubled = 0
  public var lettersExtra = 0
  public var configVersions: Set<String> = []

  public var isExact: Bool {
    missing.isEmpty && doubled.isEmpty && extra.isEmpty && different.isEmpty && disordered.isEmpty
      && afterPurchase.isEmpty && lettersMissing == 0 && lettersDoubled == 0 && lettersExtra == 0
  }

  /// Compares.
  ///
  /// - Parameters:
  ///   - letters: partition and offset of each dead letter that was read.
  public init(expected: [SeenAlert], seen: [SeenAlert], records: ShopRecords, letters: [String]) {
    self.expected = expected.count
    self.seen = seen.count
    let wanted = Dictionary(expected.map { ($0.id, $0) }) { first, _ in first }
    var found: [String: SeenAlert] = [:]
    for alert in seen {
      configVersions.insert(alert.configVersion)
      if found[alert.id] != nil {
        doubled.append(alert)
        continue
      }
      found[alert.id] = alert
      guard let twin = wanted[alert.id] else {
        extra.append(alert)
        continue
      }
      if twin.text != alert.text { different.append((twin, alert)) }
    }
    missing = expected.filter { found[$0.id] == nil }
    if missing.isEmpty, doubled.isEmpty, extra.isEmpty {
      let order = { (alerts: [SeenAlert]) in
        Dictionary(grouping: alerts) { "\($0.user) \($0.isOfCart ? "cart" : "churn")" }
          .mapValues { $0.map(\.id) }
      }
      let right = order(expected)
      disordered = order(seen).filter { $0.value != right[$0.key] }.keys.sorted()
    }
    afterPurchase = Self.afterPurchase(seen, records)
    let places = Set(records.unreadable.map { "\($0.partition) \($0.offset)" })
    lettersExpected = places.count
    lettersMissing = places.subtracting(letters).count
    lettersExtra = Set(letters).subtracting(places).count
    lettersDoubled = letters.count - Set(letters).count
  }

  private static func afterPurchase(_ seen: [SeenAlert], _ records: ShopRecords) -> [SeenAlert] {
    let purchases = Dictionary(grouping: records.purchases, by: \.user).mapValues { $0.map(\.time) }
    let takenBack = Set(seen.compactMap(\.about))
    return seen.filter { alert in
      guard alert.type == "ebb.cart.abandoned", !takenBack.contains(alert.id), let first = alert.firstAdd
      else { return false }
      return purchases[alert.user]?.contains { first <= $0 && $0 <= alert.firedAt } ?? false
    }
  }

  /// Rows for a table.
  public var rows: [[String]] {
    [
      ["alerts of the replay", "\(expected)"], ["alerts under read_committed", "\(seen)"],
      ["missing", "\(missing.count)"], ["doubled", "\(doubled.count)"], ["extra", "\(extra.count)"],
      ["different in content", "\(different.count)"], ["users out of order", "\(disordered.count)"],
      ["after the purchase", "\(afterPurchase.count)"],
      [
        "dead letters (missing, doubled, extra)",
        "\(lettersExpected) (\(lettersMissing), \(lettersDoubled), \(lettersExtra))",
      ],
    ]
  }

  /// The first of each kind of fault.
  public var faults: String {
    var lines: [String] = []
    for (name, alerts) in [
      ("missing", missing), ("doubled", doubled), ("extra", extra), ("after the purchase", afterPurchase),
    ] {
      lines += alerts.prefix(3).map { "\(name): \($0.text)" }
    }
    lines += different.prefix(3).map { "expected: \($0.expected.text)\n    seen: \($0.seen.text)" }
    if !disordered.isEmpty { lines.append("out of order: \(disordered.prefix(5))") }
    return lines.joined(separator: "\n")
  }
}

/// A table on standard output, its columns as wide as they need to be.
public func printTable(_ title: String, _ rows: [[String]]) {
  var widths: [Int] = []
  for row in rows {
    for (column, cell) in row.enumerated() {
      if column == widths.count { widths.append(0) }
      widths[column] = max(widths[column], cell.count)
    }
  }
  var text = "\n\(title)\n"
  for row in rows {
    let cells = row.enumerated().map { column, cell in
      let gap = String(repeating: " ", count: widths[column] - cell.count)
      // Names to the left, numbers to the right.
      return column == 0 ? cell + gap : gap + cell
    }
    text += "  " + cells.joined(separator: "  ") + "\n"
  }
  say(text)
}
