import Events
import Shard
import Triggers

// The path of a record. It is decoded at once, while its bytes are there, and waits in the ring; when the ring is full
// or the batch is over, all that wait are applied in their order.
//
// What a record needs and others of its run need too is found once for a run of records of one partition: the
// partition, the clock, the room for alerts.
extension LaneCore where Output: ~Copyable, Helper: ~Copyable {
  mutating func record(_ record: borrowing InputRecord) throws(PipelineError) {
    guard takesIn(record) else { return }
    snapshot.records += 1
    snapshot.bytes += Int64(unsafe record.value?.count ?? 0)
    if ring.isFull { try applyWaiting() }
    let place = ring.count
    let outcome = unsafe decoder.decode(
      payload: record.value, key: record.key, recordTimestamp: record.timestamp, into: &ring[place].slot)
    switch outcome {
    case .event:
      if unsafe !ring[place].slot.isKeyed(by: record.key) { tellForeignKey(record) }
      ring[place].kind = .event
    case .ignored:
      snapshot.ignored += 1
      ring[place].kind = ring[place].slot.ts > 0 ? .time : .nothing
    case .rejected(let rejection):
      // It needs its bytes, and its turn.
      try applyWaiting()
      return try reject(record, rejection)
    }
    ring[place].partition = record.partition
    ring[place].offset = record.offset
    ring[place].hash = 0
    ring[place].recordClock = record.clock(eventTime: ring[place].slot.ts)
    ring.wait()
  }

  mutating func batchEnded() throws(PipelineError) {
    try applyWaiting()
    intake = Intake()
  }

  mutating func reachedEnd(partition: Int32, nextOffset: Int64) throws(PipelineError) {
    try batchEnded()
    guard let place = find(partition) else { return }
    owned[place].isAtEnd = true
  }

  /// Whether a record is for one of our shards, and new to it.
  private mutating func takesIn(_ record: borrowing InputRecord) -> Bool {
    if record.partition != intake.partition {
      guard let place = find(record.partition), owned[place].phase == .live else { return false }
      owned[place].isAtEnd = false
      intake = Intake(partition: record.partition, nextOffset: owned[place].shard.position.offset)
      // Others of it may wait already.
      for place in 0..<ring.count where ring[place].partition == record.partition {
        intake.nextOffset = max(intake.nextOffset, ring[place].offset + 1)
      }
    }
    guard record.offset >= intake.nextOffset else { return false }
    intake.nextOffset = record.offset + 1
    return true
  }

  // MARK: Applying

  /// Applies everything that waits.
  mutating func applyWaiting() throws(PipelineError) {
    if ring.count == 0 { return }
    var now = clock.monotonic()
    var start = 0
    while start < ring.count {
      let number = ring[start].partition
      var end = start + 1
      while end < ring.count, ring[end].partition == number { end += 1 }
      if let place = find(number), owned[place].phase == .live {
        try apply(start..<end, to: owned[place], now: &now)
      }
      start = end
    }
    ring.removeAll()
  }

  /// Applies a run of records of one partition. The clock is looked at again where something was waited for.
  private mutating func apply(
    _ run: Range<Int>, to partition: OwnedPartition, now: inout Int64
  ) throws(PipelineError) {
    prefetch(run, partition)
    var room = alertsPerStep
    for place in run {
      if partition.isLogFull {
        try settle(partition)
        now = clock.monotonic()
        room = alertsPerStep
      }
      let offset = ring[place].offset
      if ring[place].kind != .nothing { woke(partition, now) }
      while !apply(place, at: offset, to: partition, alerts: room) {
        try makeRoom(partition)
        now = clock.monotonic()
        room = alertsPerStep
      }
      let hasAlerts = takeAlerts(partition)
      if hasAlerts { room = alertsPerStep }
      schedule.processed(at: now, withRecords: hasAlerts)
      if outbox.bytes >= settings.outboxBytes {
        try close(waiting: true)
        now = clock.monotonic()
        room = alertsPerStep
      }
    }
  }

