import Portrait
import Shard

/// How far the writing of a snapshot is.
///
/// ```
///  walking, in slices ─► flushing: those whom the walk left out ─► committing: the cut behind that ─► finished
/// ```
/// Only with that cut's commit everything in it is known to be committed, and everything that it leaves out.
struct SnapshotTask: Sendable {
  enum Phase: Sendable {
    case walking(SnapshotWalk)
    /// Users that were queued before this ordinal are not flushed yet.
    case flushing(before: UInt64)
    case committing(CutNumber)
  }

  let ticket: SnapshotTicket
  var phase: Phase
  /// A slice for which there was no room yet.
  var waiting: (bytes: [UInt8], records: Int)?
}

extension OwnedPartition {
  /// A cut has taken what it flushes.
  func noteCut(_ number: CutNumber) {
    guard case .flushing(let ordinal) = snapshot?.phase, !shard.hasDirty(before: ordinal) else { return }
    snapshot?.phase = .committing(number)
  }
}

// The local copies of the state. A lane must not stall for them: it encodes a slice in a turn, for one partition at a
// time, and hands the bytes to the writer.
extension LaneCore where Output: ~Copyable, Helper: ~Copyable {
  /// Users that a turn encodes at most, and after how many bytes it stops: about a millisecond.
  private static var sliceUsers: Int { 500 }
  private static var sliceBytes: Int { 256 << 10 }

  /// Does one slice of what is due.
  ///
  /// - Returns: whether more slices follow at once.
  mutating func driveSnapshots() -> Bool {
    guard let snapshots else { return false }
    let now = clock.monotonic()
    var walking: OwnedPartition?
    for partition in owned where partition.phase == .live {
      if partition.snapshotDue == nil { partition.snapshotDue = now + settings.snapshotEveryMilliseconds }
      switch partition.snapshot?.phase {
      case .walking: walking = partition
      case .flushing(let ordinal):
        guard !partition.shard.hasDirty(before: ordinal) else { continue }
        // Nothing may be left to commit; a cut of its own tells that.
        partition.mustCut = true
        schedule.processed(at: now, withRecords: false)
      case .committing: continue
      case nil:
        guard walking == nil, now >= partition.snapshotDue! else { continue }
        partition.snapshotDue = now + settings.snapshotEveryMilliseconds
        if begin(partition, snapshots) { walking = partition }
      }
    }
    guard let walking else { return false }
    takeSlice(of: walking, snapshots, users: Self.sliceUsers, bytes: Self.sliceBytes)
    return true
  }

  private func begin(_ partition: OwnedPartition, _ snapshots: any SnapshotWriter) -> Bool {
    // What is in flight lies behind this offset: it is read again, and changes nothing.
    let header = SnapshotHeader(
      partition: partition.number, stateOffset: partition.stateOffset + 1, writtenAt: clock.wall())
    guard let ticket = snapshots.begin(header) else { return false }
    partition.snapshot = SnapshotTask(ticket: ticket, phase: .walking(partition.shard.beginSnapshot()))
    return true
  }

  /// - Returns: whether there was room for it.
  @discardableResult
  private mutating func takeSlice(
    of partition: OwnedPartition, _ snapshots: any SnapshotWriter, users: Int, bytes: Int
  ) -> Bool {
    guard var task = partition.snapshot, case .walking(var walk) = task.phase else { return true }
    if task.waiting == nil {
      slice.removeAll()
      let records = partition.shard.takeSlice(&walk, users: users, bytes: bytes, into: &slice)
      task.waiting = (slice.bytes, records)
      task.phase = .walking(walk)
    }
    let hasRoom =
      task.waiting!.records == 0
      || snapshots.append(task.waiting!.bytes, records: task.waiting!.records, to: task.ticket)
    if hasRoom {
      task.waiting = nil
      if walk.isAtEnd { task.phase = .flushing(before: partition.shard.queuedCount) }
    }
    partition.snapshot = task
    return hasRoom
  }

  /// A cut is committed, perhaps the one that a snapshot waits for.
  func finishSnapshot(of partition: OwnedPartition, _ section: CutSection, _ metadata: CommitMetadata) {
    guard let task = partition.snapshot, case .committing(metadata.cut) = task.phase else { return }
    partition.snapshot = nil
    let position = Position(offset: section.nextOffset, watermark: metadata.watermark)
    snapshots?.finish(task.ticket, SnapshotCommit(cut: metadata.cut, position: position))
  }

  /// The partitions go: what is not finished never will be.
  mutating func dropSnapshots() {
    for partition in owned {
      guard let task = partition.snapshot else { continue }
      partition.snapshot = nil
      snapshots?.drop(task.ticket, because: nil)
    }
  }

  // MARK: The last ones

  /// All cuts of a lane that stops are committed: its shards are what the log has.
  mutating func keepForLastSnapshots() {
    guard snapshots != nil else { return }
    leaving = owned.filter { partition in
      partition.phase == .live && partition.lastCut != nil && partition.shard.dirtyCount == 0
        && partition.changes.isEmpty && !partition.mustCut
        && partition.cutPosition == partition.shard.position
    }
  }

  /// Writes the last snapshots of a lane that has left its group, as far as the time reaches: the next start then
  /// has next to nothing to read. What others write meanwhile lies behind them in the state topic.
  mutating func takeLastSnapshots() {
    guard let snapshots, !leaving.isEmpty else { return }
    let deadline = clock.monotonic() + settings.lastSnapshotMilliseconds
    for partition in leaving where clock.monotonic() < deadline {
      guard begin(partition, snapshots) else { continue }
      while case .walking = partition.snapshot!.phase, clock.monotonic() < deadline {
        if !takeSlice(of: partition, snapshots, users: 8 * Self.sliceUsers, bytes: 8 * Self.sliceBytes) {
          snapshots.settle(withinMilliseconds: 20)
        }
      }
      let ticket = partition.snapshot!.ticket
      if case .walking = partition.snapshot!.phase {
        snapshots.drop(ticket, because: "stopping left no time for it")
      } else {
        snapshots.finish(
          ticket, SnapshotCommit(cut: partition.lastCut!, position: partition.shard.position))
      }
    }
    leaving.removeAll()
    snapshots.settle(withinMilliseconds: max(0, deadline - clock.monotonic()))
  }
}
