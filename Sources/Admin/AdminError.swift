/// What keeps the endpoint from being served, or from being asked.
public struct AdminError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Code: String, Sendable, Hashable, CaseIterable {
    /// The address cannot be listened at.
    case listen
    /// Nobody answers there.
    case unreachable
    /// The answer is not what was asked for.
    case answer
  }

  public let code: Code
  public let cause: String
  /// What helps.
  public let hint: String

  public init(_ code: Code, _ cause: String, hint: String) {
    self.code = code
    self.cause = cause
    self.hint = hint
  }

  public var description: String { "\(cause); \(hint)" }
}
