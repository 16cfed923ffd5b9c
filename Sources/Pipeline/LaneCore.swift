import Events
import Shard
import Triggers

/// What a lane knows of one partition. A class only so that the shard, which cannot be copied, can sit in a list.
private final class OwnedPartition {
  let number: Int32
  var shard: Shard
  var nextOffset: Int64 = 0
  var isAtEnd = false
  var isTicking = false
  var hasToldEnd = false
  /// Monotonic time since when nothing has come although something could have: of the last event, or of the
  /// moment at which the input was last unreachable or held up.
  var silentSince: Int64

  init(_ number: Int32, _ rules: Rules, now: Int64, wall: Int64) {
    self.number = number
    shard = Shard(partition: number, rules: rules)
    shard.resume(clock: wall)
    silentSince = now
  }
}

/// The middle of a lane: takes what the input log hands over through decoding and the shards into the outbox,
/// and decides when a cut closes.
struct LaneCore<Output: OutputLog & ~Copyable>: ~Copyable, InputVisitor {
  private let settings: LaneSettings
  private let clock: LaneClock
  private let notify: @Sendable (LaneNotice) -> Void
  private let isStopping: @Sendable () -> Bool
  private var decoder: Decoder
  private var output: Output
  private var slot = EventSlot()
  private var triggers = TriggerOutput()
  private let writer: AlertWriter
  private var owned: [OwnedPartition] = []
  private var outbox = Outbox()
  private var schedule: CutSchedule
  private var isInFlight = false
  /// When quiet partitions were last looked at, monotonic and by the wall clock.
  private var lastTick: Int64 = .min
  private var lastTickWall: Int64 = 0
  var snapshot = LaneSnapshot()

  /// How often quiet partitions are looked at, milliseconds of monotonic time.
  private static var tickEveryMilliseconds: Int64 { 200 }
  /// A turn of the loop that took longer than this was not a turn but an absence, milliseconds.
  private static var awayMilliseconds: Int64 { 5_000 }

  init(
    settings: LaneSettings, clock: LaneClock, decoder: consuming Decoder, output: consuming Output,
    isStopping: @escaping @Sendable () -> Bool, notify: @escaping @Sendable (LaneNotice) -> Void
  ) {
    self.settings = settings
    self.clock = clock
    self.decoder = decoder
    self.output = output
    self.notify = notify
    self.isStopping = isStopping
    writer = AlertWriter(
      context: WireContext(source: settings.source, configVersion: settings.configVersion))
    schedule = CutSchedule(
      minimumMilliseconds: settings.minimumCutIntervalMilliseconds,
      maximumMilliseconds: settings.maximumCutIntervalMilliseconds)
  }

  // MARK: Input

  mutating func assigned(_ partitions: [Int32]) throws(PipelineError) {
    let now = clock.monotonic()
    let wall = clock.wall()
    for number in partitions where !owned.contains(where: { $0.number == number }) {
      owned.append(OwnedPartition(number, settings.rules, now: now, wall: wall))
    }
    snapshot.rebalances += 1
    notify(.assigned(partitions))
  }

  mutating func revoked(_ partitions: [Int32]) throws(PipelineError) {
    try finishCuts(within: settings.handoverMilliseconds)
    drop(partitions)
    notify(.revoked(partitions))
  }

  mutating func lost(_ partitions: [Int32]) throws(PipelineError) {
    let wasInFlight = isInFlight
    output.abandon()
    isInFlight = false
    drop(partitions)
    notify(.lost(partitions))
    // Under eager assignment everything is lost at once. If anything were left, its part of the abandoned cut would
    // be missing for good: a fresh start reads it again.
    if wasInFlight, !owned.isEmpty {
      throw PipelineError(
        .output, "some partitions were lost while a cut of others was in flight",
        hint: "restart; everything since the last commit is read again")
    }
  }

  private mutating func drop(_ partitions: [Int32]) {
    owned.removeAll { partitions.contains($0.number) }
    outbox.drop(partitions)
    if outbox.isEmpty { schedule.cleared() }
  }

  mutating func reachedEnd(partition: Int32, nextOffset: Int64) throws(PipelineError) {
    guard let place = find(partition) else { return }
    owned[place].isAtEnd = true
  }

