import Events
import Synchronization
import Triggers

/// What a lane has done and how it stands, as a value.
public struct LaneSnapshot: Sendable {
  /// Records read, of every kind.
  public var records: Int64 = 0
  /// Bytes of their values.
  public var bytes: Int64 = 0
  /// Records with an event name that the mapping does not translate.
  public var ignored: Int64 = 0
  /// Refused records by reason.
  public var rejected: [RejectReason: Int64] = [:]
  /// Records whose Kafka key is not the user's.
  public var foreignKeys: Int64 = 0
  public var ticks: Int64 = 0
  public var cuts: Int64 = 0
  public var rebalances: Int64 = 0
  public var tally = Tally()
  /// Users known.
  public var users = 0
  /// Users changed and not flushed yet.
  public var dirtyUsers = 0
  /// Partitions owned and recovered.
  public var partitions: [Int32] = []
  /// Partitions assigned whose state is not there yet, and how far those in work are.
  public var waiting = 0
  public var recovering: [RecoveryProgress] = []
  /// The smallest watermark of the owned partitions; nil: none has seen an event.
  public var watermark: Int64?
  /// Largest event time seen.
  public var latestEvent: Int64?
  /// Goes up with every turn of the lane's loop.
  public var turns: UInt64 = 0

  public init() {}

  /// Refused records.
  public var rejectedCount: Int64 { rejected.values.reduce(0, +) }
  /// Carts that are not empty.
  public var carts: Int64 {
    tally.cartsOpened - CartEnding.allCases.reduce(0) { $0 + tally[$1] }
  }
}

/// The three places where a lane meets the rest of the process: a stop request read between batches, a snapshot
/// published once per batch, and the progress that the snapshot carries.
public final class LaneMonitor: Sendable {
  private let snapshot = Mutex(LaneSnapshot())
  private let stopping = Atomic<Bool>(false)

  public init() {}

  /// Asks the lane to finish its cut and leave.
  public func stop() {
    stopping.store(true, ordering: .releasing)
  }

  public var isStopping: Bool { stopping.load(ordering: .acquiring) }

  /// The latest published snapshot.
  public var latest: LaneSnapshot { snapshot.withLock { $0 } }

  func publish(_ value: LaneSnapshot) {
    snapshot.withLock { $0 = value }
  }
}

/// Something worth a line in the log, told where it happens. Never carries payloads.
public enum LaneNotice: Sendable {
  case assigned([Int32])
  case revoked([Int32])
  case lost([Int32])
  /// A partition's state is back.
  case recovered(RecoverySummary)
  /// A partition came back to the lane that had it last, and nobody has changed it meanwhile.
  case keptPartition(Int32)
  /// A snapshot is not used; the state topic has it all.
  case snapshotDropped(partition: Int32, reason: String)
  /// The wall clock was set: quiet partitions do not follow it any more.
  case clockMoved(milliseconds: Int64)
  case rejected(Rejection, partition: Int32, offset: Int64)
  /// Told once a lane: the topic is not partitioned by user.
  case foreignKey(partition: Int32, offset: Int64)
  /// Giving up partitions took too long: the last cut's fate is unknown, and its records will be read again.
  case handoverTimedOut([Int32])
  /// A partition went quiet and time goes on by the clock, or woke up again.
  case ticking(partition: Int32)
  /// A partition stayed quiet for longer than `time.tick_for`.
  case tickingEnded(partition: Int32)
}
