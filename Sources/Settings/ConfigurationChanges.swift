/// An option that two configurations do not agree on.
public struct OptionChange: Sendable, Hashable, CustomStringConvertible {
  /// Such as `cart.steps`.
  public var path: String
  /// The values as the file would have them on one line; never a secret.
  public var old: String
  public var new: String
  /// Whether a running process cannot take the new one.
  public var needsRestart: Bool

  public var description: String { "\(path) \(old) -> \(new)" }
}

extension Configuration {
  /// What `other` says differently, in the order of the reference.
  public func changes(to other: Configuration) -> [OptionChange] {
    OptionTable.all.compactMap { option in
      let (old, new) = (option.show(self), option.show(other))
      guard old != new else { return nil }
      return OptionChange(path: option.path, old: old, new: new, needsRestart: option.application == .restart)
    }
  }

  /// This configuration with everything from `other` that a running process can take.
  public func reloaded(from other: Configuration) -> Configuration {
    var configuration = self
    for option in OptionTable.all where option.application == .reload { option.copy(other, &configuration) }
    configuration.rules.shop.zones = other.rules.shop.zones
    return configuration
  }
}
