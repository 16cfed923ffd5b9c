import Events

/// Instants as operators write them: `2026-11-01T00:00:00Z`, or with an offset such as `+01:00`.
enum Timestamps {
  /// Milliseconds since 1970 UTC; nil: not such a text, or no such instant.
  static func parse(_ text: String) -> Int64? {
    var rest = Array(text.utf8)[...]
    func take(_ count: Int) -> Int? {
      guard rest.count >= count else { return nil }
      var value = 0
      for byte in rest.prefix(count) {
        guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
        value = value * 10 + Int(byte - UInt8(ascii: "0"))
      }
      rest = rest.dropFirst(count)
      return value
    }
    func skip(_ characters: String) -> Bool {
      guard let first = rest.first, characters.utf8.contains(first) else { return false }
      rest = rest.dropFirst()
      return true
    }
    guard let year = take(4), skip("-"), let month = take(2), skip("-"), let day = take(2), skip("Tt "),
      let hour = take(2), skip(":"), let minute = take(2), skip(":"), let second = take(2)
    else { return nil }
    guard (1970...9999).contains(year), (1...12).contains(month),
      (1...days(in: month, of: year)).contains(day),
      hour < 24, minute < 60, second < 60
    else { return nil }
    var offset = 0
    if !skip("Zz") {
      let east = rest.first == UInt8(ascii: "+")
      guard skip("+-"), let hours = take(2), hours < 24 else { return nil }
      _ = skip(":")
      guard let minutes = take(2), minutes < 60 else { return nil }
      offset = (hours * 60 + minutes) * (east ? 1 : -1)
    }
    guard rest.isEmpty else { return nil }
    let ofDay = (hour * 60 + minute - offset) * 60 + second
    return (dayNumber(year, month, day) * 86_400 + Int64(ofDay)) * 1000
  }

  /// `2026-11-01T00:00:00Z`; whole seconds, rounded down.
  static func show(_ milliseconds: Int64) -> String {
    let second = Milliseconds.floor(milliseconds, to: Milliseconds.second)
    let (year, month, day) = civil(Milliseconds.dayNumber(second))
    let ofDay = (second - Milliseconds.floor(second, to: Milliseconds.day)) / 1000
    func two(_ value: some BinaryInteger) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let time = "\(two(ofDay / 3600)):\(two(ofDay / 60 % 60)):\(two(ofDay % 60))"
    return "\(year)-\(two(month))-\(two(day))T\(time)Z"
  }

  private static func days(in month: Int, of year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Days since 1970-01-01 of a Gregorian date (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
  private static func dayNumber(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let ofEra = shifted - era * 400
    let ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return Int64(era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468)
  }

  /// The inverse, for days from 1970 on.
  private static func civil(_ dayNumber: Int64) -> (year: Int, month: Int, day: Int) {
    let shifted = Int(dayNumber) + 719_468
    let era = shifted / 146_097
    let ofEra = shifted - era * 146_097
    let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
    let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * ofYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, ofYear - (153 * shiftedMonth + 2) / 5 + 1)
  }
}
