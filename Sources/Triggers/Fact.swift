/// Something that is known, for a person who looks: of a user, or of the service.
public struct Fact: Sendable, Hashable {
  public enum Value: Sendable, Hashable {
    case text(String)
    case number(Int64)
    case decimal(Double)
    /// Milliseconds since 1970 UTC.
    case time(Int64)
    case flag(Bool)
    case facts([Fact])
    case list([Value])
  }

  /// As in JSON: words with an underscore between.
  public var name: String
  public var value: Value

  public init(_ name: String, _ value: Value) {
    self.name = name
    self.value = value
  }
}
