import Triggers

extension Shard {
  /// A user as he is now.
  public struct LookedUp: Sendable {
    public var state: UserState
    /// Of the epoch in which he was last touched.
    public var constants: EpochConstants
  }

  /// A user by his key; nil: there is none. Changes nothing.
  ///
  /// - Parameter key: `user_id`, or `anon:` and the anonymous id.
  public func look(for key: String) -> LookedUp? {
    var key = key
    let index = key.withUTF8 { bytes in
      unsafe users.find(UnsafeRawBufferPointer(bytes), UserTable.hash(UnsafeRawBufferPointer(bytes)))
    }
    guard let index, users.isLive(index) else { return nil }
    return LookedUp(state: state(index), constants: epochs.constants(users[index].epoch))
  }
}
