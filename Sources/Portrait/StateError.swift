/// Why bytes of state cannot be read.
public struct StateError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Extensible: new kinds may come with any release.
  public struct Code: Sendable, Hashable {
    public var name: String
    public init(_ name: String) { self.name = name }

    /// The bytes end before the value does.
    public static let truncated = Code("truncated")
    /// A value is outside what this format writes.
    public static let malformed = Code("malformed")
    /// Bytes are left over behind the value.
    public static let excess = Code("excess")
    /// The bytes are not the ones that were written.
    public static let checksum = Code("checksum")
    /// A format that this release does not read.
    public static let format = Code("format")
    /// Not a record of state at all.
    public static let foreign = Code("foreign")
  }

  public var code: Code
  /// What is wrong, in one sentence, without contents.
  public var message: String
  /// What the person who reads it can do.
  public var hint: String
  /// Where, in bytes from the beginning of what was read.
  public var place: Int

  public init(_ code: Code, _ message: String, hint: String = StateError.damaged, place: Int) {
    self.code = code
    self.message = message
    self.hint = hint
    self.place = place
  }

  /// The way out when stored state is damaged.
  public static let damaged =
    "the record is damaged or was not written by Ebb: restore the state topic, or delete it and the group's "
    + "offsets to rebuild from input"

  public var description: String { "\(message) (byte \(place)); \(hint)" }
}
