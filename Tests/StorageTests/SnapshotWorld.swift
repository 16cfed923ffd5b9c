import Events
import Pipeline
import Portrait
import Shard
import SideBySide
import TestSupport
import Triggers

/// A shard with its state topic and its commits, driven as a lane drives them, one cut in flight; and snapshots that
/// are written in slices while all of that goes on.
struct SnapshotWorld: ~Copyable {
  /// A committed record of the state partition; its place in the list is its offset.
  struct Stored {
    var key: [UInt8]
    var value: [UInt8]?
    var position: Position
  }

  /// What stands beside a committed offset, and what memory held at that moment.
  struct Commit {
    var nextOffset: Int64
    var point: RestorePoint
    var watermark: Int64
    var users: [String: UserState]
    var stored: [Stored]
  }

  struct Snapshot {
    var stateOffset: Int
    var bytes: [UInt8]
  }

  private enum Phase {
    case walking(SnapshotWalk)
    case flushing(before: UInt64)
    /// The cut in flight, or the next one if it is not closed yet.
    case committing(Int)
  }

  /// What makes the test fail; each breaks one promise.
  enum Fault: CaseIterable {
    case takesUnflushed, finishesBeforeTheFlush, finishesBeforeTheCommit, readsFromTooLate
  }

  let fault: Fault?
  private let epochs: [Epoch]
  private var random: SeededGenerator
  private var shard: Shard
  private var output = TriggerOutput()
  private var slot = EventSlot()
  private var present = 0
  /// Records of the input.
  private var input: [Step] = []
  private var topic: [Stored] = []
  private var changes: [StateChange] = []
  private var inFlight: Commit?
  private var closed = 0
  private(set) var committed: Commit?
  private var task: (snapshot: Snapshot, phase: Phase)?
  /// The one that is in its place.
  private(set) var snapshot: Snapshot?
  private(set) var finished = 0
  private(set) var compared = 0

  init(_ world: World, seed: UInt64, fault: Fault? = nil) {
    var other = world.rules
    other.churn.enterScore = min(100, other.churn.enterScore + 5)
    epochs = [
      Epoch(hash: 11, text: "eleven", rules: world.rules), Epoch(hash: 12, text: "twelve", rules: other),
    ]
    random = SeededGenerator(seed: seed)
    shard = Shard(partition: 0, epoch: epochs[0], isJournaled: true)
    self.fault = fault
    shard.beginEpoch(epochs[0], into: &changes)
    closeCut(everything: true)
    commit()
  }

  /// Takes a step of the history, and whatever else happens at the time.
  ///
  /// - Returns: what a restore from the snapshot makes of it that a restore from the topic does not.
  mutating func take(_ step: Step) -> String? {
    switch step {
    case .event, .advance:
      Self.apply(step, at: Int64(input.count), to: &shard, &slot, &output)
      input.append(step)
    case .tick(let clock): _ = shard.tick(clock: clock, into: &output)
    case .resume(let clock): shard.resume(clock: clock)
    case .drain: return nil
    }
    output.alerts.removeAll()
    for _ in 0..<Int.random(in: 0...3, using: &random) { driveSnapshot() }
    switch Int.random(in: 0..<20, using: &random) {
    case 0..<6: if inFlight == nil { closeCut(everything: false) }
    case 6..<12: if inFlight != nil { commit() }
    case 12: changeEpoch()
    case 13, 14: return compare()
    default: break
    }
    return nil
  }

  private static func apply(
    _ step: Step, at offset: Int64, to shard: inout Shard, _ slot: inout EventSlot,
    _ output: inout TriggerOutput
  ) {
    switch step {
    case .event(let event, let clock):
      slot.set(event)
      shard.apply(slot, at: offset, recordClock: clock, into: &output)
    case .advance(let time, let clock):
      shard.advance(eventTime: time, at: offset, recordClock: clock, into: &output)
    case .tick, .resume, .drain: break
    }
  }

  // MARK: Cuts

