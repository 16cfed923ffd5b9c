import Events
import Shard
import Triggers

/// An epoch with what it takes to read records as it did.
public struct EpochPlan: Sendable {
  public var epoch: Epoch
  public var mapping: Mapping
  public var limits: DecoderLimits

  public init(epoch: Epoch, mapping: Mapping, limits: DecoderLimits) {
    self.epoch = epoch
    self.mapping = mapping
    self.limits = limits
  }
}

/// What an earlier epoch is read for.
public enum EpochPurpose: Sendable, Hashable, CaseIterable {
  /// Records are decided under it once more: everything must be as it was.
  case replay
  /// Users who were last touched in it are converted to the present one.
  case conversion
}

/// What a lane needs to know.
public struct LaneSettings: Sendable {
  /// What is configured now.
  public var plan: EpochPlan
  /// Reads the text of an earlier epoch.
  public var readEpoch: @Sendable (String, EpochPurpose) throws(PipelineError) -> EpochPlan
  /// Goes into every alert.
  public var configVersion: String
  /// CloudEvents source.
  public var source: String
  /// Name of the input topic, for dead letters.
  public var inputTopic: String
  /// Names this life of the lane; drawn at random, never used twice.
  public var owner: UInt64
  public var delivery = Delivery.exactlyOnce
  /// A cut follows the last by at least this, milliseconds.
  public var minimumCutIntervalMilliseconds: Int64 = 10
  /// A cut that only carries offsets comes at least this often, milliseconds.
  public var maximumCutIntervalMilliseconds: Int64 = 1000
  /// A cut closes, and input waits for the cut in flight, when this much output is waiting. Bytes.
  public var outboxBytes = 4 << 20
  /// How long giving up partitions may take, milliseconds.
  public var handoverMilliseconds: Int64 = 4_000
  /// A changed user is flushed after this, milliseconds.
  public var flushAfterMilliseconds: Int64 = 60_000
  /// How far the recovery point may fall behind, records.
  public var maximumReplay: Int64 = 500_000
  /// Users of one partition that a cut flushes at most.
  public var flushUsers = 4_000
  /// A partition's snapshot is written this often, milliseconds.
  public var snapshotEveryMilliseconds: Int64 = 900_000
  /// How long the last snapshots of a lane that stops may take after it has left its group, milliseconds.
  public var lastSnapshotMilliseconds: Int64 = 10_000
  /// What the brokers keep beside an offset, bytes; at least `CommitMetadata.leastBytes`.
  public var metadataBytes = CommitMetadata.maximumBytes

  public enum Delivery: Sendable, Hashable {
    /// In transactions.
    case exactlyOnce
    /// One after the other: alerts, state, offsets.
    case atLeastOnce
  }

  public init(
    plan: EpochPlan, readEpoch: @escaping @Sendable (String, EpochPurpose) throws(PipelineError) -> EpochPlan,
    configVersion: String, source: String, inputTopic: String, owner: UInt64
  ) {
    self.plan = plan
    self.readEpoch = readEpoch
    self.configVersion = configVersion
    self.source = source
    self.inputTopic = inputTopic
    self.owner = owner
  }

  var rules: Rules { plan.epoch.constants.rules }
}

/// The clocks a lane looks at; everything below it is deterministic.
public struct LaneClock: Sendable {
  /// Milliseconds since 1970 UTC.
  public var wall: @Sendable () -> Int64
  /// Milliseconds since some fixed moment; never goes back, and goes on while the machine is suspended.
  public var monotonic: @Sendable () -> Int64
  /// How many milliseconds `wall` moves in one of `monotonic`: 1, except where time is accelerated for show.
  public var speed: Double
  /// Lets so many milliseconds pass.
  public var pause: @Sendable (Int64) -> Void

  /// - Parameter pause: nil: the thread sleeps.
  public init(
    wall: @escaping @Sendable () -> Int64, monotonic: @escaping @Sendable () -> Int64, speed: Double = 1,
    pause: (@Sendable (Int64) -> Void)? = nil
  ) {
    self.wall = wall
    self.monotonic = monotonic
    self.speed = speed
    self.pause = pause ?? { sleepFor(milliseconds: $0) }
  }
}
