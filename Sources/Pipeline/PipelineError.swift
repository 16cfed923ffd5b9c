/// What ends a lane.
public struct PipelineError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Extensible: new kinds may come with any release.
  public struct Code: Sendable, Hashable {
    public var name: String
    public init(_ name: String) { self.name = name }

    /// The input cannot be read at all: it does not exist, or access is refused.
    public static let input = Code("input")
    /// The position to read from is gone from the input.
    public static let offsetLost = Code("offset_lost")
    /// A record cannot be written.
    public static let output = Code("output")
    /// Another process has taken this one's place.
    public static let fenced = Code("fenced")
    /// What was stored of the state cannot be used as it is.
    public static let state = Code("state")
    /// The configuration does not fit the cluster.
    public static let configuration = Code("configuration")
  }

  public var code: Code
  /// What happened, in one sentence, without payloads or secrets.
  public var message: String
  /// What the person who reads it can do.
  public var hint: String
  /// The cause as the library below tells it.
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
