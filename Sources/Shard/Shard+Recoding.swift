import Portrait
import Triggers

// For tests: what is restored goes on as if it had never been written.

extension Shard {
  /// Puts one user's state, by order of first appearance, through `change`, which gets his key in UTF-8.
  package mutating func change<Failure: Error>(
    user ordinal: Int, _ change: (UnsafeRawBufferPointer, UserState) throws(Failure) -> UserState
  ) throws(Failure) {
    let index = users.placesByAppearance()[ordinal]
    let deadline = users.block(index).deadline
    desk.take(try unsafe change(users.block(index).key, state(index)))
    desk.put(into: &users, index, deadline: deadline, epochs.constants(users[index].epoch))
  }

  /// Unpacks a user, by order of first appearance, as if somebody had needed his state.
  package mutating func unpack(user ordinal: Int) {
    let index = users.placesByAppearance()[ordinal]
    let deadline = users.block(index).deadline
    take(index)
    desk.put(into: &users, index, deadline: deadline, epochs.constants(users[index].epoch))
  }

  /// How many users are packed.
  package var packedCount: Int {
    (0..<users.placeCount).count { users.isLive($0) && users.block($0).kind == .record }
  }

  /// Calls `body` with key and value of the record that is stored of every user without unflushed changes, and of
  /// everyone who is gone.
  package mutating func forEachStored(_ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void) {
    for index in 0..<users.placeCount where users.isUsed(index) && !users[index].isDirty {
      unsafe withStored(index, body)
    }
  }
}
