/// One thing to tell about a configuration or mapping file, with its place and its remedy.
public struct Finding: Sendable, Hashable, Comparable, CustomStringConvertible {
  public enum Severity: String, Sendable, Hashable, CaseIterable {
    /// The file is not used.
    case error
    /// The file is used, but this is rarely what was meant.
    case warning
    /// A consequence worth knowing.
    case note
  }

  /// As the operator named it.
  public var file: String
  /// From 1.
  public var line: Int
  /// From 1, in characters.
  public var column: Int
  public var severity: Severity
  /// What is wrong and what to do, in one or two sentences. Never holds a secret.
  public var message: String

  public init(file: String, line: Int, column: Int, severity: Severity = .error, message: String) {
    self.file = file
    self.line = line
    self.column = column
    self.severity = severity
    // What stands in the file may stand in the message: it stays on its line, and does nothing to a terminal.
    self.message = legible(message)
  }

  /// `file:line:column: error: message`, the form that editors and compilers share.
  public var description: String {
    "\(file):\(line):\(column): \(severity.rawValue): \(message)"
  }

  /// In order of place within one file; at one place errors first.
  public static func < (left: Finding, right: Finding) -> Bool {
    func rank(_ finding: Finding) -> Int { Severity.allCases.firstIndex(of: finding.severity) ?? 0 }
    return (left.file, left.line, left.column, rank(left), left.message)
      < (right.file, right.line, right.column, rank(right), right.message)
  }
}
