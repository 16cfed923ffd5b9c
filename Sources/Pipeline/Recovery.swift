import Events
import Portrait
import Shard
import Triggers

/// A partition as recovery hands it over. A class only so that the shard, which cannot be copied, can be passed on.
///
/// `@unchecked`: one owner at a time; handed from the recovering thread to the lane's under a lock.
public final class RecoveredPartition: @unchecked Sendable {
  public let number: Int32
  /// Stands at the committed position, or at the start of a partition of which nothing is committed.
  private var shard: Shard?
  /// What the offset bears; nil: nothing is committed yet.
  let metadata: CommitMetadata?
  public let summary: RecoverySummary

  init(_ number: Int32, _ shard: consuming Shard, _ metadata: CommitMetadata?, _ summary: RecoverySummary) {
    self.number = number
    self.shard = consume shard
    self.metadata = metadata
    self.summary = summary
  }

  /// The shard, once.
  package func takeShard() -> Shard { shard.take()! }
}

/// What a recovery did.
public struct RecoverySummary: Sendable, Hashable {
  public var partition: Int32
  public var users = 0
  /// Records read from the snapshot, the state topic and the input.
  public var snapshotRecords: Int64 = 0
  public var stateRecords: Int64 = 0
  public var replayedRecords: Int64 = 0
  public var elapsedMilliseconds: Int64 = 0

  public init(partition: Int32) { self.partition = partition }
}

/// Brings one partition back, step by step.
///
/// ```
///  committed offset C ─► state topic's end ─► snapshot ─► state topic to that end ─► input from R to C ─► done
///     │ bears the parked shard's cut               └─ in doubt: without it              output discarded
///     ▼
///   parked shard
/// ```
/// C is read first, so that everything it vouches for lies before the end that is read to. The end is reached by an
/// end-of-partition at or beyond the high watermark: control records stand at the end of every transaction, and an
/// open one of an owner that is gone holds committed readers back until it has timed out.
public struct Recovery<Source: RecoverySource & ~Copyable>: ~Copyable {
  private enum Phase {
    case committed, stateBounds, snapshot
    case state(end: Int64)
    case verify, inputBounds
    case replay
    case done
  }

  private let order: RecoveryOrder
  private let settings: LaneSettings
  private let snapshots: (any SnapshotReader)?
  private let now: @Sendable () -> Int64
  private let notify: @Sendable (LaneNotice) -> Void
  private let mayGoOn: @Sendable () -> Bool
  private let began: Int64
  private var phase = Phase.committed
  private var phaseBegan: Int64
  private var committed: CommittedPosition?
  private var metadata: CommitMetadata?
  private var stateLow: Int64 = 0
  private var stateHigh: Int64 = 0
  private var visitor: RecoveryVisitor

  /// How long a transaction of somebody else may hold the state topic's end back, milliseconds. The longest that
  /// brokers allow by default is 15 minutes (`transaction.max.timeout.ms`).
  private static var patienceMilliseconds: Int64 { 16 * 60_000 }

  /// - Parameters:
  ///   - now: milliseconds of monotonic time.
  ///   - mayGoOn: asked now and then within a step that takes long; waits while the process is short of memory, and
  ///     says no when the recovery has been given up.
  public init(
    _ order: RecoveryOrder, settings: LaneSettings, snapshots: (any SnapshotReader)?,
    now: @escaping @Sendable () -> Int64, notify: @escaping @Sendable (LaneNotice) -> Void,
    mayGoOn: @escaping @Sendable () -> Bool = { true }
  ) {
    self.order = order
    self.settings = settings
    self.snapshots = snapshots
    self.now = now
    self.notify = notify
    self.mayGoOn = mayGoOn
    began = now()
    phaseBegan = began
    visitor = RecoveryVisitor(order.partition, settings)
  }

  /// How far it is.
  public var progress: RecoveryProgress {
    var progress = RecoveryProgress(
      partition: order.partition, phase: .waiting, done: 0, total: 0, elapsedMilliseconds: now() - began)
    switch phase {
    case .committed, .stateBounds, .verify, .inputBounds, .done: break
    case .snapshot: progress.phase = .snapshot
    case .state(let end):
      progress.phase = .state
      progress.done = visitor.nextOffset - stateLow
      progress.total = end - stateLow
    case .replay:
      progress.phase = .replay
      let first = metadata?.recoveryPoint.offset ?? 0
      progress.done = visitor.nextOffset - first
      progress.total = (committed?.nextOffset ?? first) - first
    }
    return progress
  }