  private mutating func closeCut(everything: Bool) {
    closed += 1
    let users = everything ? Int.max : Int.random(in: 0...3, using: &random)
    _ = shard.flush(FlushLimit(ordinal: .max, users: users, bytes: .max), into: &changes)
    shard.bury(upTo: shard.recoveryPoint, limit: 3, into: &changes)
    shard.trimClockLog()
    var known: [String: UserState] = [:]
    shard.forEachUser { known[$0] = copy $1 }
    inFlight = Commit(
      nextOffset: shard.position.offset,
      point: RestorePoint(
        recoveryPoint: shard.recoveryPoint, epochHash: shard.epochHash, storedCount: shard.storedCount,
        clockLog: shard.clockLog), watermark: shard.watermark, users: known,
      stored: changes.map { Stored(key: $0.key, value: $0.value, position: $0.position) })
    changes.removeAll()
    if case .flushing(let ordinal) = task?.phase,
      !shard.hasDirty(before: ordinal) || fault == .finishesBeforeTheFlush
    {
      task?.phase = .committing(closed)
      if fault == .finishesBeforeTheCommit { finish() }
    }
  }

  private mutating func commit() {
    guard let commit = inFlight else { return }
    inFlight = nil
    topic += commit.stored
    committed = commit
    if case .committing(closed) = task?.phase { finish() }
  }

  /// Flushes everybody, and goes on under the other rules.
  private mutating func changeEpoch() {
    if inFlight != nil { commit() }
    closeCut(everything: true)
    commit()
    present = 1 - present
    shard.beginEpoch(epochs[present], into: &changes)
    closeCut(everything: true)
    commit()
  }

  // MARK: Snapshots

  private mutating func driveSnapshot() {
    switch task?.phase {
    case .walking(var walk):
      var writer = StateWriter()
      if fault == .takesUnflushed, Bool.random(using: &random) {
        // As if memory could pass for what was flushed: everybody flushed on the quiet, and it is forgotten.
        var lost: [StateChange] = []
        _ = shard.flush(FlushLimit(ordinal: .max, users: .max, bytes: .max), into: &lost)
      }
      _ = shard.takeSlice(&walk, users: Int.random(in: 1...2, using: &random), bytes: 1 << 20, into: &writer)
      task!.snapshot.bytes += writer.bytes
      task!.phase = walk.isAtEnd ? .flushing(before: shard.queuedCount) : .walking(walk)
    case .flushing, .committing: break
    case nil:
      guard Int.random(in: 0..<4, using: &random) == 0 else { return }
      // Any earlier offset is as good.
      let earlier =
        Int.random(in: 0..<4, using: &random) == 0
        ? Int.random(in: 0...topic.count, using: &random) : topic.count
      task = (
        Snapshot(stateOffset: earlier, bytes: []), .walking(shard.beginSnapshot())
      )
    }
  }

  private mutating func finish() {
    snapshot = task?.snapshot
    if fault == .readsFromTooLate { snapshot?.stateOffset = topic.count }
    task = nil
    finished += 1
  }

  // MARK: Restoring

  private mutating func compare() -> String? {
    guard let commit = committed, let snapshot else { return nil }
    compared += 1
    let whole = compacted(from: 0)
    let rest = compacted(from: snapshot.stateOffset)
    do {
      var plain = try restore([], whole, commit)
      var quick = try restore(snapshot.bytes, rest, commit)
      if let difference = Self.difference(Self.dump(&plain), Self.dump(&quick)) {
        return "restored: \(difference)"
      }
      if plain.storedCount != quick.storedCount {
        return "stored: \(plain.storedCount), \(quick.storedCount)"
      }
      let expected = replay(&plain, commit)
      let found = replay(&quick, commit)
      if plain.watermark != commit.watermark || quick.watermark != commit.watermark { return "the watermark" }
      if expected != commit.users { return "the topic alone does not bring back what memory held" }
      if let difference = Self.difference(expected, found) { return "replayed: \(difference)" }
      return nil
    } catch {
      return "\(error)"
    }
  }

