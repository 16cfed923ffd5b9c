import Events
import Portrait
import Shard
import Triggers

/// The middle of a lane: takes what the input log hands over through decoding and the shards into the outbox.
///
/// `LaneCore+Records`: the path of a record. `LaneCore+Partitions`: how partitions come and go. `LaneCore+Ticks`: how time passes on quiet ones.
/// `LaneCore+Cuts`: what a cut carries, and when it closes. `LaneCore+Snapshots`: local copies of the state.
struct LaneCore<Output: OutputLog & ~Copyable, Helper: Recoverer & ~Copyable>: ~Copyable, InputVisitor {
  var settings: LaneSettings
  let clock: LaneClock
  let notify: @Sendable (LaneNotice) -> Void
  let isStopping: @Sendable () -> Bool
  var decoder: Decoder
  var output: Output
  var recoverer: Helper
  /// Records that are decoded and not applied yet; empty between batches.
  var ring = RecordRing()
  var intake = Intake()
  var triggers = TriggerOutput()
  var writer: AlertWriter
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
  /// Partitions that the input log is to leave alone until they are started again.
  var held: [Int32] = []
  /// Nothing is to be read.
  var isShut = false
  var membership: Membership?
  var outbox = Outbox()
  var schedule: CutSchedule
  var inFlight: Cut?
  /// Monotonic times of the cut in flight: since when what it carries has waited, and since when it is written.
  var inFlightTimes = (waiting: Int64(0), began: Int64(0))
  var lastSequence: UInt64 = 0
  var ticks: TickWatch
  var snapshot = LaneSnapshot()
  private var nextLook = Int64.min
  private var recent = RecentAlerts()
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
    precondition(
      settings.metadataBytes >= CommitMetadata.leastBytes,
      "an offset's metadata has no room for a clock entry")
    self.settings = settings
    self.clock = clock
    decoder = Decoder(mapping: settings.plan.mapping, limits: settings.plan.limits)
    self.output = output
    self.recoverer = recoverer
    self.snapshots = snapshots
    self.notify = notify
    self.isStopping = isStopping
    writer = Self.makeWriter(settings)
    schedule = CutSchedule(
      minimumMilliseconds: settings.minimumCutIntervalMilliseconds,
      maximumMilliseconds: settings.maximumCutIntervalMilliseconds)
    ticks = TickWatch(wall: clock.wall(), monotonic: clock.monotonic())
  }

  /// Fewer records of a partition in a row than this are applied as they are.
  static var worthPrefetching: Int { 4 }

  var isTransactional: Bool { settings.delivery == .exactlyOnce }

  /// With so many alerts waiting, a large jump of the watermark stops for a cut. Alerts take about 2 kB each.
  var alertsPerStep: Int {
    // A lane that is to stop does not wait for cuts on its way: the last ones carry what there is.
    isStopping() ? .max : max(1, (settings.outboxBytes - outbox.bytes) / 2_048)
  }

  // MARK: Partitions and alerts

  func find(_ partition: Int32) -> Int? {
    for index in owned.indices where owned[index].number == partition { return index }
    return nil
  }

  mutating func append(_ record: WireRecord, to topic: OutputTopic, _ partition: Int32) {
    outbox.append(
      OutputRecord(topic: topic, key: record.key, value: record.value, headers: record.headers), partition)
  }

  /// Moves what the triggers said into the outbox; returns whether they said anything.
  mutating func takeAlerts(_ partition: OwnedPartition) -> Bool {
    if triggers.alerts.isEmpty { return false }
    for alert in triggers.alerts {
      recent.append(alert)
      append(writer.record(alert), to: alert.type.isCart ? .cartAlerts : .churnAlerts, partition.number)
    }
    triggers.alerts.removeAll(keepingCapacity: true)
    return true
  }

  // MARK: Looking in

  /// What changes slowly, or costs something to look at, is looked at so often, milliseconds.
  private static var lookMilliseconds: Int64 { 500 }

  /// Alerts that a snapshot shows.
  private static var shownAlerts: Int { 10 }

  /// Whether it is time to look again.
  mutating func isTimeToLook() -> Bool {
    let now = clock.monotonic()
    guard now >= nextLook else { return false }
    nextLook = now + Self.lookMilliseconds
    return true
  }

  /// Brings up to date what `describe` leaves alone.
  mutating func look(at ends: [PartitionOffset], fetched: Int, isHealthy: Bool, isInDoubt: Bool = false) {
    snapshot.standings = owned.map { partition in
      PartitionStanding(
        partition: partition.number, nextOffset: partition.shard.position.offset,
        end: ends.first { $0.partition == partition.number }?.nextOffset, isAtEnd: partition.isAtEnd,
        watermark: partition.shard.latestEvent.map { _ in partition.shard.watermark })
    }
    snapshot.isHealthy = isHealthy
    snapshot.isInDoubt = isInDoubt
    snapshot.fetchedRecords = fetched
    snapshot.latestAlerts = recent.latest(Self.shownAlerts)
    snapshot.stateBytes = owned.reduce(0) { $0 + $1.shard.memoryBytes }
    snapshot.growthBytes = owned.map { $0.shard.growthBytes }.max() ?? 0
    snapshot.earliestDeadline = owned.compactMap { $0.shard.earliestDeadline }.min()
  }

  /// Does what was asked.
  mutating func serve(_ request: LaneRequest) {
    switch request {
    case .stall: while true { stall() }
    case .configure(let settings): configure(settings)
    case .look(let key, let answer): answer(look(for: key))
    }
  }

  private func look(for key: String) -> UserSighting? {
    for partition in owned {
      guard let found = partition.shard.look(for: key) else { continue }
      return UserSighting(
        partition: partition.number, state: found.state, constants: found.constants,
        latestEvent: partition.shard.latestEvent ?? partition.shard.watermark,
        watermark: partition.shard.watermark, alerts: recent.all(of: key))
    }
    return nil
  }

  /// Brings the snapshot up to date.
  mutating func describe() -> LaneSnapshot {
    snapshot.tally = triggers.tally
    snapshot.outboxBytes = outbox.bytes
    snapshot.users = owned.reduce(0) { $0 + $1.shard.userCount }
    snapshot.dirtyUsers = owned.reduce(0) { $0 + $1.shard.dirtyCount }
    snapshot.partitions = owned.map(\.number)
    snapshot.recovering = recoverer.progress
    snapshot.waiting = recovering.count
    snapshot.configVersion = settings.configVersion
    snapshot.changing = owned.count { $0.phase != .live }
    snapshot.watermark = owned.filter { $0.shard.latestEvent != nil }.map { $0.shard.watermark }.min()
    snapshot.latestEvent = owned.compactMap { $0.shard.latestEvent }.max()
    return snapshot
  }
}