  /// Does one bounded piece of work, waiting at most so long.
  ///
  /// - Returns: what came of it, once.
  public mutating func step(
    _ source: inout Source, timeoutMilliseconds: Int32
  ) throws(PipelineError) -> RecoveryResult? {
    switch phase {
    case .committed: return try readCommitted(&source)
    case .stateBounds:
      guard let bounds = try source.bounds(.state, order.partition) else { return nil }
      try take(stateBounds: bounds)
    case .snapshot:
      let from = readSnapshot()
      visitor.nextOffset = max(from, stateLow)
      enter(.state(end: stateHigh))
      // An empty partition has no end to wait for that would be told of in all cases.
      if stateHigh > stateLow { try source.open(.state, order.partition, from: visitor.nextOffset) }
    case .state(let end):
      if stateHigh > stateLow, visitor.nextOffset < end || !visitor.isAtEnd {
        try source.read(into: &visitor, timeoutMilliseconds: timeoutMilliseconds)
        if visitor.nextOffset >= end, visitor.isAtEnd { enter(.verify) } else { try checkPatience() }
      } else {
        enter(.verify)
      }
    case .verify: try verify(&source)
    case .inputBounds:
      guard let bounds = try source.bounds(.input, order.partition) else { return nil }
      try take(inputBounds: bounds, &source)
    case .replay:
      try source.read(into: &visitor, timeoutMilliseconds: timeoutMilliseconds)
      if visitor.isReplayed { try finishReplay() }
    case .done:
      source.close()
      return .recovered(result())
    }
    return nil
  }

  private mutating func enter(_ phase: Phase) {
    self.phase = phase
    phaseBegan = now()
    visitor.isAtEnd = false
  }

  // MARK: What is committed

  private mutating func readCommitted(_ source: inout Source) throws(PipelineError) -> RecoveryResult? {
    guard let counts = try source.partitionCounts() else { return nil }
    if counts.input != counts.state { throw .partitionCounts(input: counts.input, state: counts.state) }
    guard let answer = try source.committed(order.partition) else { return nil }
    committed = answer
    if let answer {
      guard let metadata = try CommitMetadata(answer.metadata) else {
        throw PipelineError(
          .state, "the offset that the group has committed for partition \(order.partition) is not Ebb's",
          hint: "use another kafka.group, or delete this group's offsets to begin where `start` says")
      }
      if let parked = order.parked, parked == metadata.cut {
        source.close()
        return .parkedIsCurrent(order.partition)
      }
      self.metadata = metadata
      renewVisitor()
    }
    enter(.stateBounds)
    return nil
  }

  /// Begins with nothing.
  private mutating func renewVisitor() {
    visitor = RecoveryVisitor(order.partition, settings)
    guard let metadata, let committed else { return }
    let end = Position(offset: committed.nextOffset, watermark: metadata.watermark)
    if metadata.recoveryPoint < end { visitor.replayedEpoch = metadata.epochHash }
  }

  // MARK: State

  private mutating func take(stateBounds bounds: (low: Int64, high: Int64)) throws(PipelineError) {
    stateLow = bounds.low
    stateHigh = bounds.high
    if let metadata, metadata.stateOffset >= bounds.high {
      throw .stateTruncated(
        order.partition, "offset \(metadata.stateOffset) was written there and it ends at \(bounds.high)")
    }
    enter(.snapshot)
  }

  /// Takes a snapshot in if there is a good one; returns the offset from which the state topic must be read.
  private mutating func readSnapshot() -> Int64 {
    guard let snapshots else { return stateLow }
    guard let committed, metadata != nil else {
      snapshots.forget(order.partition)
      return stateLow
    }
    var isGivenUp = false
    do throws(SnapshotError) {
      var records: Int64 = 0
      let from = try unsafe snapshots.read(order.partition) { [mayGoOn] key, value throws(PipelineError) in
        if records % 1_024 == 1_023, !mayGoOn() {
          isGivenUp = true
          throw PipelineError(.state, "the recovery was given up", hint: "")
        }
        records += 1
        try unsafe visitor.restore(key: key, value: value, upTo: committed.nextOffset)
      }
      guard let from else { return stateLow }
      guard from >= stateLow, from <= stateHigh else {
        throw SnapshotError("it goes with another state topic: its offset \(from) is not kept there")
      }
      visitor.summary.snapshotRecords = records
      return from
    } catch {
      if !isGivenUp { notify(.snapshotDropped(partition: order.partition, reason: error.reason)) }
      renewVisitor()
      return stateLow
    }
  }

  private func checkPatience() throws(PipelineError) {
    guard now() - phaseBegan > Self.patienceMilliseconds else { return }
    throw PipelineError(
      .state,
      "the state topic's partition \(order.partition) cannot be read to its end at offset \(stateHigh): "
        + "it stops at \(visitor.nextOffset)",
      hint: "a transaction of a writer that is gone holds it back; look for it with kafka-transactions.sh "
        + "find-hanging, and abort it")
  }