  /// Asks for the memory that a run will look at, step by step for all of it: each step's address stands in what the
  /// step before has asked for.
  private mutating func prefetch(_ run: Range<Int>, _ partition: OwnedPartition) {
    if run.count < Self.worthPrefetching { return }
    for place in run where ring[place].kind == .event {
      ring[place].hash = partition.shard.prefetch(ring[place].slot)
    }
    for place in run where ring[place].kind == .event { partition.shard.prefetchUser(ring[place].hash) }
    for place in run where ring[place].kind == .event { partition.shard.prefetchState(ring[place].hash) }
  }

  /// As `Shard.apply`.
  private mutating func apply(
    _ place: Int, at offset: Int64, to partition: OwnedPartition, alerts room: Int
  ) -> Bool {
    switch ring[place].kind {
    case .event:
      return partition.shard.apply(
        ring[place].slot, at: offset, hash: ring[place].hash, recordClock: ring[place].recordClock,
        alerts: room, into: &triggers)
    case .time:
      return partition.shard.advance(
        eventTime: ring[place].slot.ts, at: offset, recordClock: ring[place].recordClock, alerts: room,
        into: &triggers)
    case .nothing:
      partition.shard.skip(to: offset + 1)
      return true
    }
  }

  private func woke(_ partition: OwnedPartition, _ now: Int64) {
    partition.silentSince = now
    partition.isTicking = false
    partition.hasToldEnd = false
  }

  /// A large jump of the watermark has stopped half-way: writes what it has brought so far.
  private mutating func makeRoom(_ partition: OwnedPartition) throws(PipelineError) {
    _ = takeAlerts(partition)
    noteClockStep(partition)
    try close(waiting: true)
    if partition.isLogFull { try settle(partition) }
  }

  // MARK: What is wrong with a record

  /// The topic is not partitioned by user.
  private mutating func tellForeignKey(_ record: borrowing InputRecord) {
    if snapshot.foreignKeys == 0 {
      notify(.foreignKey(partition: record.partition, offset: record.offset))
    }
    snapshot.foreignKeys += 1
  }

  /// Nothing waits: the record is the next of its partition.
  private mutating func reject(
    _ record: borrowing InputRecord, _ rejection: Rejection
  ) throws(PipelineError) {
    guard let place = find(record.partition) else { return }
    let partition = owned[place]
    if partition.isLogFull { try settle(partition) }
    partition.shard.skip(to: record.offset + 1)
    snapshot.rejected[rejection.reason, default: 0] += 1
    notify(.rejected(rejection, partition: record.partition, offset: record.offset))
    let letter = unsafe DeadLetter(
      topic: settings.inputTopic, partition: record.partition, offset: record.offset,
      reason: rejection.reason.rawValue,
      place: rejection.place.isEmpty ? nil : rejection.place, key: record.key.map { unsafe Array($0) },
      value: record.value.map { unsafe Array($0) }, original: record.headers)
    append(letter.record(), to: .deadLetters, record.partition)
    _ = takeAlerts(partition)
    schedule.processed(at: clock.monotonic(), withRecords: true)
    if outbox.bytes >= settings.outboxBytes { try close(waiting: true) }
  }
}

/// The partition whose records come in at the moment, which is ours and live; kept until the batch is over.
struct Intake: Sendable, Hashable {
  /// −1: none.
  var partition: Int32 = -1
  /// Records before it are known.
  var nextOffset: Int64 = 0
}

extension EventSlot {
  /// Whether a record's key is the event's user, or there is none. A record that is keyed by anything else tells that
  /// its topic is not partitioned by user.
  func isKeyed(by key: UnsafeRawBufferPointer?) -> Bool {
    guard let id = userID ?? anonymousID else { return true }
    guard let key = unsafe key else { return false }
    let text = unsafe slice(id).raw
    if unsafe key.isSame(as: text) { return true }
    // Our own spelling of an anonymous user, as alerts are keyed.
    return unsafe userID == nil && key.starts(with: "anon:".utf8)
      && UnsafeRawBufferPointer(rebasing: key[5...]).isSame(as: text)
  }
}
