import Events

/// One OS thread's work: one input log, one output log, and the shards of the partitions it owns.
///
/// ```
/// poll ─► decode ─► shard ─► outbox ─► cut ─► output log
///   ▲                                    │
///   └──── ticks on quiet partitions ◄────┘ one cut in flight while input goes on
/// ```
/// The loop never sleeps but in `poll`, and in the output log when the outbox is full. It ends when it is asked
/// to stop (the last cut is finished first) or by an error, which is the end of the process.
public struct Lane<Input: InputLog & ~Copyable, Output: OutputLog & ~Copyable>: ~Copyable {
  private var input: Input
  private var core: LaneCore<Output>
  private let monitor: LaneMonitor

  public init(
    input: consuming Input, output: consuming Output, decoder: consuming Decoder,
    settings: LaneSettings, clock: LaneClock, monitor: LaneMonitor,
    notify: @escaping @Sendable (LaneNotice) -> Void
  ) {
    self.input = input
    self.monitor = monitor
    core = LaneCore(
      settings: settings, clock: clock, decoder: decoder, output: output,
      isStopping: { monitor.isStopping }, notify: notify)
  }

  /// Works until `monitor.stop()`; returns after the last cut is safe and the input is closed.
  public mutating func run() throws(PipelineError) {
    var wait: Int64 = 0
    while !monitor.isStopping {
      _ = try input.poll(into: &core, timeoutMilliseconds: Int32(wait))
      core.tickQuietPartitions(isHealthy: input.isHealthy)
      wait = try core.driveCuts()
      monitor.publish(core.describe())
    }
    // Closing hands the partitions back, which finishes the cuts in hand.
    try input.close(into: &core)
    monitor.publish(core.describe())
  }
}
