/// A value that is used and never shown.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  /// The value itself, for the library that needs it.
  public let value: String

  public init(_ value: String) {
    self.value = value
  }

  public var description: String { "<secret>" }
  public var debugDescription: String { "<secret>" }
  public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}

/// Where a secret is read from at start.
public enum SecretSource: Sendable, Hashable {
  /// A file; its one line is the secret.
  case file(String)
  /// A systemd credential (`LoadCredential=`), read from `$CREDENTIALS_DIRECTORY`.
  case credential(String)
}
