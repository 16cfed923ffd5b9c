import Events

/// Times, spans and money as text, without a locale.
public enum WireText {
  /// Lower-case hexadecimal, with leading zeros.
  public static func hexadecimal(_ number: UInt64, digits: Int = 16) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  /// RFC 3339 in UTC with milliseconds, such as `2019-10-01T00:00:00.000Z`. Times outside the years 0 to 9999,
  /// which RFC 3339 cannot say, are given as the first or last that it can.
  public static func instant(_ time: Int64) -> String {
    let moment = CalendarTime(time)
    return "\(moment.date)T\(two(moment.hour)):\(two(moment.minute)):\(two(moment.second))."
      + padded(moment.millisecond, 3) + "Z"
  }

  /// For people: `14:05 UTC`, with the date in front if it is not that of `reference`.
  public static func clock(_ time: Int64, seenFrom reference: Int64) -> String {
    let moment = CalendarTime(time)
    let date = moment.date == CalendarTime(reference).date ? "" : moment.date + " "
    return "\(date)\(two(moment.hour)):\(two(moment.minute)) UTC"
  }

  /// For people, rounded down: `45 s`, `12 min`, `1 h 02 min`, `3 d 4 h`. Parts that are 0 are left out.
  public static func span(_ milliseconds: Int64) -> String {
    let seconds = max(0, milliseconds) / 1000
    let minutes = seconds / 60
    let hours = minutes / 60
    if minutes == 0 { return "\(seconds) s" }
    if hours == 0 { return "\(minutes) min" }
    if hours < 24 { return "\(hours) h" + (minutes % 60 == 0 ? "" : " \(two(minutes % 60)) min") }
    return "\(hours / 24) d" + (hours % 24 == 0 ? "" : " \(hours % 24) h")
  }

  /// Such as `EUR 59.90`; two decimals and no code if the currency is unknown.
  public static func money(_ minor: Int64, _ currency: Currency?) -> String {
    let digits = currency?.minorDigits ?? 2
    var unit: UInt64 = 1
    for _ in 0..<digits { unit *= 10 }
    let sign = minor < 0 ? "-" : ""
    let whole = minor.magnitude / unit
    let part = digits == 0 ? "" : "." + padded(Int64(minor.magnitude % unit), digits)
    return (currency.map { $0.text + " " } ?? "") + "\(sign)\(whole)\(part)"
  }

  /// At most one decimal, such as `2` or `0.5`.
  static func decimal(_ number: Double) -> String {
    guard number.isFinite, number.magnitude < 1e15 else { return number.description }
    let tenths = Int64((number * 10).rounded())
    let sign = tenths < 0 ? "-" : ""
    let part = tenths.magnitude % 10
    return "\(sign)\(tenths.magnitude / 10)" + (part == 0 ? "" : ".\(part)")
  }

  static func two(_ number: Int64) -> String { padded(number, 2) }

  static func padded(_ number: Int64, _ digits: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}

/// A time taken apart in UTC.
private struct CalendarTime {
  /// Milliseconds since 1970 of the years 0 and 9999's ends.
  static let bounds: ClosedRange<Int64> = -62_167_219_200_000...253_402_300_799_999

  var date: String
  var hour: Int64
  var minute: Int64
  var second: Int64
  var millisecond: Int64

  init(_ time: Int64) {
    let time = min(max(time, Self.bounds.lowerBound), Self.bounds.upperBound)
    let day = Milliseconds.dayNumber(time)
    let rest = time - day * Milliseconds.day
    hour = rest / Milliseconds.hour
    minute = rest / Milliseconds.minute % 60
    second = rest / Milliseconds.second % 60
    millisecond = rest % 1000
    // Days to civil date by eras of 400 years that begin on 1 March
    // (https://howardhinnant.github.io/date_algorithms.html#civil_from_days).
    let shifted = day + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    date =
      WireText.padded(year, 4) + "-" + WireText.two(month) + "-"
      + WireText.two(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }
}
