import Portrait
import Triggers

// Users who were restored stay as their records until they are touched: decoding one takes longer than reading him,
// and most of a million will not be seen for days. The shard behaves as if there were no difference.
extension Shard {
  /// Lays a user out on the desk.
  @inline(__always) mutating func take(_ index: Int) {
    let block = users.block(index)
    if block.kind == .state {
      unsafe desk.take(block.content)
    } else {
      takeRecord(index)
    }
  }

  @inline(never) private mutating func takeRecord(_ index: Int) {
    do throws(StateError) { try layOut(index) } catch { unreadable(error) }
    // He was looked at by what his record told. Of another epoch he was decoded for that.
    guard users[index].epoch == epochs.current else { return }
    guard (desk.state.deadline(constants)?.time ?? .max) == users.block(index).deadline else {
      unreadable(StateError(.malformed, "a record tells another deadline than its user has", place: 0))
    }
  }

  /// As `take`, without a look at what his record told.
  mutating func layOut(_ index: Int) throws(StateError) {
    let block = users.block(index)
    if block.kind == .state { return unsafe desk.take(block.content) }
    desk.take(try unsafe StoredRecord(key: block.key, value: block.value).user())
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

  /// A user's state, all of it.
  func state(_ index: Int) -> UserState {
    let block = users.block(index)
    if block.kind == .record {
      do throws(StateError) {
        return try unsafe StoredRecord(key: block.key, value: block.value).user()
      } catch {
        unreadable(error)
      }
    }
    var state = UserState(isIdentified: false, firstSeen: 0, constants)
    let parts = unsafe state.read(block.content)
    state.load(.all, from: parts)
    return state
  }

  /// Calls `body` with every user's key and state, in no meaningful order.
  package func forEachUser(_ body: (String, borrowing UserState) -> Void) {
    forEachUser { key, user, _ in body(key, user) }
  }

  /// Calls `body` with every user's key and state and the hash of the epoch in which he was last touched, in no
  /// meaningful order.
  package func forEachUser(_ body: (String, borrowing UserState, UInt64) -> Void) {
    for index in 0..<users.placeCount where users.isLive(index) {
      let key = unsafe String(decoding: users.block(index).key, as: UTF8.self)
      body(key, state(index), epochs.hash(users[index].epoch))
    }
  }
}