  mutating func record(_ record: borrowing InputRecord) throws(PipelineError) {
    guard let place = find(record.partition) else { return }
    let partition = owned[place]
    partition.isAtEnd = false
    partition.nextOffset = record.offset + 1
    snapshot.records += 1
    snapshot.bytes += Int64(unsafe record.value?.count ?? 0)
    let recordClock = record.timestamp >= 0 ? record.timestamp : clock.wall()
    let outcome = unsafe decoder.decode(
      payload: record.value, key: record.key, recordTimestamp: recordClock, into: &slot)
    switch outcome {
    case .event:
      checkKey(record)
      woke(partition)
      partition.shard.apply(slot, recordClock: recordClock, into: &triggers)
    case .ignored:
      snapshot.ignored += 1
      if slot.ts > 0 {
        woke(partition)
        partition.shard.advance(eventTime: slot.ts, recordClock: recordClock, into: &triggers)
      }
    case .rejected(let rejection): reject(record, rejection)
    }
    outbox.advance(partition.number, nextOffset: partition.nextOffset)
    let hasAlerts = takeAlerts(partition)
    let isRejected = if case .rejected = outcome { true } else { false }
    schedule.processed(at: clock.monotonic(), withRecords: hasAlerts || isRejected)
    if outbox.bytes >= settings.outboxBytes { try close(waiting: true) }
  }

  private func find(_ partition: Int32) -> Int? {
    for index in owned.indices where owned[index].number == partition { return index }
    return nil
  }

  private func woke(_ partition: OwnedPartition) {
    partition.silentSince = clock.monotonic()
    partition.isTicking = false
    partition.hasToldEnd = false
  }

  /// A record that is keyed by anything but its user tells that the topic is not partitioned by user.
  private mutating func checkKey(_ record: borrowing InputRecord) {
    guard let id = slot.userID ?? slot.anonymousID else { return }
    let text = slot.slice(id)
    if let key = unsafe record.key {
      if unsafe key.elementsEqual(text) { return }
      // Our own spelling of an anonymous user, as alerts are keyed.
      if slot.userID == nil, unsafe key.starts(with: "anon:".utf8),
        unsafe key.dropFirst(5).elementsEqual(text)
      {
        return
      }
    }
    if snapshot.foreignKeys == 0 {
      notify(.foreignKey(partition: record.partition, offset: record.offset))
    }
    snapshot.foreignKeys += 1
  }

  private mutating func reject(_ record: borrowing InputRecord, _ rejection: Rejection) {
    snapshot.rejected[rejection.reason, default: 0] += 1
    notify(.rejected(rejection, partition: record.partition, offset: record.offset))
    let letter = unsafe DeadLetter(
      topic: settings.inputTopic, partition: record.partition, offset: record.offset,
      reason: rejection.reason.rawValue,
      place: rejection.place.isEmpty ? nil : rejection.place, key: record.key.map { unsafe Array($0) },
      value: record.value.map { unsafe Array($0) }, original: record.headers)
    append(letter.record(), to: .deadLetters, record.partition, nextOffset: record.offset + 1)
  }

  private mutating func append(
    _ record: WireRecord, to topic: OutputTopic, _ partition: Int32, nextOffset: Int64
  ) {
    outbox.append(
      OutputRecord(topic: topic, key: record.key, value: record.value, headers: record.headers), partition,
      nextOffset: nextOffset)
  }

  /// Moves what the triggers said into the outbox; returns whether they said anything.
  private mutating func takeAlerts(_ partition: OwnedPartition) -> Bool {
    if triggers.alerts.isEmpty { return false }
    for alert in triggers.alerts {
      append(
        writer.record(alert), to: alert.type.isCart ? .cartAlerts : .churnAlerts, partition.number,
        nextOffset: partition.nextOffset)
    }
    triggers.alerts.removeAll(keepingCapacity: true)
    return true
  }

  // MARK: Ticks

