/// What recovery reads.
public enum RecoveryTopic: Sendable, Hashable, CaseIterable {
  case input, state
}

/// What the group has committed for a partition.
public struct CommittedPosition: Sendable, Hashable {
  public var nextOffset: Int64
  /// As it was committed; empty: none.
  public var metadata: String

  public init(nextOffset: Int64, metadata: String) {
    self.nextOffset = nextOffset
    self.metadata = metadata
  }
}

/// The log as recovery reads it: beside the group, without being its member. `nil` from a question means that there
/// is no answer yet and it is to be asked again: brokers are away, or a transaction is still open.
public protocol RecoverySource: ~Copyable {
  /// What is committed, when no open transaction can change it any more. Outer nil: no answer yet.
  mutating func committed(_ partition: Int32) throws(PipelineError) -> CommittedPosition??
  /// The first offset that is kept and the high watermark, open transactions included.
  mutating func bounds(
    _ topic: RecoveryTopic, _ partition: Int32
  ) throws(PipelineError) -> (low: Int64, high: Int64)?
  /// Partitions of both topics. nil: no answer yet.
  mutating func partitionCounts() throws(PipelineError) -> (input: Int, state: Int)?
  /// Where a group begins that has committed nothing, as configured.
  mutating func start(_ partition: Int32) throws(PipelineError) -> Int64?
  /// Where to go on when the committed offset is gone, as configured; throws where that is not to be done.
  mutating func replacement(
    _ partition: Int32, committed: Int64, low: Int64, high: Int64
  ) throws(PipelineError) -> Int64
  /// Begins to read one partition of one topic; whatever was read before is closed.
  mutating func open(_ topic: RecoveryTopic, _ partition: Int32, from offset: Int64) throws(PipelineError)
  /// Hands over what has come, waiting at most so long. Committed records only; an end of partition when all that
  /// can be read has been.
  mutating func read<Visitor: RecordVisitor & ~Copyable>(
    into visitor: inout Visitor, timeoutMilliseconds: Int32
  ) throws(PipelineError)
  mutating func close()
}

/// A partition to be recovered.
public struct RecoveryOrder: Sendable, Hashable {
  public var partition: Int32
  /// The last cut of a shard that is still at hand: if the offset bears it, that shard is good.
  public var parked: CutNumber?

  public init(partition: Int32, parked: CutNumber?) {
    self.partition = partition
    self.parked = parked
  }
}

/// How far a recovery is.
public struct RecoveryProgress: Sendable, Hashable {
  public enum Phase: String, Sendable, Hashable, CaseIterable {
    case waiting, snapshot, state, replay
  }

  public var partition: Int32
  public var phase: Phase
  /// Records or bytes done in this phase, and in all; 0: not known.
  public var done: Int64
  public var total: Int64
  /// Milliseconds since the recovery began.
  public var elapsedMilliseconds: Int64

  public init(partition: Int32, phase: Phase, done: Int64, total: Int64, elapsedMilliseconds: Int64) {
    self.partition = partition
    self.phase = phase
    self.done = done
    self.total = total
    self.elapsedMilliseconds = elapsedMilliseconds
  }
}

/// What came of an order.
public enum RecoveryResult: Sendable {
  /// The shard at hand is as the log has it.
  case parkedIsCurrent(Int32)
  case recovered(RecoveredPartition)
}

/// Recovers partitions beside the lane: on a thread of its own, or step by step in a simulation.
public protocol Recoverer: ~Copyable {
  mutating func begin(_ orders: [RecoveryOrder])
  /// Drops all orders; nothing of them is handed over afterwards.
  mutating func cancel()
  /// What has become ready.
  mutating func take() throws(PipelineError) -> [RecoveryResult]
  var progress: [RecoveryProgress] { get }
}
