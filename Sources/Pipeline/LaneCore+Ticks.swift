import Shard
import Triggers

/// Looks at the clocks for ticks: when they were last looked at, and whether they can be believed.
struct TickWatch: Sendable {
  private let wallAtStart: Int64
  private let monotonicAtStart: Int64
  /// When quiet partitions were last looked at, by both clocks.
  private var last: (wall: Int64, monotonic: Int64)?
  private(set) var hasToldDrift = false

  /// How often quiet partitions are looked at, milliseconds of monotonic time.
  private static let everyMilliseconds: Int64 = 200
  /// A turn of the loop that took longer than this was not a turn but an absence, milliseconds.
  private static let awayMilliseconds: Int64 = 5_000

  init(wall: Int64, monotonic: Int64) {
    wallAtStart = wall
    monotonicAtStart = monotonic
  }

  func isDue(monotonic: Int64) -> Bool {
    guard let last else { return true }
    return monotonic - last.monotonic >= Self.everyMilliseconds
  }

  /// Notes a look.
  ///
  /// - Returns: whether this process did not run for a while before it (stopped, or the machine suspended): then
  ///   what looks like silence is a backlog that has not been read yet.
  mutating func look(wall: Int64, monotonic: Int64, speed: Double) -> Bool {
    defer { last = (wall, monotonic) }
    guard let last else { return false }
    let wallPassed = Double(wall - last.wall) / speed
    return max(Double(monotonic - last.monotonic), wallPassed) > Double(Self.awayMilliseconds)
  }

  /// By how much the wall clock has moved against the monotonic one since the start, milliseconds.
  func drift(wall: Int64, monotonic: Int64, speed: Double) -> Int64 {
    wall - wallAtStart - Int64(Double(monotonic - monotonicAtStart) * speed)
  }

  mutating func toldDrift(_ told: Bool) { hasToldDrift = told }
}

extension LaneCore where Output: ~Copyable, Helper: ~Copyable {
  /// Lets time pass on partitions that are at their end and have been quiet for `time.idle_after`. What was written
  /// while the log could not be reached needs that time to come first: an outage starts the silence anew.
  mutating func tickQuietPartitions(isHealthy: Bool) {
    guard isHealthy else { return restartSilence() }
    let now = clock.monotonic()
    guard settings.rules.time.tickForMilliseconds > 0, ticks.isDue(monotonic: now) else { return }
    let wall = clock.wall()
    if ticks.look(wall: wall, monotonic: now, speed: clock.speed) { return restartSilence() }
    if hasDrifted(wall: wall, now: now) { return }
    let quiet = Int64(Double(settings.rules.time.idleAfterMilliseconds) / clock.speed)
    for partition in owned
    where partition.phase == .live && partition.isAtEnd && now - partition.silentSince >= quiet {
      guard !partition.isLogFull, outbox.bytes < settings.outboxBytes,
        let latest = partition.shard.latestEvent
      else { continue }
      tellTicking(partition, isOver: wall - latest > settings.rules.time.tickForMilliseconds)
      guard partition.shard.tick(clock: wall, alerts: alertsPerStep, into: &triggers) != .notTaken else {
        continue
      }
      snapshot.ticks += 1
      noteClockStep(partition)
      let hasAlerts = takeAlerts(partition)
      schedule.processed(at: now, withRecords: hasAlerts)
    }
  }

  /// A wall clock that was set while the daemon runs would fire deadlines that are not due, or none.
  private mutating func hasDrifted(wall: Int64, now: Int64) -> Bool {
    let drift = ticks.drift(wall: wall, monotonic: now, speed: clock.speed)
    let bound = max(settings.rules.time.allowedLatenessMilliseconds, 1_000)
    let hasDrifted = Double(abs(drift)) > Double(bound) * clock.speed
    if hasDrifted != ticks.hasToldDrift {
      notify(hasDrifted ? .clockMoved(milliseconds: drift) : .clockRight)
    }
    ticks.toldDrift(hasDrifted)
    return hasDrifted
  }

  func restartSilence() {
    let now = clock.monotonic()
    for partition in owned { partition.silentSince = now }
  }

  private func tellTicking(_ partition: OwnedPartition, isOver: Bool) {
    if !partition.isTicking {
      partition.isTicking = true
      notify(.ticking(partition: partition.number))
    }
    if isOver, !partition.hasToldEnd {
      partition.hasToldEnd = true
      notify(.tickingEnded(partition: partition.number))
    }
  }

  /// After a step of the clock.
  func noteClockStep(_ partition: OwnedPartition) {
    partition.mustCut = true
    noteLog(of: partition, metadata(of: partition, CutNumber(owner: .max, sequence: .max)).text)
  }

  /// Looks whether the log of clock steps, as it would be committed, has room for another.
  func noteLog(of partition: OwnedPartition, _ metadata: String) {
    partition.isLogFull = metadata.utf8.count + CommitMetadata.entryBytes > settings.metadataBytes
  }
}
