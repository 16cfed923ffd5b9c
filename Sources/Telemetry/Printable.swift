/// Text from outside, made fit for a terminal or a log.
public enum Printable {
  /// Control characters of both ranges (escape sequences begin with one), line and paragraph separators,
  /// characters that turn the direction of text, other invisible format characters and those of private use become `?`;
  /// anything after `limit` characters becomes `…`.
  /// - Parameter limit: in Unicode scalars, at least 1; the result is never longer.
  public static func text(_ text: String, limit: Int = 256) -> String {
    precondition(limit > 0)
    var safe = String.UnicodeScalarView()
    var count = 0
    for scalar in text.unicodeScalars {
      if count == limit {
        safe.removeLast()
        safe.append("…")
        break
      }
      safe.append(isSafe(scalar) ? scalar : "?")
      count += 1
    }
    return String(safe)
  }

  /// As `text`, line by line: only their ends stay.
  /// - Parameter limit: of each line.
  public static func lines(_ text: String, limit: Int = 4_096) -> String {
    // By scalars: a carriage return and a line's end are one character.
    text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
      .map { Self.text(String($0), limit: limit) }.joined(separator: "\n")
  }

  /// Whether it shows as itself and does nothing else.
  static func isSafe(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return scalar.value >= 0x20 && scalar.value != 0x7F }
    // The joiner holds families of emoji and syllables of Indic scripts together.
    if scalar.value == 0x200D || scalar.value == 0x200C { return true }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned:
      return false
    default: return true
    }
  }
}
