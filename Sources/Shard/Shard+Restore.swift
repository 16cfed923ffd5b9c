import Portrait
import Triggers

/// What a restored shard must fit: what its owner wrote beside the committed offset.
public struct RestorePoint: Sendable, Hashable {
  /// Where input is read again from.
  public var recoveryPoint: Position
  public var epochHash: UInt64
  /// Records in the state partition, markers included; nil: not known exactly (at-least-once delivery).
  public var storedCount: Int?
  public var clockLog: ClockLog

  public init(recoveryPoint: Position, epochHash: UInt64, storedCount: Int?, clockLog: ClockLog) {
    self.recoveryPoint = recoveryPoint
    self.epochHash = epochHash
    self.storedCount = storedCount
    self.clockLog = clockLog
  }
}

/// Why state that was read cannot be used.
public enum RestoreProblem: Error, Sendable, Hashable {
  /// The number of records differs from what the last commit says.
  case count(found: Int, expected: Int)
  /// Records name an epoch whose text is not there.
  case unknownEpoch(UInt64)
  /// A user has a deadline that should have been handled before the recovery point.
  case overdue(deadline: Int64, watermark: Int64)
  /// The replay did not come out at the committed watermark.
  case watermark(found: Int64, expected: Int64)
  /// A user who was last touched in another epoch cannot be decoded.
  case unreadable(StateError)
}

// How state comes back: the records of the state partition (and of a snapshot) in any order that keeps each key's
// own, then the input from the recovery point on, by `apply`, with the clock entries in their places. Users stay
// packed until they are touched: what restoring must know of them stands in the envelope.
extension Shard {
  /// Takes one user's or marker's record in. The one that is current to more wins, so that a snapshot's newer
  /// record stands against older ones of the topic.
  public mutating func restore(_ record: StoredRecord) throws(StateError) {
    try record.checkKey()
    let key = unsafe record.key
    let hash = unsafe UserTable.hash(key)
    let epoch = epochs.index(of: record.epoch)
    let index: Int
    if let known = unsafe users.find(key, hash) {
      if users[stored: known].position > record.position { return }
      index = known
      if record.kind == .gone {
        users.bury(index, epoch: epoch)
      } else {
        unsafe users.replace(index, record: record.value, deadline: record.deadline, epoch: epoch)
      }
    } else if record.kind == .gone {
      index = unsafe users.insert(gone: key, hash, epoch: epoch)
    } else {
      index = unsafe users.insert(
        record: record.value, of: key, deadline: record.deadline, hash, epoch: epoch)
    }
    users[stored: index].position = record.position
    restoredOffset = max(restoredOffset, record.position.offset)
    setStored(index, epoch)
  }

  /// Takes a tombstone in.
  ///
  /// - Parameter position: what it was current to; nil: unknown, it counts in any case.
  public mutating func restoreTombstone(key: UnsafeRawBufferPointer, position: Position?) {
    guard let index = unsafe users.find(key, UserTable.hash(key)) else { return }
    if let position, users[stored: index].position > position { return }
    removeStored(index)
  }

  /// Takes the text of an epoch in, which began at `position`.
  public mutating func restore(_ epoch: Epoch, at position: Position) {
    let index = epochs.know(epoch)
    epochs.setStored(index, true)
    epochs.setBegan(index, max(position, epochs.entries[Int(index)].began))
  }

  /// An epoch's text has been dropped from the state partition.
  public mutating func restoreTombstone(ofEpoch hash: UInt64) {
    epochs.setStored(epochs.index(of: hash), false)
  }

  /// All records are in: holds them against what was committed, and stands at the recovery point.
  public mutating func finishRestore(_ point: RestorePoint) throws(RestoreProblem) {
    if let expected = point.storedCount, expected != storedCount {
      throw .count(found: storedCount, expected: expected)
    }
    for entry in epochs.entries where entry.references > 0 || entry.hash == point.epochHash {
      if entry.epoch == nil { throw .unknownEpoch(entry.hash) }
    }
    guard let present = epochs.entries.first(where: { $0.hash == point.epochHash })?.epoch else {
      throw .unknownEpoch(point.epochHash)
    }
    epochs.begin(present)
    constants = epochs.constants
    position = point.recoveryPoint
    clockLog = point.clockLog
    clockLog.trim(to: position)
    resumed = clockLog.base
    do throws(StateError) { try scheduleAll() } catch { throw .unreadable(error) }
    for index in 0..<users.placeCount where users.isUsed(index) {
      if users[index].isGone {
        graves.append(Grave(index: UInt32(index), position: users[stored: index].position))
        continue
      }
      // A user who has not been touched since the epoch began may have come due by its beginning.
      guard users[stored: index].position <= position, users[stored: index].position > epochs.began,
        users[index].epoch == epochs.current, case let deadline = users[index].hinted,
        deadline <= position.watermark
      else { continue }
      throw .overdue(deadline: deadline, watermark: position.watermark)
    }
    graves.sort { $0.position < $1.position }
  }

  /// What the replay cannot tell: the largest event time, if it lies before the recovery point.
  public mutating func takeLatestEvent(_ time: Int64?) {
    if let time { latestEvent = max(latestEvent ?? time, time) }
  }

  /// Takes a clock entry of the replayed log.
  public mutating func replay(_ entry: ClockEntry, into output: inout TriggerOutput) {
    switch entry.kind {
    case .resume: resumed = max(resumed, entry.clock)
    case .advance: advance(to: entry.watermark, clock: entry.clock, into: &output)
    }
  }
}
