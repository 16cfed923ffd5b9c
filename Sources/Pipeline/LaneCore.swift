import Events
import Portrait
import Shard
import Triggers

/// The middle of a lane: takes what the input log hands over through decoding and the shards into the outbox.
///
/// `LaneCore+Partitions`: how partitions come and go. `LaneCore+Ticks`: how time passes on quiet ones.
/// `LaneCore+Cuts`: what a cut carries, and when it closes. `LaneCore+Snapshots`: local copies of the state.
struct LaneCore<Output: OutputLog & ~Copyable, Helper: Recoverer & ~Copyable>: ~Copyable, InputVisitor {
  let settings: LaneSettings
  let clock: LaneClock
  let notify: @Sendable (LaneNotice) -> Void
  let isStopping: @Sendable () -> Bool
  private var decoder: Decoder
  var output: Output
  var recoverer: Helper
  private var slot = EventSlot()
  var triggers = TriggerOutput()
  private let writer: AlertWriter
  /// Partitions whose shards this lane works on.
  var owned: [OwnedPartition] = []
  /// Partitions that are assigned, and their shards not there yet.
  var recovering: [Int32] = []
  /// Orders that wait for the output to be ready.
  var orders: [RecoveryOrder] = []
  /// Shards that were given up cleanly, until the next assignment.
  var parked: [OwnedPartition] = []
  /// Positions from which the input log is to start.
  var starts: [PartitionOffset] = []
  var membership: Membership?
  var outbox = Outbox()
  var schedule: CutSchedule
  var inFlight: Cut?
  var lastSequence: UInt64 = 0
  var ticks: TickWatch
  var snapshot = LaneSnapshot()
  /// nil: no snapshots are written.
  let snapshots: (any SnapshotWriter)?
  /// Partitions of a lane that stops, handed over and safe, whose last snapshots are still to be written.
  var leaving: [OwnedPartition] = []
  /// A slice of a snapshot on its way.
  var slice = StateWriter()

  init(
    settings: LaneSettings, clock: LaneClock, output: consuming Output, recoverer: consuming Helper,
    snapshots: (any SnapshotWriter)? = nil, isStopping: @escaping @Sendable () -> Bool,
    notify: @escaping @Sendable (LaneNotice) -> Void
  ) {
    self.settings = settings
    self.clock = clock
    decoder = Decoder(mapping: settings.plan.mapping, limits: settings.plan.limits)
    self.output = output
    self.recoverer = recoverer
    self.snapshots = snapshots
    self.notify = notify
    self.isStopping = isStopping
    writer = AlertWriter(
      context: WireContext(source: settings.source, configVersion: settings.configVersion))
    schedule = CutSchedule(
      minimumMilliseconds: settings.minimumCutIntervalMilliseconds,
      maximumMilliseconds: settings.maximumCutIntervalMilliseconds)
    ticks = TickWatch(wall: clock.wall(), monotonic: clock.monotonic())
  }

  var isTransactional: Bool { settings.delivery == .exactlyOnce }

  /// With so many alerts waiting, a large jump of the watermark stops for a cut. Alerts take about 2 kB each.
  var alertsPerStep: Int {
    // A lane that is to stop does not wait for cuts on its way: the last ones carry what there is.
    isStopping() ? .max : max(1, (settings.outboxBytes - outbox.bytes) / 2_048)
  }

  // MARK: Input

  mutating func reachedEnd(partition: Int32, nextOffset: Int64) throws(PipelineError) {
    guard let place = find(partition) else { return }
    owned[place].isAtEnd = true
  }

  mutating func record(_ record: borrowing InputRecord) throws(PipelineError) {
    guard let place = find(record.partition), owned[place].phase == .live else { return }
    let partition = owned[place]
    guard record.offset >= partition.shard.position.offset else { return }
    partition.isAtEnd = false
    snapshot.records += 1
    snapshot.bytes += Int64(unsafe record.value?.count ?? 0)
    if partition.isLogFull { try settle(partition) }
    let outcome = unsafe decoder.decode(
      payload: record.value, key: record.key, recordTimestamp: record.timestamp, into: &slot)
    var hasRecords = false
    switch outcome {
    case .event:
      checkKey(record)
      woke(partition)
      let recordClock = record.timestamp >= 0 ? record.timestamp : slot.ts
      while !partition.shard.apply(
        slot, at: record.offset, recordClock: recordClock, alerts: alertsPerStep, into: &triggers)
      {
        try makeRoom(partition)
      }
    case .ignored:
      snapshot.ignored += 1
      guard slot.ts > 0 else {
        partition.shard.skip(to: record.offset + 1)
        break
      }
      woke(partition)
      let recordClock = record.timestamp >= 0 ? record.timestamp : slot.ts
      while !partition.shard.advance(
        eventTime: slot.ts, at: record.offset, recordClock: recordClock, alerts: alertsPerStep,
        into: &triggers)
      {
        try makeRoom(partition)
      }
    case .rejected(let rejection):
      partition.shard.skip(to: record.offset + 1)
      reject(record, rejection)
      hasRecords = true
    }
    if takeAlerts(partition) { hasRecords = true }
    schedule.processed(at: clock.monotonic(), withRecords: hasRecords)
    if outbox.bytes >= settings.outboxBytes { try close(waiting: true) }
  }

  func find(_ partition: Int32) -> Int? {
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
    append(letter.record(), to: .deadLetters, record.partition)
  }

  private mutating func append(_ record: WireRecord, to topic: OutputTopic, _ partition: Int32) {
    outbox.append(
      OutputRecord(topic: topic, key: record.key, value: record.value, headers: record.headers), partition)
  }

  /// Moves what the triggers said into the outbox; returns whether they said anything.
  mutating func takeAlerts(_ partition: OwnedPartition) -> Bool {
    if triggers.alerts.isEmpty { return false }
    for alert in triggers.alerts {
      append(writer.record(alert), to: alert.type.isCart ? .cartAlerts : .churnAlerts, partition.number)
    }
    triggers.alerts.removeAll(keepingCapacity: true)
    return true
  }

  /// A large jump of the watermark has stopped half-way: writes what it has brought so far.
  private mutating func makeRoom(_ partition: OwnedPartition) throws(PipelineError) {
    _ = takeAlerts(partition)
    noteClockStep(partition)
    try close(waiting: true)
    if partition.isLogFull { try settle(partition) }
  }

  // MARK: Looking in

  /// Brings the snapshot up to date.
  mutating func describe() -> LaneSnapshot {
    snapshot.turns += 1
    snapshot.tally = triggers.tally
    snapshot.users = owned.reduce(0) { $0 + $1.shard.userCount }
    snapshot.dirtyUsers = owned.reduce(0) { $0 + $1.shard.dirtyCount }
    snapshot.partitions = owned.map(\.number)
    snapshot.recovering = recoverer.progress
    snapshot.waiting = recovering.count
    snapshot.watermark = owned.filter { $0.shard.latestEvent != nil }.map { $0.shard.watermark }.min()
    snapshot.latestEvent = owned.compactMap { $0.shard.latestEvent }.max()
    return snapshot
  }
}