  /// The topic from an offset on, as compaction may have left it.
  private mutating func compacted(from offset: Int) -> [Stored] {
    let reach = Int.random(in: 0...topic.count, using: &random)
    var last: [[UInt8]: Int] = [:]
    for (index, record) in topic[..<reach].enumerated() { last[record.key] = index }
    return topic.indices.filter { $0 >= offset && ($0 >= reach || last[topic[$0].key] == $0) }.map {
      topic[$0]
    }
  }

  private func restore(
    _ bytes: [UInt8], _ records: [Stored], _ commit: Commit
  ) throws -> Shard {
    var shard = Shard(partition: 0, epoch: epochs[present], isJournaled: true)
    _ = try unsafe bytes.withUnsafeBytes { buffer in
      try unsafe SnapshotRecords.read(buffer, damaged: { $0 as any Error }) { key, value throws(any Error) in
        try unsafe take(StoredRecord(key: key, value: value), to: &shard)
      }
    }
    for record in records {
      try unsafe record.key.withUnsafeBytes { key in
        if let value = record.value {
          try unsafe value.withUnsafeBytes { try unsafe take(StoredRecord(key: key, value: $0), to: &shard) }
        } else if let epoch = unsafe StateRecord.epoch(ofKey: key) {
          shard.restoreTombstone(ofEpoch: epoch)
        } else {
          unsafe shard.restoreTombstone(key: key, position: record.position)
        }
      }
    }
    try shard.finishRestore(commit.point)
    return shard
  }

  private func take(_ record: StoredRecord, to shard: inout Shard) throws {
    if record.kind == .epoch {
      shard.restore(epochs.first { $0.hash == record.epoch }!, at: record.position)
    } else {
      try shard.restore(record)
    }
  }

  /// Everything that a shard takes for stored.
  private static func dump(_ shard: inout Shard) -> [[UInt8]: [UInt8]] {
    var walk = shard.beginSnapshot()
    var writer = StateWriter()
    while !walk.isAtEnd { _ = shard.takeSlice(&walk, users: 1_000, bytes: 1 << 30, into: &writer) }
    var records: [[UInt8]: [UInt8]] = [:]
    unsafe writer.withBytes { bytes in
      _ = try! unsafe SnapshotRecords.read(bytes, damaged: { $0 }) { key, value throws(StateError) in
        if unsafe StateRecord.epoch(ofKey: key) == nil { records[unsafe Array(key)] = unsafe Array(value) }
      }
    }
    return records
  }

  /// From the recovery point to the committed offset.
  private mutating func replay(_ shard: inout Shard, _ commit: Commit) -> [String: UserState] {
    var entries = commit.point.clockLog.entries[...]
    func takeEntries(before offset: Int64, _ output: inout TriggerOutput) {
      while let entry = entries.first, entry.offset < offset {
        shard.skip(to: entry.offset)
        shard.replay(entry, into: &output)
        entries.removeFirst()
      }
    }
    for offset in commit.point.recoveryPoint.offset..<commit.nextOffset {
      takeEntries(before: offset + 1, &output)
      Self.apply(input[Int(offset)], at: offset, to: &shard, &slot, &output)
    }
    takeEntries(before: commit.nextOffset + 1, &output)
    shard.skip(to: commit.nextOffset)
    output.alerts.removeAll()
    var users: [String: UserState] = [:]
    shard.forEachUser { users[$0] = copy $1 }
    return users
  }

  private static func difference<Key: Hashable, Value: Equatable>(
    _ plain: [Key: Value], _ quick: [Key: Value]
  ) -> String? {
    if plain == quick { return nil }
    let differing = Set(plain.keys).union(quick.keys).filter { plain[$0] != quick[$0] }
    let missing = differing.filter { quick[$0] == nil }.count
    let extra = differing.filter { plain[$0] == nil }.count
    return "\(differing.count) users differ, \(missing) are missing, \(extra) should not be there"
  }
}
