import Events
import Telemetry
import Triggers

/// What a replay did, in numbers.
public struct ReplaySummary: Sendable {
  /// A refused row.
  public struct Refusal: Sendable, Hashable {
    public var file: String
    /// From 1.
    public var line: Int
    public var rejection: Rejection
  }

  /// Refusals kept with their place; the rest are counted.
  public static let keptRefusals = 20
  /// Names of ignored events that are told apart, and those of them that are shown.
  public static let keptNames = 200
  static let shownNames = 8

  /// Lines that held something.
  public var rows: Int64 = 0
  public var events: Int64 = 0
  /// Rows whose event name is not mapped, and header rows.
  public var ignored: Int64 = 0
  /// The names of ignored events, so that a misspelt one is seen; at most `keptNames` of them.
  public var ignoredNames: [String: Int64] = [:]
  public var rejected: [RejectReason: Int64] = [:]
  public var refusals: [Refusal] = []
  public var users = 0
  public var firstEvent: Int64?
  public var lastEvent: Int64?
  public var tally = Tally()
  public var carts = CartAccounting()
  /// Alerts dated after the last event: they come of silence that the file cannot prove.
  public var alertsAfterLastEvent: Int64 = 0
  public var bytes: Int64 = 0
  /// Wall time, seconds.
  public var seconds: Double = 0

  public init() {}

  /// Refused rows.
  public var rejectedCount: Int64 { rejected.values.reduce(0, +) }
  /// Alerts of all types.
  public var alerts: Int64 { AlertType.allCases.reduce(0) { $0 + tally[emitted: $1] } }

  /// The summary for people, a line each, without colours.
  public func lines(steps: [Int64]) -> [String] {
    var lines = inputLines()
    lines.append("")
    lines += cartLines(steps: steps)
    lines.append("")
    lines += churnLines()
    lines.append("")
    lines.append(
      "alerts    \(alerts) in all: "
        + AlertType.allCases.map { "\($0.rawValue.dropFirst(4)) \(tally[emitted: $0])" }
        .joined(separator: ", "))
    if alertsAfterLastEvent > 0 {
      lines.append(
        "          \(alertsAfterLastEvent) are dated after the last event: they follow if nothing happened then"
      )
    }
    let stale = tally.staleCartRecovered + tally.staleChurnRecovered
    if stale > 0 { lines.append("          \(stale) recoveries dropped as stale") }
    return lines
  }

  /// The most frequent names of ignored events.
  private var ignoredList: String {
    let ordered = ignoredNames.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    let shown = ordered.prefix(Self.shownNames).map { "\(Printable.text($0.key, limit: 40)) \($0.value)" }
    return shown.joined(separator: ", ") + (ordered.count > Self.shownNames ? ", …" : "")
  }

  private func inputLines() -> [String] {
    let rate = seconds > 0 ? Double(rows) / seconds : 0
    var lines = [
      "input     \(rows) rows: \(events) events of \(users) users, \(ignored) ignored, \(rejectedCount) refused"
        + " (\(Self.rounded(seconds)) s, \(Self.rounded(rate / 1000)) k rows/s)"
    ]
    if let firstEvent, let lastEvent {
      lines.append("          from \(WireText.instant(firstEvent)) to \(WireText.instant(lastEvent))")
    }
    if !ignoredNames.isEmpty { lines.append("          ignored: " + ignoredList) }
    if tally.duplicates > 0 { lines.append("          \(tally.duplicates) duplicates left out") }
    for (reason, count) in rejected.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      lines.append("          refused \(count) × \(reason.rawValue): \(reason.hint)")
    }
    for refusal in refusals {
      let place = refusal.rejection.place.isEmpty ? "" : " at \(refusal.rejection.place)"
      lines.append(
        "            \(refusal.file):\(refusal.line): \(refusal.rejection.reason.rawValue)\(place)")
    }
    if rejectedCount > Int64(refusals.count) {
      lines.append("            … and \(rejectedCount - Int64(refusals.count)) more")
    }
    return lines
  }

  private func cartLines(steps: [Int64]) -> [String] {
    let endings = CartEnding.allCases
      .map { "\($0.name.replacing("_", with: " ")) \(carts.endings[$0] ?? 0)" }
    let sum = carts.endings.values.reduce(0, +) + carts.open
    var lines = [
      "carts     \(carts.opened) opened = " + endings.joined(separator: " + ") + " + open \(carts.open)"
        + (carts.isBalanced ? "" : "   THE SUM IS \(sum): please report this as a defect")
    ]
    for (index, age) in steps.enumerated() {
      let step = index + 1
      var parts = ["fired \(tally[fired: step])"]
      for limit in Limit.allCases where tally[limited: step, limit] > 0 {
        parts.append("\(limit.name.replacing("_", with: " ")) \(tally[limited: step, limit])")
      }
      if tally[stale: step] > 0 { parts.append("stale \(tally[stale: step])") }
      lines.append("          step \(step) (\(WireText.span(age))): " + parts.joined(separator: ", "))
    }
    return lines
  }

  private func churnLines() -> [String] {
    var parts = [
      "\(tally.evaluations) evaluations, \(tally.evaluationsWithoutBaseline) of them without a baseline",
      "\(tally[emitted: .churnWarning]) warnings",
    ]
    for reason in ChurnSuppression.allCases where tally[suppressed: reason] > 0 {
      parts.append("not sent (\(reason.name.replacing("_", with: " "))) \(tally[suppressed: reason])")
    }
    return ["churn     " + parts.joined(separator: ", ")]
  }

  static func rounded(_ value: Double) -> String {
    let tenths = (value * 100).rounded() / 100
    return "\(tenths)"
  }
}
