import Portrait
import Triggers

/// A record for the state partition.
public struct StateChange: Sendable, Hashable {
  public var key: [UInt8]
  /// nil: a tombstone.
  public var value: [UInt8]?
  /// What the record is current to; of a tombstone, of the marker that it follows.
  public var position: Position

  public init(key: [UInt8], value: [UInt8]?, position: Position) {
    self.key = key
    self.value = value
    self.position = position
  }

  /// About what it takes on the wire.
  public var bytes: Int { key.count + (value?.count ?? 24) + 32 }
}

/// How much may be flushed at once.
public struct FlushLimit: Sendable, Hashable {
  /// Users that were queued before this ordinal, and no others.
  public var ordinal: UInt64
  public var users: Int
  public var bytes: Int

  public init(ordinal: UInt64, users: Int, bytes: Int) {
    self.ordinal = ordinal
    self.users = users
    self.bytes = bytes
  }
}

// What is written to the state topic: users who have changed, markers of those who are gone, their tombstones, and
// the texts of epochs.
//
// ```
//  changed ──► dirty queue ──► flushed: user, or marker if gone ──► (gone) grave ──► tombstone
//                 ▲                                                    │             once R has passed the marker
//                 └────────────────── returns ◄────────────────────────┘
// ```
extension Shard {
  /// Where input must be read from again to rebuild what is not flushed.
  public var recoveryPoint: Position { dirty.first?.position ?? position }

  /// Users who wait to be flushed.
  public var dirtyCount: Int { dirty.count }

  /// How many users have ever been queued to be flushed; see `FlushLimit.ordinal`.
  public var queuedCount: UInt64 { dirty.queued }

  /// Takes users from the head of the dirty queue and writes them as they are now.
  ///
  /// - Returns: whether more are waiting that `limit.ordinal` covers.
  public mutating func flush(_ limit: FlushLimit, into changes: inout [StateChange]) -> Bool {
    var users = 0
    var bytes = 0
    while !dirty.isEmpty, dirty.firstOrdinal < limit.ordinal {
      if users >= limit.users || bytes >= limit.bytes { return true }
      let change = record(Int(dirty.popFirst().index))
      users += 1
      bytes += change.bytes
      changes.append(change)
    }
    return false
  }

  private mutating func record(_ index: Int) -> StateChange {
    let isGone = users[index].isGone
    users[index].isDirty = false
    users[stored: index].position = position
    if isGone { graves.append(Grave(index: UInt32(index), position: position)) }
    setStored(index, isGone ? epochs.current : users[index].epoch)
    write(index, at: position)
    return StateChange(key: users.key(index), value: stateWriter.bytes, position: position)
  }

  /// Leaves the value of a record in `stateWriter`, of a user who is not packed, or of one who is gone.
  private mutating func write(_ index: Int, at position: Position) {
    let epoch = epochs.hash(users[stored: index].epoch)
    let block = users.block(index)
    stateWriter.removeAll()
    if users[index].isGone {
      unsafe StateRecord.encodeGone(key: block.key, epoch: epoch, position: position, into: &stateWriter)
    } else {
      unsafe desk.take(block.content)
      desk.need(.all)
      var deadline = block.deadline
      if unsafe UserState.isDeadlineEarly(block.content) {
        deadline = desk.state.deadline(epochs.constants(users[index].epoch))?.time ?? .max
      }
      unsafe StateRecord.encode(
        desk.state, key: block.key, epoch: epoch, position: position,
        deadline: deadline == .max ? nil : deadline, into: &stateWriter)
    }
  }

  /// Calls `body` with key and value of the record that the state partition holds of a user without unflushed
  /// changes, or of one who is gone: to the byte what was flushed, however the user is kept here.
  mutating func withStored(
    _ index: Int, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void
  ) {
    let stored = users[stored: index]
    precondition(stored.exists && !users[index].isDirty, "what is stored of a user is outdated")
    let block = users.block(index)
    if block.kind == .record { return unsafe body(block.key, block.value) }
    write(index, at: stored.position)
    unsafe stateWriter.withBytes { unsafe body(block.key, $0) }
  }

  /// Notes which epoch the stored record names.
  mutating func setStored(_ index: Int, _ epoch: UInt16) {
    if users[stored: index].exists {
      epochs.refer(users[stored: index].epoch, by: -1)
    } else {
      storedCount += 1
    }
    users[stored: index].epoch = epoch
    epochs.refer(epoch, by: 1)
  }

  /// Nothing is stored of a user any more: takes him out.
  mutating func removeStored(_ index: Int) {
    if users[stored: index].exists {
      epochs.refer(users[stored: index].epoch, by: -1)
      storedCount -= 1
    }
    users.remove(index)
  }

  /// Tombstones for those whose marker lies at or before `point`, and for texts of epochs that nothing refers to any
  /// more. `point`: the recovery point of the transaction that carries them, or of an earlier commit.
  public mutating func bury(upTo point: Position, limit: Int, into changes: inout [StateChange]) {
    var taken = 0
    while taken < graves.count, taken < limit, graves[taken].position <= point {
      let grave = graves[taken]
      taken += 1
      let index = Int(grave.index)
      // One who has come back, and one who came back and is gone again, have no business here.
      guard users.isUsed(index), users[index].isGone, !users[index].isDirty,
        users[stored: index].position == grave.position
      else { continue }
      changes.append(StateChange(key: users.key(index), value: nil, position: grave.position))
      removeStored(index)
    }
    if taken > 0 { graves.removeFirst(taken) }
    for (index, entry) in epochs.entries.enumerated()
    where entry.isStored && entry.references == 0 && index != epochs.current {
      epochs.setStored(UInt16(index), false)
      changes.append(StateChange(key: StateRecord.key(ofEpoch: entry.hash), value: nil, position: point))
    }
  }

  /// Whether users wait to be flushed that were queued before this ordinal.
  public func hasDirty(before ordinal: UInt64) -> Bool {
    !dirty.isEmpty && dirty.firstOrdinal < ordinal
  }

  /// Whether tombstones may be written that `point` allows.
  public func hasGrave(upTo point: Position?) -> Bool {
    guard let point, let first = graves.first else { return false }
    return first.position <= point
  }

  /// Drops clock entries that recovery from `recoveryPoint` does not need. Before a flush, so that every entry is
  /// committed at least once, and the history can be told from what was committed.
  public mutating func trimClockLog() {
    clockLog.trim(to: recoveryPoint)
  }

  // MARK: Epochs

  /// Begins a new epoch. Only while nothing is dirty, so that no replay spans it; what the new rules make due comes
  /// due with the next record or tick.
  ///
  /// - Parameter changes: gets the epoch's text, which belongs into the transaction that starts it.
  public mutating func beginEpoch(_ epoch: Epoch, into changes: inout [StateChange]) {
    precondition(dirty.isEmpty, "an epoch begins on an empty dirty queue")
    epochs.begin(epoch)
    constants = epochs.constants
    epochs.setStored(epochs.current, true)
    epochs.setBegan(epochs.current, position)
    // Written anew when an earlier one comes back: its position tells where it began.
    let record = StateRecord(epoch: epoch.hash, position: position, content: .epoch(epoch.text))
    stateWriter.removeAll()
    record.encode(into: &stateWriter)
    changes.append(StateChange(key: record.key, value: stateWriter.bytes, position: position))
    do throws(StateError) { try scheduleAll() } catch { unreadable(error) }
  }
}
