import Shard

/// What a lane keeps of a partition whose shard it holds. A class only so that the shard, which cannot be copied, can
/// sit in a list.
///
/// ```
///  recovered, same epoch ────────────────────────────────────────────────► live
///  recovered, other epoch ─► settling: all users flushed ─► starting ─────► live
///  nothing was committed ─────────────────────────────────► starting ─────► live
/// ```
/// While `starting`, a cut carries the start position, and with a new epoch its text; input follows when it is
/// committed. A shard that was given up cleanly is kept aside until the next assignment shows who owns it.
final class OwnedPartition {
  enum Phase: Sendable, Hashable {
    case settling, starting, live
  }

  let number: Int32
  var shard: Shard
  var phase: Phase
  var isAtEnd = false
  var isTicking = false
  var hasToldEnd = false
  /// Monotonic time since when nothing has come although something could have: of the last event, or of the
  /// moment at which the input was last unreachable or held up.
  var silentSince: Int64
  /// The cut that the committed offset bears.
  var lastCut: CutNumber?
  /// Recovery point of the last commit.
  var committedPoint: Position?
  /// Of our last record in the state partition, as far as is known; −1: none.
  var stateOffset: Int64 = -1
  /// Position and clock steps as of the last cut that was closed.
  var cutPosition: Position?
  /// State that the next cut must carry beside what it flushes.
  var changes: [StateChange] = []
  var mustCut = false
  /// The clock log has no room for another entry: everything is flushed first.
  var isLogFull = false
  /// The snapshot that is being written.
  var snapshot: SnapshotTask?
  /// Monotonic time at which the next one begins; nil: not settled yet.
  var snapshotDue: Int64?
  private var ladder: FlushLadder

  init(_ recovered: RecoveredPartition, now: Int64) {
    number = recovered.number
    shard = recovered.takeShard()
    phase = .live
    silentSince = now
    // Whom the replay has brought back had waited in an earlier life. Were they to wait anew, a process that does not
    // live for long would never flush anybody, and each of its successors would have more to read again.
    ladder = FlushLadder(due: shard.queuedCount)
    guard let metadata = recovered.metadata else { return }
    lastCut = metadata.cut
    committedPoint = metadata.recoveryPoint
    stateOffset = metadata.stateOffset
  }

  /// Up to which ordinal users are due to be flushed.
  func dueOrdinal(now: Int64, after: Int64, maximumReplay: Int64) -> UInt64 {
    if phase == .settling || isLogFull { return .max }
    if shard.position.offset - shard.recoveryPoint.offset > maximumReplay { return .max }
    return ladder.ordinal(now: now, after: after, queued: shard.queuedCount)
  }

  /// Whether there is anything to flush or to bury that should not wait any longer.
  func hasDueState(now: Int64, after: Int64, maximumReplay: Int64, isTransactional: Bool) -> Bool {
    if !changes.isEmpty || mustCut { return true }
    let due = dueOrdinal(now: now, after: after, maximumReplay: maximumReplay)
    if shard.hasDirty(before: due) { return true }
    return shard.hasGrave(upTo: isTransactional ? shard.recoveryPoint : committedPoint)
  }
}

/// Tells which users have waited long enough to be flushed, without keeping a time for each: now and then it notes
/// how many had been queued by then.
struct FlushLadder: Sendable, Hashable {
  private struct Rung: Sendable, Hashable {
    var time: Int64
    var queued: UInt64
  }

  /// Notes in one waiting time; users wait up to so much longer.
  private static let rungs: Int64 = 16

  private var noted: [Rung] = []
  private var due: UInt64

  /// - Parameter due: users that were queued before this ordinal have waited long enough already.
  init(due: UInt64 = 0) { self.due = due }

  /// Users that were queued before this ordinal have waited for `after`.
  mutating func ordinal(now: Int64, after: Int64, queued: UInt64) -> UInt64 {
    if noted.isEmpty || now - noted[noted.count - 1].time >= max(1, after / Self.rungs) {
      noted.append(Rung(time: now, queued: queued))
    }
    var passed = 0
    while passed < noted.count, now - noted[passed].time >= after {
      due = noted[passed].queued
      passed += 1
    }
    if passed > 0 { noted.removeFirst(passed) }
    return due
  }
}
