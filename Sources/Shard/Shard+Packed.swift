import Portrait
import Triggers

// Users who were restored stay packed until they are touched. The shard behaves as if they were not.
extension Shard {
  /// Sees to it that a user's state is at hand.
  mutating func unpack(_ index: Int) {
    guard let packed = users.packed(index) else { return }
    let deadline = packed.deadline
    do throws(StateError) { users.unpack(index, try packed.user()) } catch { unreadable(error) }
    // He was looked at by what his record told. Of another epoch he was decoded for that.
    guard users[index].epoch == epochs.current else { return }
    let actual = users[state: index].deadline(constants)?.time
    guard (actual ?? .max) == (deadline ?? .max) else {
      unreadable(StateError(.malformed, "a record tells another deadline than its user has", place: 0))
    }
  }

  /// Ends the process: a record whose envelope was good when it was restored holds no user.
  ///
  /// Its checksum fitted, its format is one that this release writes, and what the release writes it reads: only a
  /// defect gets here. To go on without the user would lose his alerts and say nothing, and there is nobody to throw
  /// to who could do better: the next start would come to the same record. So it ends with the place and a way out,
  /// before anything wrong is committed.
  func unreadable(_ error: StateError) -> Never {
    fatalError(
      "partition \(partition): stored state that was restored cannot be decoded: \(error.message) (byte "
        + "\(error.place)). This is a defect: report it. `ebbd state verify` names the record; to go on, rebuild "
        + "from input (delete the records of the state topic and the group's offsets, start with start: earliest)"
    )
  }

  /// Calls `body` with every user, in no meaningful order.
  package func forEachUser(_ body: (borrowing UserState) -> Void) {
    forEachUser { user, _ in body(user) }
  }

  /// Calls `body` with every user and the hash of the epoch in which he was last touched, in no meaningful order.
  package func forEachUser(_ body: (borrowing UserState, UInt64) -> Void) {
    for index in 0..<users.placeCount where users.isLive(index) {
      let epoch = epochs.hash(users[index].epoch)
      if let packed = users.packed(index) {
        do throws(StateError) { body(try packed.user(), epoch) } catch { unreadable(error) }
      } else {
        body(users[state: index], epoch)
      }
    }
  }
}
