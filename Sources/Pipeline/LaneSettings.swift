import Triggers

/// What a lane needs to know.
public struct LaneSettings: Sendable {
  public var rules: Rules
  /// Goes into every alert.
  public var configVersion: String
  /// CloudEvents source.
  public var source: String
  /// Name of the input topic, for dead letters.
  public var inputTopic: String
  /// A cut follows the last by at least this, milliseconds.
  public var minimumCutIntervalMilliseconds: Int64
  /// A cut that only carries offsets comes at least this often, milliseconds.
  public var maximumCutIntervalMilliseconds: Int64
  /// A cut closes, and input waits for the cut in flight, when this much output is waiting. Bytes.
  public var outboxBytes: Int
  /// How long giving up partitions may take, milliseconds.
  public var handoverMilliseconds: Int64

  public init(
    rules: Rules, configVersion: String, source: String, inputTopic: String,
    minimumCutIntervalMilliseconds: Int64 = 10, maximumCutIntervalMilliseconds: Int64 = 1000,
    outboxBytes: Int = 4 << 20, handoverMilliseconds: Int64 = 4_000
  ) {
    self.rules = rules
    self.configVersion = configVersion
    self.source = source
    self.inputTopic = inputTopic
    self.minimumCutIntervalMilliseconds = minimumCutIntervalMilliseconds
    self.maximumCutIntervalMilliseconds = maximumCutIntervalMilliseconds
    self.outboxBytes = outboxBytes
    self.handoverMilliseconds = handoverMilliseconds
  }
}

/// The clocks a lane looks at; everything below it is deterministic.
public struct LaneClock: Sendable {
  /// Milliseconds since 1970 UTC.
  public var wall: @Sendable () -> Int64
  /// Milliseconds since some fixed moment; never goes back.
  public var monotonic: @Sendable () -> Int64
  /// How many milliseconds `wall` moves in one of `monotonic`: 1, except where time is accelerated for show.
  public var speed: Double

  public init(
    wall: @escaping @Sendable () -> Int64, monotonic: @escaping @Sendable () -> Int64, speed: Double = 1
  ) {
    self.wall = wall
    self.monotonic = monotonic
    self.speed = speed
  }
}
