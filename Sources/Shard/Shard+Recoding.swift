import Portrait
import Triggers

// For tests: what is restored goes on as if it had never been written.

extension Shard {
  /// Puts one user's state, by order of first appearance, through `change`.
  package mutating func change<Failure: Error>(
    user ordinal: Int, _ change: (UserState) throws(Failure) -> UserState
  ) throws(Failure) {
    let index = users.placesByAppearance()[ordinal]
    users[index].state = try change(users[index].state)
  }

  /// Calls `body` with every user, in no meaningful order.
  package func forEachUser(_ body: (borrowing UserState) -> Void) {
    users.forEach(body)
  }
}