  /// Everything that is stored has been read.
  private mutating func verify(_ source: inout Source) throws(PipelineError) {
    guard let metadata else {
      if visitor.shard.storedCount > 0 {
        throw PipelineError(
          .state,
          "partition \(order.partition) of the state topic holds users, and the group has no offset for it",
          hint:
            "the group's offsets have expired or been deleted, or kafka.group was changed: to go on, put the "
            + "name back; to begin anew, delete the records of the state topic and let input be read again")
      }
      guard let start = try source.start(order.partition) else { return }
      visitor.beginFresh(at: start)
      return enter(.done)
    }
    do throws(RestoreProblem) {
      try visitor.shard.finishRestore(
        RestorePoint(
          recoveryPoint: metadata.recoveryPoint, epochHash: metadata.epochHash,
          storedCount: settings.delivery == .exactlyOnce ? metadata.storedCount : nil,
          clockLog: metadata.clockLog))
    } catch {
      if visitor.summary.snapshotRecords > 0 {
        notify(
          .snapshotDropped(partition: order.partition, reason: "with it, the state does not fit the commit"))
        renewVisitor()
        visitor.nextOffset = stateLow
        enter(.state(end: stateHigh))
        if stateHigh > stateLow { try source.open(.state, order.partition, from: stateLow) }
        return
      }
      throw .unfit(order.partition, error)
    }
    enter(.inputBounds)
  }

  // MARK: Input

  private mutating func take(
    inputBounds bounds: (low: Int64, high: Int64), _ source: inout Source
  ) throws(PipelineError) {
    let metadata = metadata!
    let target = committed!.nextOffset
    if target > bounds.high {
      throw PipelineError(
        .offsetLost,
        "partition \(order.partition) of the input ends at \(bounds.high), and \(target) was committed",
        hint:
          "the topic was made anew, or its log was truncated; to begin anew with it, delete the group's offsets "
          + "and the state topic's records")
    }
    if metadata.recoveryPoint.offset < bounds.low {
      // The policy decides whether to go on without what is gone.
      let next = try source.replacement(
        order.partition, committed: target, low: bounds.low, high: bounds.high)
      visitor.giveUpReplay(at: target >= bounds.low ? target : next)
      return finish(metadata)
    }
    try visitor.beginReplay(metadata, to: target)
    guard !visitor.isReplayed else { return try finishReplay() }
    visitor.nextOffset = metadata.recoveryPoint.offset
    enter(.replay)
    try source.open(.input, order.partition, from: metadata.recoveryPoint.offset)
  }

  private mutating func finishReplay() throws(PipelineError) {
    let metadata = metadata!
    visitor.endReplay()
    if visitor.shard.watermark != metadata.watermark {
      throw .unfit(
        order.partition, .watermark(found: visitor.shard.watermark, expected: metadata.watermark))
    }
    finish(metadata)
  }

  private mutating func finish(_ metadata: CommitMetadata) {
    visitor.shard.takeLatestEvent(metadata.latestEvent)
    enter(.done)
  }

  private mutating func result() -> RecoveredPartition {
    visitor.summary.elapsedMilliseconds = now() - began
    visitor.summary.users = visitor.shard.userCount
    let summary = visitor.summary
    return RecoveredPartition(order.partition, visitor.takeShard(), metadata, summary)
  }
}

extension PipelineError {
  /// A user's place follows from the number of partitions, which must be that of his state.
  public static func partitionCounts(input: Int, state: Int) -> PipelineError {
    PipelineError(
      .configuration, "the input topic has \(input) partitions and the state topic \(state)",
      hint:
        "they must be equal, and a user's place follows from their number: to re-partition, stop Ebb, create "
        + "an input and a state topic with the new number under new names, and let a new kafka.group read the "
        + "input from its beginning")
  }

  static func stateTruncated(_ partition: Int32, _ facts: String) -> PipelineError {
    PipelineError(
      .state, "records are missing from partition \(partition) of the state topic: \(facts)",
      hint:
        "it was truncated, deleted or made anew; to rebuild it from input, delete its records and the group's "
        + "offsets, and start with start: earliest")
  }

  static func unfit(_ partition: Int32, _ problem: RestoreProblem) -> PipelineError {
    switch problem {
    case .count(let found, let expected):
      return stateTruncated(partition, "\(found) users are there, and the last commit counted \(expected)")
    case .unknownEpoch(let hash):
      return stateTruncated(
        partition, "the configuration \(WireText.hexadecimal(hash)), which users name, is not there")
    case .overdue, .watermark, .unreadable:
      return PipelineError(
        .state, "the state of partition \(partition) does not fit the position that was committed with it",
        hint:
          "this is a defect, or the state topic or the input was changed by others: rebuild from input (delete "
          + "the records of the state topic and the group's offsets, and start with start: earliest), and report it",
        cause: "\(problem)")
    }
  }
}
