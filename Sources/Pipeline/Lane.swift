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
  private let clock: LaneClock
  private var wait: Int64 = 0
  /// Monotonic time before which nothing is read.
  private var restsUntil = Int64.min

  public init(
    input: consuming Input, output: consuming Output, recoverer: consuming Helper,
    snapshots: (any SnapshotWriter)? = nil, settings: LaneSettings, clock: LaneClock, monitor: LaneMonitor,
    notify: @escaping @Sendable (LaneNotice) -> Void
  ) {
    self.input = input
    self.monitor = monitor
    self.clock = clock
    core = LaneCore(
      settings: settings, clock: clock, output: output, recoverer: recoverer, snapshots: snapshots,
      isStopping: {
        // Asked in every wait.
        monitor.beat()
        return monitor.isStopping
      }, notify: notify)
  }

  /// Works until `monitor.stop()`; returns after the last cut is safe and the input is closed.
  public mutating func run() throws(PipelineError) {
    while !monitor.isStopping { try turn() }
    try close()
  }

  /// One turn of the loop.
  public mutating func turn() throws(PipelineError) {
    core.follow(monitor.valve)
    try hold()
    try read()
    let starts = try core.takeUpPartitions()
    if !starts.isEmpty { try input.start(starts) }
    // While input is held back there is silence that proves nothing.
    core.tickQuietPartitions(isHealthy: input.isHealthy && monitor.valve.isOpen)
    wait = try core.driveCuts()
    if core.driveSnapshots() { wait = min(wait, 1) }
    // A commit may have made partitions ready.
    if !core.starts.isEmpty, !core.isShut { wait = 0 }
    for request in monitor.takeRequests() { core.serve(request) }
    try hold()
    if core.isTimeToLook() {
      core.look(
        at: input.knownEnds(), fetched: input.fetchedRecords, isHealthy: input.isHealthy,
        isInDoubt: input.isInDoubt)
    }
    monitor.publish(core.describe())
  }

  private mutating func hold() throws(PipelineError) {
    let held = core.takeHeld()
    if !held.isEmpty { try input.hold(held) }
  }

  /// Takes a batch in, or rests as the valve says.
  private mutating func read() throws(PipelineError) {
    let left = restsUntil - (restsUntil > .min ? clock.monotonic() : 0)
    if left > 0 {
      // Short enough for what waits to be committed.
      clock.pause(min(left, 10))
      return
    }
    restsUntil = .min
    let records = try input.poll(into: &core, timeoutMilliseconds: Int32(wait))
    let rest = monitor.valve.restMilliseconds(after: records)
    if rest > 0 { restsUntil = clock.monotonic() + rest }
  }

  /// Finishes what is in hand and leaves. Closing hands the partitions back, which finishes the cuts.
  public mutating func close() throws(PipelineError) {
    try input.close(into: &core)
    core.takeLastSnapshots()
    monitor.publish(core.describe())
  }
}
