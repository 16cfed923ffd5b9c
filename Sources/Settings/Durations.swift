import Events

/// Spans as operators write them: a whole number and one unit, `500ms`, `90s`, `30m`, `24h`, `7d`.
enum Durations {
  static let units: [(name: String, milliseconds: Int64)] = [
    ("d", Milliseconds.day), ("h", Milliseconds.hour), ("m", Milliseconds.minute),
    ("s", Milliseconds.second), ("ms", 1),
  ]

  enum Problem: Error, Equatable {
    case negative
    case withoutUnit
    case malformed
    case overflow
  }

  /// Milliseconds.
  static func parse(_ text: String) throws(Problem) -> Int64 {
    if text.hasPrefix("-") { throw .negative }
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let unit = text.dropFirst(digits.count)
    guard !digits.isEmpty else { throw .malformed }
    if unit.isEmpty { throw .withoutUnit }
    guard let factor = units.first(where: { $0.name == unit })?.milliseconds else { throw .malformed }
    guard let number = Int64(digits) else { throw .overflow }
    let (product, overflow) = number.multipliedReportingOverflow(by: factor)
    if overflow { throw .overflow }
    return product
  }

  /// The shortest usual way to write a span; `parse` reads it back. Days only from four on, minutes from two:
  /// 24h and 60s are how people say them.
  static func show(_ milliseconds: Int64) -> String {
    let least: [Int64] = [96 * Milliseconds.hour, Milliseconds.hour, 2 * Milliseconds.minute]
    for (index, unit) in units.enumerated() where milliseconds % unit.milliseconds == 0 {
      let enough = index < least.count ? milliseconds >= least[index] : milliseconds >= unit.milliseconds
      if enough { return "\(milliseconds / unit.milliseconds)\(unit.name)" }
    }
    return milliseconds == 0 ? "0s" : "\(milliseconds)ms"
  }

  /// What to write instead of `text`.
  static func remedy(_ text: String, _ problem: Problem) -> String {
    switch problem {
    case .negative: "is negative; a span is 0s or longer"
    case .withoutUnit:
      text.allSatisfy({ $0 == "0" })
        ? "has no unit; write 0s" : "has no unit; write \(text)s, \(text)m, \(text)h or \(text)d"
    case .malformed:
      "is not a span of time; write a whole number and one unit (ms, s, m, h, d), such as 90m"
    case .overflow: "is longer than any span that can be counted"
    }
  }
}
