/// Reads the ISO 8601 times that shops write, without locale or calendar library.
///
/// `2026-03-01T10:00:00Z`, `2026-03-01 10:00:00 UTC`, `2026-03-01T10:00:00.123456+08:00`, `+0800`, `+08`,
/// without seconds, without a zone (UTC is meant), or the date alone (its midnight, UTC). Years 0001 to 9999;
/// a leap second counts as the first of the next minute; digits below the millisecond are dropped.
enum TimeText {
  /// Milliseconds since 1970 UTC, or nil if the text is no such time.
  static func milliseconds(_ text: RawText) -> Int64? {
    var reader = Reader(text: text)
    guard let year = reader.digits(4), reader.take("-"),
      let month = reader.digits(2), reader.take("-"),
      let day = reader.digits(2),
      year >= 1, month >= 1, month <= 12, day >= 1, day <= daysIn(month, of: year)
    else { return nil }
    var result = daysSince1970(year: year, month: month, day: day) * Milliseconds.day
    if reader.isAtEnd { return result }
    guard reader.take("T") || reader.take("t") || reader.take(" ") else { return nil }
    guard let hour = reader.digits(2), reader.take(":"),
      let minute = reader.digits(2), hour <= 23, minute <= 59
    else { return nil }
    result += Int64(hour) * Milliseconds.hour + Int64(minute) * Milliseconds.minute
    if reader.take(":") {
      guard let second = reader.digits(2), second <= 60 else { return nil }
      result += Int64(second) * Milliseconds.second
      if reader.take(".") || reader.take(",") {
        guard let fraction = reader.fraction() else { return nil }
        result += fraction
      }
    }
    guard let offset = reader.zone() else { return nil }
    return result - offset
  }

  /// Days from 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant, "chrono-Compatible Low-Level
  /// Date Algorithms", days_from_civil).
  static func daysSince1970(year: Int, month: Int, day: Int) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return Int64(era * 146_097 + dayOfEra - 719_468)
  }

  static func daysIn(_ month: Int, of year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  private struct Reader {
    let text: RawText
    var position = 0

    var isAtEnd: Bool { position == text.count }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
      guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
      position += 1
      return true
    }

    mutating func digits(_ count: Int) -> Int? {
      guard position + count <= text.count else { return nil }
      var value = 0
      for _ in 0..<count {
        let byte = text[position]
        guard byte >= 0x30, byte <= 0x39 else { return nil }
        value = value * 10 + Int(byte &- 0x30)
        position += 1
      }
      return value
    }

    /// The milliseconds of a fraction of any number of digits.
    mutating func fraction() -> Int64? {
      var value: Int64 = 0
      var count = 0
      while position < text.count, text[position] >= 0x30, text[position] <= 0x39 {
        if count < 3 { value = value * 10 + Int64(text[position] &- 0x30) }
        count += 1
        position += 1
      }
      guard count > 0 else { return nil }
      for _ in 0..<max(0, 3 - count) { value *= 10 }
      return value
    }

    /// The offset from UTC in milliseconds; 0 without a zone.
    mutating func zone() -> Int64? {
      if isAtEnd || ((take("Z") || take("z")) && isAtEnd) { return 0 }
      _ = take(" ")
      if take("U") { return take("T") && take("C") && isAtEnd ? 0 : nil }
      if take("G") { return take("M") && take("T") && isAtEnd ? 0 : nil }
      if take("Z") { return isAtEnd ? 0 : nil }
      let isNegative: Bool
      if take("+") {
        isNegative = false
      } else if take("-") {
        isNegative = true
      } else {
        return nil
      }
      guard let hours = digits(2), hours <= 23 else { return nil }
      var minutes = 0
      if !isAtEnd {
        _ = take(":")
        guard let written = digits(2), written <= 59 else { return nil }
        minutes = written
      }
      guard isAtEnd else { return nil }
      let offset = Int64(hours) * Milliseconds.hour + Int64(minutes) * Milliseconds.minute
      return isNegative ? -offset : offset
    }
  }
}