  /// Lets time pass on partitions that are at their end and have been quiet for `time.idle_after`. What was written
  /// while the log could not be reached needs that time to come first: an outage starts the silence anew.
  mutating func tickQuietPartitions(isHealthy: Bool) {
    guard isHealthy else { return restartSilence() }
    let now = clock.monotonic()
    guard settings.rules.time.tickForMilliseconds > 0,
      lastTick == .min || now - lastTick >= Self.tickEveryMilliseconds
    else { return }
    let wall = clock.wall()
    let wasAway = wasAway(now: now, wall: wall)
    lastTick = now
    lastTickWall = wall
    if wasAway { return restartSilence() }
    let quiet = Int64(Double(settings.rules.time.idleAfterMilliseconds) / clock.speed)
    for partition in owned where partition.isAtEnd && now - partition.silentSince >= quiet {
      guard let latest = partition.shard.latestEvent else { continue }
      tellTicking(partition, isOver: wall - latest > settings.rules.time.tickForMilliseconds)
      guard partition.shard.tick(clock: wall, into: &triggers) else { continue }
      snapshot.ticks += 1
      if takeAlerts(partition) { schedule.processed(at: now, withRecords: true) }
    }
  }

  /// Whether this process did not run for a while (stopped, or the machine suspended): then what looks like silence
  /// is a backlog that has not been read yet.
  private func wasAway(now: Int64, wall: Int64) -> Bool {
    guard lastTick != .min else { return false }
    let wallPassed = Double(wall - lastTickWall) / clock.speed
    return max(Double(now - lastTick), wallPassed) > Double(Self.awayMilliseconds)
  }

  private func restartSilence() {
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

  // MARK: Cuts

  /// Closes a cut if it is due and drives the one in flight.
  /// - Returns: how long the lane may wait for input, at most.
  mutating func driveCuts() throws(PipelineError) -> Int64 {
    if isInFlight { isInFlight = try output.progress(timeoutMilliseconds: 0) == .pending }
    let isFull = outbox.bytes >= settings.outboxBytes
    guard let wait = schedule.wait(at: clock.monotonic(), isFull: isFull) else { return 100 }
    // A cut that takes long is held up by the brokers: no need to look a thousand times a second.
    if isInFlight { return clock.monotonic() - schedule.lastCut > 1_000 ? 20 : 1 }
    if wait == 0 { try close(waiting: false) }
    return min(wait == 0 ? 1 : wait, 100)
  }

  /// Closes the cut, after the one in flight has ended. A lane that is to stop does not wait here: the outbox then
  /// grows by the rest of one batch at most, and `finishCuts` takes it from there in bounded time.
  private mutating func close(waiting: Bool) throws(PipelineError) {
    let wasInFlight = isInFlight
    while isInFlight {
      precondition(waiting, "a cut is in flight")
      if isStopping() { return }
      isInFlight = try output.progress(timeoutMilliseconds: 100) == .pending
    }
    // No input was taken meanwhile: that a partition was quiet is not known.
    if wasInFlight { restartSilence() }
    guard !outbox.isEmpty else { return schedule.cleared() }
    try output.begin(outbox.close())
    isInFlight = true
    snapshot.cuts += 1
    schedule.closed(at: clock.monotonic())
  }

  /// Writes everything that is waiting, and waits until it is safe, but not for longer than the budget.
  mutating func finishCuts(within milliseconds: Int64) throws(PipelineError) {
    let deadline = clock.monotonic() + milliseconds
    while clock.monotonic() < deadline {
      if isInFlight {
        isInFlight = try output.progress(timeoutMilliseconds: 50) == .pending
      } else if outbox.isEmpty {
        return
      } else {
        try close(waiting: false)
      }
    }
    if !isInFlight, outbox.isEmpty { return }
    output.abandon()
    isInFlight = false
    notify(.handoverTimedOut(owned.map(\.number)))
  }

  // MARK: Looking in

  /// Brings the snapshot up to date.
  mutating func describe() -> LaneSnapshot {
    snapshot.turns += 1
    snapshot.tally = triggers.tally
    snapshot.users = owned.reduce(0) { $0 + $1.shard.userCount }
    snapshot.partitions = owned.map(\.number)
    snapshot.watermark = owned.filter { $0.shard.latestEvent != nil }.map { $0.shard.watermark }.min()
    snapshot.latestEvent = owned.compactMap { $0.shard.latestEvent }.max()
    return snapshot
  }
}
