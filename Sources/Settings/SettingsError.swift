/// Why a file of settings could not be used at all.
public struct SettingsError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Codes are added in later releases: compare, do not switch over all of them.
  public struct Code: Sendable, Hashable {
    let name: String

    /// There is no such file, or it may not be read.
    public static let unreadable = Code(name: "unreadable")
    /// It is longer than such a file can sensibly be.
    public static let tooLarge = Code(name: "tooLarge")
    /// It is not UTF-8.
    public static let notText = Code(name: "notText")
    /// A secret is not where the configuration says.
    public static let secretMissing = Code(name: "secretMissing")
    /// The stored text of an epoch is damaged, or none.
    public static let epochUnreadable = Code(name: "epochUnreadable")
    /// The stored text of an epoch is of another release, or of other time-zone data.
    public static let epochForeign = Code(name: "epochForeign")
  }

  public var code: Code
  /// One sentence; never holds a secret.
  public var cause: String
  /// What to do.
  public var hint: String

  public init(code: Code, cause: String, hint: String) {
    self.code = code
    self.cause = cause
    self.hint = hint
  }

  public var description: String { "\(cause); \(hint)" }
}
