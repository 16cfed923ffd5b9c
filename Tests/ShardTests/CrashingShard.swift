import Events
import Portrait
import Shard
import Triggers

/// A shard that is flushed, committed and crashes between the steps of a history, over a state topic and a committed
/// offset in memory. What it has committed is what counts.
struct CrashingShard: ~Copyable {
  /// A record of the input: an event, or a name that is not mapped.
  enum Record {
    case event(Event, clock: Int64)
    case time(Int64, clock: Int64)

    var clock: Int64 {
      switch self {
      case .event(_, let clock), .time(_, let clock): clock
      }
    }
  }

  /// What stands beside the committed offset.
  struct Commit {
    var nextOffset: Int64
    var watermark: Int64
    var latestEvent: Int64?
    var point: RestorePoint
  }

  var shard: Shard
  private(set) var log: [Record] = []
  /// The state topic, compacted.
  private(set) var stored: [[UInt8]: [UInt8]] = [:]
  private(set) var commit: Commit
  /// All clock entries that were ever committed, in order.
  private(set) var committedEntries: [ClockEntry] = []
  /// Where each committed epoch began: before the record with this offset, and after so many clock entries.
  private(set) var committedEpochs: [(offset: Int64, entries: Int, epoch: Epoch)] = []
  private var newEpoch: Epoch?
  private(set) var alerts: [Alert] = []
  private var output = TriggerOutput()
  private var slot = EventSlot()
  private let epochs: [UInt64: Epoch]
  private var present: Epoch
  private(set) var crashes = 0
  private(set) var skipped = 0

  init(epochs: [Epoch]) {
    self.epochs = Dictionary(uniqueKeysWithValues: epochs.map { ($0.hash, $0) })
    present = epochs[0]
    shard = Shard(partition: 0, epoch: epochs[0], isJournaled: true)
    commit = Commit(
      nextOffset: 0, watermark: .min,
      point: RestorePoint(
        recoveryPoint: Position(offset: 0, watermark: .min), epochHash: epochs[0].hash, storedCount: 0,
        clockLog: ClockLog()))
    begin(epochs[0])
    close(users: .max, all: true)
  }

  mutating func append(_ record: Record) { log.append(record) }

  /// Reads one record, or a part of its way when so many alerts wait.
  /// - Returns: whether it went all the way.
  mutating func read(alerts limit: Int) -> Bool {
    let offset = shard.position.offset
    return Self.take(log[Int(offset)], at: offset, limit, &shard, &slot, &output)
  }

  static func take(
    _ record: Record, at offset: Int64, _ limit: Int, _ shard: inout Shard, _ slot: inout EventSlot,
    _ output: inout TriggerOutput
  ) -> Bool {
    switch record {
    case .event(let event, let clock):
      slot.set(event)
      return shard.apply(
        slot, at: offset, recordClock: clock, alerts: output.alerts.count + limit, into: &output)
    case .time(let time, let clock):
      return shard.advance(
        eventTime: time, at: offset, recordClock: clock, alerts: output.alerts.count + limit, into: &output)
    }
  }

  var hasMore: Bool { shard.position.offset < log.count }

  mutating func tick(_ clock: Int64, alerts limit: Int) -> Shard.TickOutcome {
    shard.tick(clock: clock, alerts: output.alerts.count + limit, into: &output)
  }

  mutating func resume(_ clock: Int64) { shard.resume(clock: clock) }

  /// Flushes everyone and begins another epoch.
  mutating func change(to epoch: Epoch) {
    present = epoch
    close(users: .max, all: true)
    begin(epoch)
    close(users: 0, all: false)
  }

  private mutating func begin(_ epoch: Epoch) {
    var changes: [StateChange] = []
    shard.beginEpoch(epoch, into: &changes)
    write(changes)
    newEpoch = epoch
  }

  private mutating func write(_ changes: [StateChange]) {
    for change in changes { stored[change.key] = change.value }
  }

