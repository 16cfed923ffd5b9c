import Events

/// A sliding span ending now, as configured.
public struct WindowSpec: Sendable, Hashable {
  public var name: String
  /// Length in milliseconds; a multiple of `hopMilliseconds`.
  public var lengthMilliseconds: Int64

  public init(name: String, lengthMilliseconds: Int64) {
    self.name = name
    self.lengthMilliseconds = lengthMilliseconds
  }

  /// The step to which the window's tail is exact: 5 minutes under 12 hours, 1 hour under 12 days, 1 day from
  /// 12 days on.
  public var hopMilliseconds: Int64 {
    Self.hop(lengthMilliseconds)
  }

  /// The hop of a span of this length.
  public static func hop(_ lengthMilliseconds: Int64) -> Int64 {
    if lengthMilliseconds < 12 * Milliseconds.hour { return 5 * Milliseconds.minute }
    if lengthMilliseconds < 12 * Milliseconds.day { return Milliseconds.hour }
    return Milliseconds.day
  }
}
