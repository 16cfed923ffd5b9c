/// What keeps the process from being supervised.
public struct SupervisionError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Extensible: new kinds may come with any release.
  public struct Code: Sendable, Hashable {
    public var name: String
    public init(_ name: String) { self.name = name }

    /// The system refuses what is needed to receive signals.
    public static let signals = Code("signals")
    /// The service manager that the environment names cannot be told anything.
    public static let notification = Code("notification")
  }

  public var code: Code
  /// What happened, in one sentence.
  public var message: String
  /// What the person who reads it can do.
  public var hint: String
  /// The cause as the system tells it.
  public var cause: String?

  public init(_ code: Code, _ message: String, hint: String, cause: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
    self.cause = cause
  }

  public var description: String {
    let because = cause.map { " (\($0))" } ?? ""
    return "\(message)\(because); \(hint)"
  }
}
