import ArgumentParser
import Dispatch
import Events
import Foundation
import Measuring
import Pipeline
import Portrait
import Settings
import Shard
import Storage
import Synchronization
import Triggers

/// `ebb-bench recovery`: how long one partition takes to come back, from the state topic (its records in memory, so
/// that no broker is measured) and from a snapshot on this machine's disk.
struct RecoveryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recovery",
    abstract: "Measures how long a partition takes to come back, and what its users take.")

  @ArgumentParser.Option(help: "Users of the partition.")
  var users = 1_000_000

  @ArgumentParser.Option(help: "Where the snapshot is written, and deleted again.")
  var directory = NSTemporaryDirectory() + "ebb-bench-recovery"

  func validate() throws {
    guard (1...50_000_000).contains(users) else { throw ValidationError("--users must be 1 to 50000000") }
  }

  func run() throws {
    do {
      let place = SnapshotPlace(
        directory: directory, group: "bench", inputTopic: "input", stateTopic: "state")
      try place.prepare()
      defer { try? FileManager.default.removeItem(atPath: directory) }
      try measure(place)
    } catch {
      throw BenchError("\(error)")
    }
  }

  private func measure(_ place: SnapshotPlace) throws {
    let plan = EpochPlan(
      epoch: Epoch(hash: 1, text: "bench", rules: Rules()), mapping: try MappingFile.preset(named: "native"),
      limits: DecoderLimits())
    var settings = LaneSettings(
      plan: plan, readEpoch: { _, _ in plan }, configVersion: "bench", source: "/bench", inputTopic: "input",
      owner: 1)
    settings.delivery = .exactlyOnce
    let failed = Mutex<String?>(nil)
    let store = SnapshotStore(place, tombstoneMilliseconds: .max, wall: LaneClock.machine.wall) { notice in
      if case .failed(_, let reason) = notice { failed.withLock { $0 = reason } }
    }
    let log = BenchLog.fill(users: users, plan, store)
    if let reason = failed.withLock({ $0 }) {
      throw BenchError("the snapshot in \(directory) was not written: \(reason)")
    }
    let mean = Double(log.bytes) / Double(log.users)
    print(
      "users: \(log.users.grouped), bytes a user in the state topic: \((mean * 10).rounded() / 10)"
    )
    print("from the state topic: \(try recover(log, settings, nil))")
    print("from the snapshot: \(try recover(log, settings, store))")
  }

  private func recover(_ log: BenchLog, _ settings: LaneSettings, _ store: SnapshotStore?) throws -> String {
    let dropped = Mutex<String?>(nil)
    let began = DispatchTime.now()
    var recovery = Recovery<BenchSource>(
      RecoveryOrder(partition: 0, parked: nil), settings: settings, snapshots: store,
      now: LaneClock.machine.monotonic
    ) { notice in
      if case .snapshotDropped(_, let reason) = notice { dropped.withLock { $0 = reason } }
    }
    var source = BenchSource(log: log)
    var result: RecoveryResult?
    while result == nil { result = try recovery.step(&source, timeoutMilliseconds: 0) }
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - began.uptimeNanoseconds) / 1e9
    if let reason = dropped.withLock({ $0 }) {
      throw BenchError("the snapshot was not used: \(reason)")
    }
    guard case .recovered(let partition) = result!, partition.summary.users == log.users else {
      throw BenchError("not all users came back")
    }
    let summary = partition.summary
    return
      "\((seconds * 100).rounded() / 100) s (\(summary.snapshotRecords.grouped) records of the snapshot, "
      + "\(summary.stateRecords.grouped) of the topic)"
  }
}

/// A partition's state topic and what is committed with it.
private final class BenchLog: Sendable {
  let keys: [[UInt8]]
  let values: [[UInt8]]
  let metadata: CommitMetadata
  let nextOffset: Int64
  let users: Int
  var bytes: Int { keys.reduce(0) { $0 + $1.count } + values.reduce(0) { $0 + $1.count } }

  private init(_ changes: [StateChange], _ metadata: CommitMetadata, _ nextOffset: Int64, _ users: Int) {
    keys = changes.map(\.key)
    values = changes.map { $0.value! }
    self.metadata = metadata
    self.nextOffset = nextOffset
    self.users = users
  }

