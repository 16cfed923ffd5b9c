/// One OS thread's work: one input log, one output log, and the shards of the partitions it owns.
///
/// ```
/// poll ─► decode ─► shard ─► outbox ─► cut ─► output log
///   ▲                                    │
///   └──── ticks on quiet partitions ◄────┘ one cut in flight while input goes on
///
/// assigned ─► recoverer (beside the lane) ─► shard at the committed position ─► the input starts there
/// ```
/// The loop never sleeps but in `poll`, and in the output log when the outbox is full. It ends when it is asked
/// to stop (the last cut is finished first) or by an error, which is the end of the process.
public struct Lane<
  Input: InputLog & ~Copyable, Output: OutputLog & ~Copyable, Helper: Recoverer & ~Copyable
>: ~Copyable {
  private var input: Input
  private var core: LaneCore<Output, Helper>
  private let monitor: LaneMonitor
  private var wait: Int64 = 0

  public init(
    input: consuming Input, output: consuming Output, recoverer: consuming Helper,
    snapshots: (any SnapshotWriter)? = nil, settings: LaneSettings, clock: LaneClock, monitor: LaneMonitor,
    notify: @escaping @Sendable (LaneNotice) -> Void
  ) {
    self.input = input
    self.monitor = monitor
    core = LaneCore(
      settings: settings, clock: clock, output: output, recoverer: recoverer, snapshots: snapshots,
      isStopping: { monitor.isStopping }, notify: notify)
  }

  /// Works until `monitor.stop()`; returns after the last cut is safe and the input is closed.
  public mutating func run() throws(PipelineError) {
    while !monitor.isStopping { try turn() }
    try close()
  }

  /// One turn of the loop.
  public mutating func turn() throws(PipelineError) {
    _ = try input.poll(into: &core, timeoutMilliseconds: Int32(wait))
    let starts = try core.takeUpPartitions()
    if !starts.isEmpty { try input.start(starts) }
    core.tickQuietPartitions(isHealthy: input.isHealthy)
    wait = try core.driveCuts()
    if core.driveSnapshots() { wait = min(wait, 1) }
    // A commit may have made partitions ready.
    if !core.starts.isEmpty { wait = 0 }
    monitor.publish(core.describe())
  }

  /// Finishes what is in hand and leaves. Closing hands the partitions back, which finishes the cuts.
  public mutating func close() throws(PipelineError) {
    try input.close(into: &core)
    core.takeLastSnapshots()
    monitor.publish(core.describe())
  }
}
