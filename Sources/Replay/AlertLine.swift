import Foundation
import Telemetry

/// An alert as its readers see it: read back from the JSON of a record's value, for one line on a terminal.
///
/// It knows nothing but that JSON, like any other consumer. Everything in it was written by others: text goes
/// through `Printable` before it is shown.
public struct AlertLine: Sendable, Hashable {
  /// Longest user shown, in characters; longer ones are cut off.
  public static let maximumUser = 24
  /// Longest explanation shown.
  public static let maximumReason = 300

  /// CloudEvents type.
  public var type: String
  /// 32 hexadecimal digits.
  public var alertID: String
  /// `user_id`, else `anon:` + `anonymous_id`.
  public var user: String
  /// Milliseconds since 1970 UTC.
  public var firedAt: Int64
  /// The same as text, RFC 3339.
  public var firedAtText: String
  public var reason: String
  /// Of alerts on carts.
  public var step: Int?
  /// Of alerts on churn.
  public var band: String?

  /// nil: not the value of an alert.
  public init?(value: [UInt8]) {
    guard
      let object = try? JSONSerialization.jsonObject(with: Data(value)) as? [String: Any],
      let type = object["type"] as? String, let alertID = object["alert_id"] as? String,
      let firedAt = object["fired_at_ms"] as? Int64, let firedAtText = object["fired_at"] as? String,
      let user = object["user_id"] as? String ?? (object["anonymous_id"] as? String).map({ "anon:" + $0 })
    else { return nil }
    self.type = type
    self.alertID = alertID
    self.user = user
    self.firedAt = firedAt
    self.firedAtText = firedAtText
    reason = object["reason"] as? String ?? ""
    step = object["step"] as? Int
    band = object["band"] as? String
  }

  /// Such as `10:42:07  cart abandoned   u123      step 1    cart of 3 items (EUR 59.90) untouched for 1 h 02 min
  /// since 09:40 UTC`, the time in UTC.
  /// - Parameter withDate: puts the date before the time.
  public func text(withDate: Bool = false) -> String {
    let parts = firedAtText.split(separator: "T", maxSplits: 1)
    let clock = parts.count == 2 ? String(parts[1].prefix(8)) : firedAtText
    let time = withDate && parts.count == 2 ? parts[0] + " " + clock : clock
    var name = type.hasPrefix("ebb.") ? String(type.dropFirst(4)) : type
    name = name.replacingOccurrences(of: ".", with: " ")
    let detail = step.map { "step \($0)" } ?? band ?? ""
    return [
      Self.column(time, withDate ? 19 : 8), Self.column(name, 15),
      Self.column(user, 12, limit: Self.maximumUser),
      Self.column(detail, 8), Printable.text(reason, limit: Self.maximumReason),
    ].joined(separator: "  ")
  }

  /// Made fit for a terminal, cut off at `limit`, filled up to `width`.
  private static func column(_ text: String, _ width: Int, limit: Int = 40) -> String {
    let shown = Printable.text(text, limit: limit)
    return shown + String(repeating: " ", count: max(0, width - shown.count))
  }
}
