import Portrait
import Triggers

// For tests: what is restored goes on as if it had never been written.

extension Shard {
  /// Puts one user's state, by order of first appearance, through `change`.
  package mutating func change<Failure: Error>(
    user ordinal: Int, _ change: (UserState) throws(Failure) -> UserState
  ) throws(Failure) {
    let index = users.placesByAppearance()[ordinal]
    unpack(index)
    users[state: index] = try change(users[state: index])
  }

  /// Unpacks a user, by order of first appearance, as if somebody had needed his state.
  package mutating func unpack(user ordinal: Int) {
    unpack(users.placesByAppearance()[ordinal])
  }

  /// How many users are packed.
  package var packedCount: Int {
    (0..<users.placeCount).count { users.isLive($0) && users.packed($0) != nil }
  }

  /// Calls `body` with key and value of the record that is stored of every user without unflushed changes, and of
  /// everyone who is gone.
  package mutating func forEachStored(_ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void) {
    for index in 0..<users.placeCount where users.isUsed(index) && !users[index].isDirty {
      unsafe withStored(index, body)
    }
  }
}
