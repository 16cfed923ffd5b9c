import Events
import Telemetry
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
  /// The configuration that it works under, and how many partitions have not begun to yet.
  public var configVersion = ""
  public var changing = 0
  /// The smallest watermark of the owned partitions; nil: none has seen an event.
  public var watermark: Int64?
  /// Largest event time seen.
  public var latestEvent: Int64?
  /// From the moment at which something first waited to be written to its commit.
  public var cutLatency = LatencyHistogram()
  /// From the beginning of a cut's writing to its commit.
  public var commitLatency = LatencyHistogram()
  /// Bytes of output that wait for the next cut.
  public var outboxBytes = 0

  // What follows is looked at twice a second.

  /// How far the partitions are that are owned.
  public var standings: [PartitionStanding] = []
  /// Whether the brokers answer.
  public var isHealthy = false
  /// Whether there was trouble with the brokers and none has answered since, also of a lane without partitions.
  public var isInDoubt = false
  /// Records that the client library holds ready.
  public var fetchedRecords = 0
  /// Memory taken for users, their keys and their deadlines, bytes.
  public var stateBytes = 0
  /// What the table that is about to grow next takes beside itself while it does, bytes; 0: none is.
  public var growthBytes = 0
  /// The last alerts, newest first; a few.
  public var latestAlerts: [Alert] = []
  /// No user's deadline is earlier, milliseconds since 1970 UTC; nil: none is pending.
  public var earliestDeadline: Int64?

  public init() {}

  /// Refused records.
  public var rejectedCount: Int64 { rejected.values.reduce(0, +) }
  /// Carts that are not empty.
  public var carts: Int64 {
    tally.cartsOpened - CartEnding.allCases.reduce(0) { $0 + tally[$1] }
  }
}

/// How far a lane is with a partition.
public struct PartitionStanding: Sendable, Hashable {
  public var partition: Int32
  /// The next offset to take in.
  public var nextOffset: Int64
  /// The offset behind the last record, as far as is known.
  public var end: Int64?
  /// Everything that there was has been read.
  public var isAtEnd: Bool
  /// nil: no event has been seen.
  public var watermark: Int64?

  public init(partition: Int32, nextOffset: Int64, end: Int64?, isAtEnd: Bool, watermark: Int64?) {
    self.partition = partition
    self.nextOffset = nextOffset
    self.end = end
    self.isAtEnd = isAtEnd
    self.watermark = watermark
  }

  /// Records that are still to be read; nil: not known yet. At the end there are none, though control records of
  /// transactions may stand there.
  public var lag: Int64? { isAtEnd ? 0 : end.map { max(0, $0 - nextOffset) } }
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
  /// It is right again, and they follow it.
  case clockRight
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