  /// Users who have visited a shop for four weeks: most of them once or twice, some often; carts and purchases as
  /// they are usual. All are flushed, and the snapshot is written.
  static func fill(users: Int, _ plan: EpochPlan, _ store: SnapshotStore) -> BenchLog {
    var shard = Shard(partition: 0, epoch: plan.epoch, isJournaled: true)
    var changes: [StateChange] = []
    shard.beginEpoch(plan.epoch, into: &changes)
    fillShard(&shard, users)
    changes.reserveCapacity(users + 1)
    _ = shard.flush(FlushLimit(ordinal: .max, users: .max, bytes: .max), into: &changes)
    shard.trimClockLog()
    let cut = CutNumber(owner: 1, sequence: 1)
    let metadata = CommitMetadata(
      cut: cut, recoveryPoint: shard.recoveryPoint, watermark: shard.watermark,
      latestEvent: shard.latestEvent,
      epochHash: shard.epochHash, storedCount: shard.storedCount, stateOffset: Int64(changes.count) - 1,
      clockLog: shard.clockLog)
    let header = SnapshotHeader(
      partition: 0, stateOffset: Int64(changes.count), writtenAt: LaneClock.machine.wall())
    if let ticket = store.begin(header) {
      var walk = shard.beginSnapshot()
      var writer = StateWriter()
      while !walk.isAtEnd {
        writer.removeAll()
        let records = shard.takeSlice(&walk, users: 500, bytes: 256 << 10, into: &writer)
        while records > 0, !store.append(writer.bytes, records: records, to: ticket) {
          store.settle(withinMilliseconds: 100)
        }
      }
      store.finish(ticket, SnapshotCommit(cut: cut, position: shard.position))
      store.settle(withinMilliseconds: 120_000)
    }
    return BenchLog(changes, metadata, shard.position.offset, shard.userCount)
  }

  private static func fillShard(_ shard: inout Shard, _ users: Int) {
    let start: Int64 = 1_772_442_000_000
    var output = TriggerOutput()
    var slot = EventSlot()
    var state: UInt64 = 42
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(truncatingIfNeeded: (state >> 33) % UInt64(bound))
    }
    // A tenth of the users make half of the visits.
    let visits = users * 3
    for visit in 0..<visits {
      let user = visit < users ? visit : random(2) == 0 ? random(max(1, users / 10)) : random(users)
      var time = start + Int64(visit) * 28 * 86_400_000 / Int64(visits)
      let isBuyer = random(12) == 0
      for step in 0..<(2 + random(5)) {
        var event = Event(type: .pageView, ts: time)
        event.userID = "user-\(1_000_000 + user)"
        event.eventID = "e-\(visit)-\(step)"
        event.dwellMilliseconds = Int64(1_000 + random(90_000))
        event.url = "/p/\(random(5_000))"
        if step == 2, random(3) == 0 || isBuyer {
          event.type = .cartAdd
          event.itemID = "item-\(random(5_000))"
          event.priceMinor = Int64(500 + random(20_000))
          event.currency = Currency("EUR")
        } else if step == 3, isBuyer {
          event.type = .purchase
          event.orderID = "order-\(visit)"
          event.valueMinor = Int64(500 + random(20_000))
          event.currency = Currency("EUR")
        }
        slot.set(event)
        shard.apply(slot, recordClock: time, into: &output)
        output.alerts.removeAll(keepingCapacity: true)
        time += Int64(5_000 + random(60_000))
      }
    }
  }
}

/// Hands the log over as fast as it is taken.
private struct BenchSource: RecoverySource, ~Copyable {
  let log: BenchLog
  private var next = 0

  init(log: BenchLog) { self.log = log }

  func committed(_ partition: Int32) throws(PipelineError) -> CommittedPosition?? {
    CommittedPosition(nextOffset: log.nextOffset, metadata: log.metadata.text)
  }

  func bounds(_ topic: RecoveryTopic, _ partition: Int32) throws(PipelineError) -> (low: Int64, high: Int64)?
  {
    topic == .state ? (0, Int64(log.keys.count)) : (0, log.nextOffset)
  }

  func partitionCounts() throws(PipelineError) -> (input: Int, state: Int)? { (1, 1) }

  func start(_ partition: Int32) throws(PipelineError) -> Int64? { 0 }

  func replacement(
    _ partition: Int32, committed: Int64, low: Int64, high: Int64
  ) throws(PipelineError) -> Int64 { low }

  mutating func open(
    _ topic: RecoveryTopic, _ partition: Int32, from offset: Int64
  ) throws(PipelineError) { next = Int(offset) }

  mutating func read<Visitor: RecordVisitor & ~Copyable>(
    into visitor: inout Visitor, timeoutMilliseconds: Int32
  ) throws(PipelineError) {
    let end = min(next + 1_024, log.keys.count)
    while next < end {
      let (key, value) = (log.keys[next], log.values[next])
      // A typed error cannot leave two closures at once.
      let outcome = unsafe key.withUnsafeBytes { key in
        unsafe value.withUnsafeBytes { value in
          let record = unsafe InputRecord(
            partition: 0, offset: Int64(next), timestamp: -1, key: key, value: value)
          return Result { () throws(PipelineError) in try visitor.record(record) }
        }
      }
      try outcome.get()
      next += 1
    }
    try visitor.batchEnded()
    if next == log.keys.count { try visitor.reachedEnd(partition: 0, nextOffset: Int64(next)) }
  }

  func close() {}
}

extension LaneClock {
  /// The machine's clocks.
  fileprivate static let machine = LaneClock(
    wall: { Int64(Date().timeIntervalSince1970 * 1000) },
    monotonic: { Int64(DispatchTime.now().uptimeNanoseconds / 1_000_000) })
}