  /// A cut: flushes some users, and commits.
  mutating func close(users: Int, all: Bool) {
    var changes: [StateChange] = []
    shard.trimClockLog()
    let ordinal = all ? UInt64.max : shard.queuedCount
    _ = shard.flush(FlushLimit(ordinal: ordinal, users: users, bytes: .max), into: &changes)
    shard.bury(upTo: shard.recoveryPoint, limit: .max, into: &changes)
    write(changes)
    let entries = shard.clockLog.entries
    // The committed log accumulates: what is new lies behind the last entry known.
    let known = committedEntries
    let shared = entries.prefix { known.contains($0) }.count
    committedEntries += entries.dropFirst(shared)
    if let newEpoch { committedEpochs.append((shard.position.offset, committedEntries.count, newEpoch)) }
    newEpoch = nil
    commit = Commit(
      nextOffset: shard.position.offset, watermark: shard.watermark, latestEvent: shard.latestEvent,
      point: RestorePoint(
        recoveryPoint: shard.recoveryPoint, epochHash: shard.epochHash, storedCount: shard.storedCount,
        clockLog: shard.clockLog))
    alerts += output.alerts
    output.alerts.removeAll()
  }

  /// Loses the memory, and comes back from what was committed.
  mutating func crash(_ order: ([[UInt8]]) -> [[UInt8]]) throws {
    crashes += 1
    output.alerts.removeAll()
    newEpoch = nil
    shard = Shard(partition: 0, epoch: present, isJournaled: true)
    for key in order(Array(stored.keys)) {
      let value = stored[key]!
      try unsafe key.withUnsafeBytes { keyBytes in
        try unsafe value.withUnsafeBytes { valueBytes in
          let record = try unsafe StoredRecord(key: keyBytes, value: valueBytes)
          if record.kind == .epoch {
            shard.restore(epochs[record.epoch]!, at: record.position)
          } else {
            try shard.restore(record)
          }
        }
      }
    }
    try shard.finishRestore(commit.point)
    var entries = shard.clockLog.entries[...]
    var discarded = TriggerOutput()
    func catchUp(_ offset: Int64, _ shard: inout Shard) {
      while let entry = entries.first, entry.offset <= offset {
        shard.skip(to: entry.offset)
        shard.replay(entry, into: &discarded)
        entries.removeFirst()
      }
    }
    for offset in commit.point.recoveryPoint
      .offset..<max(commit.nextOffset, commit.point.recoveryPoint.offset)
    {
      catchUp(offset, &shard)
      _ = Self.take(log[Int(offset)], at: offset, .max / 2, &shard, &slot, &discarded)
      skipped += 1
    }
    catchUp(commit.nextOffset, &shard)
    shard.skip(to: commit.nextOffset)
    shard.takeLatestEvent(commit.latestEvent)
    guard shard.watermark == commit.watermark else {
      throw RestoreProblem.watermark(found: shard.watermark, expected: commit.watermark)
    }
    // What was changed and not begun before the crash is begun now.
    if shard.epochHash != present.hash { change(to: present) }
  }

  /// The undisturbed run over the committed clock log and epochs.
  func undisturbed(_ alerts: inout [Alert]) -> Shard {
    var shard = Shard(partition: 0, epoch: committedEpochs[0].epoch, isJournaled: true)
    var output = TriggerOutput()
    var slot = EventSlot()
    var entries = committedEntries[...]
    var epochs = committedEpochs[...]
    var taken = 0
    func catchUp(_ offset: Int64, _ shard: inout Shard) {
      while true {
        if let epoch = epochs.first, epoch.offset <= offset, epoch.entries <= taken {
          var changes: [StateChange] = []
          _ = shard.flush(FlushLimit(ordinal: .max, users: .max, bytes: .max), into: &changes)
          shard.beginEpoch(epoch.epoch, into: &changes)
          epochs.removeFirst()
        } else if let entry = entries.first, entry.offset <= offset {
          shard.skip(to: entry.offset)
          shard.replay(entry, into: &output)
          entries.removeFirst()
          taken += 1
        } else {
          return
        }
      }
    }
    for offset in 0..<shardEnd {
      catchUp(offset, &shard)
      _ = Self.take(log[Int(offset)], at: offset, .max / 2, &shard, &slot, &output)
    }
    catchUp(shardEnd, &shard)
    alerts = output.alerts
    return shard
  }

  private var shardEnd: Int64 { commit.nextOffset }
}
