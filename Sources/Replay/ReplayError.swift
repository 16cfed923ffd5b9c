/// What stops a replay before it has read everything.
public struct ReplayError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Extensible: new kinds may come with any release.
  public struct Code: Sendable, Hashable {
    public var name: String
    public init(_ name: String) { self.name = name }

    public static let unreadable = Code("unreadable")
    public static let unusable = Code("unusable")
  }

  public var code: Code
  /// What happened, in one sentence.
  public var message: String
  /// What the person who reads it can do.
  public var hint: String

  public init(_ code: Code, _ message: String, hint: String) {
    self.code = code
    self.message = message
    self.hint = hint
  }

  public var description: String { "\(message); \(hint)" }
}
