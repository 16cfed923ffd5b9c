import Shard
import Triggers

// What a cut carries, when it closes, and what follows when it is committed.
extension LaneCore where Output: ~Copyable, Helper: ~Copyable {
  /// Closes a cut if it is due and drives the one in flight.
  /// - Returns: how long the lane may wait for input, at most.
  mutating func driveCuts() throws(PipelineError) -> Int64 {
    try progress(timeoutMilliseconds: 0)
    lookForDueState()
    guard let wait = schedule.wait(at: clock.monotonic(), isFull: outbox.bytes >= settings.outboxBytes) else {
      return recovering.isEmpty ? 100 : 20
    }
    // A cut that takes long is held up by the brokers: no need to look a thousand times a second.
    if inFlight != nil { return clock.monotonic() - schedule.lastCut > 1_000 ? 20 : 1 }
    if wait == 0 { try close(waiting: false) }
    return min(wait == 0 ? 1 : wait, recovering.isEmpty ? 100 : 20)
  }

  /// Users who have waited long enough are flushed on quiet partitions too.
  private mutating func lookForDueState() {
    let now = clock.monotonic()
    for partition in owned {
      let isDue = partition.hasDueState(
        now: now, after: settings.flushAfterMilliseconds, maximumReplay: settings.maximumReplay,
        isTransactional: isTransactional)
      if isDue { schedule.processed(at: now, withRecords: partition.phase != .live || partition.isLogFull) }
    }
  }

  /// Sees how the cut in flight is doing.
  private mutating func progress(timeoutMilliseconds: Int32) throws(PipelineError) {
    guard let cut = inFlight else { return }
    switch try output.progress(timeoutMilliseconds: timeoutMilliseconds) {
    case .idle, .pending: return
    case .committed(let number, let stateOffsets):
      precondition(number == cut.number, "another cut was in flight")
      inFlight = nil
      let now = clock.monotonic()
      snapshot.commitLatency.observe(now - inFlightTimes.began)
      snapshot.cutLatency.observe(now - inFlightTimes.waiting)
      for section in cut.sections { committed(section, number, stateOffsets[section.partition]) }
    }
  }

  private mutating func committed(_ section: CutSection, _ number: CutNumber, _ stateOffset: Int64?) {
    guard let place = find(section.partition) else { return }
    let partition = owned[place]
    partition.lastCut = number
    let metadata = (try? CommitMetadata(section.metadata)) ?? nil
    partition.committedPoint = metadata?.recoveryPoint
    if let stateOffset { partition.stateOffset = max(partition.stateOffset, stateOffset) }
    if let metadata { finishSnapshot(of: partition, section, metadata) }
    switch partition.phase {
    case .starting: start(partition)
    case .settling, .live: break
    }
  }

  /// Closes the cut, after the one in flight has ended. A lane that is to stop does not wait here: the outbox then
  /// grows by the rest of one batch at most, and `finishCuts` takes it from there in bounded time.
  mutating func close(waiting: Bool) throws(PipelineError) {
    let wasInFlight = inFlight != nil
    while inFlight != nil {
      precondition(waiting, "a cut is in flight")
      if isStopping() { return }
      try progress(timeoutMilliseconds: 100)
    }
    // No input was taken meanwhile: that a partition was quiet is not known.
    if wasInFlight { restartSilence() }
    guard let cut = nextCut() else { return schedule.cleared() }
    try begin(cut)
    schedule.closed(at: clock.monotonic())
  }

  private mutating func begin(_ cut: Cut) throws(PipelineError) {
    try output.begin(cut)
    inFlight = cut
    snapshot.cuts += 1
    let now = clock.monotonic()
    inFlightTimes = (waiting: schedule.waitingSince ?? now, began: now)
  }

  /// Flushes everything of a partition and waits for it, so that the clock log has room again.
  mutating func settle(_ partition: OwnedPartition) throws(PipelineError) {
    while partition.isLogFull, partition.mustCut || partition.shard.dirtyCount > 0, !isStopping() {
      try close(waiting: true)
    }
  }

  // MARK: What a cut carries

  private mutating func nextCut() -> Cut? {
    guard let membership else { return nil }
    let number = CutNumber(owner: settings.owner, sequence: lastSequence + 1)
    var sections: [CutSection] = []
    for partition in owned {
      if let section = section(of: partition, number) { sections.append(section) }
    }
    guard !sections.isEmpty else { return nil }
    lastSequence += 1
    return Cut(number: number, membership: membership, sections: sections)
  }

  private mutating func section(of partition: OwnedPartition, _ number: CutNumber) -> CutSection? {
    partition.shard.trimClockLog()
    let hasMore = flush(partition)
    let records = outbox.take(partition.number)
    let position = partition.shard.position
    guard
      !records.isEmpty || !partition.changes.isEmpty || partition.mustCut || partition.cutPosition != position
    else { return nil }
    let metadata = metadata(of: partition, number)
    let text = metadata.text
    noteLog(of: partition, text)
    let section = CutSection(
      partition: partition.number, records: records, state: partition.changes.map(OutputRecord.init),
      nextOffset: position.offset, metadata: text, previous: partition.lastCut)
    partition.changes.removeAll(keepingCapacity: true)
    partition.cutPosition = position
    partition.noteCut(number)
    // What is left to flush comes with the next cut at once, and so does a log that has just become free.
    partition.mustCut = hasMore || partition.isLogFull
    return section
  }

  /// Flushes who is due, and writes tombstones that the recovery point allows. A partition that settles begins its
  /// new epoch when nothing is left.
  ///
  /// - Returns: whether more are due.
  private mutating func flush(_ partition: OwnedPartition) -> Bool {
    let due = partition.dueOrdinal(
      now: clock.monotonic(), after: settings.flushAfterMilliseconds, maximumReplay: settings.maximumReplay)
    let limit =
      isStopping()
      ? FlushLimit(ordinal: .max, users: .max, bytes: settings.outboxBytes)
      : FlushLimit(ordinal: due, users: settings.flushUsers, bytes: settings.outboxBytes)
    let hasMore = partition.shard.flush(limit, into: &partition.changes)
    if let point = isTransactional ? partition.shard.recoveryPoint : partition.committedPoint {
      partition.shard.bury(upTo: point, limit: settings.flushUsers, into: &partition.changes)
    }
    if partition.phase == .settling, !hasMore { beginEpoch(partition) }
    return hasMore
  }

  /// What would be committed beside the partition's offset now.
  func metadata(of partition: OwnedPartition, _ number: CutNumber) -> CommitMetadata {
    CommitMetadata(
      cut: number, recoveryPoint: partition.shard.recoveryPoint, watermark: partition.shard.watermark,
      latestEvent: partition.shard.latestEvent, epochHash: partition.shard.epochHash,
      storedCount: partition.shard.storedCount, stateOffset: partition.stateOffset,
      clockLog: partition.shard.clockLog)
  }

  // MARK: Handing over

  /// Writes everything that is waiting, and waits until it is safe, but not for longer than the budget. A lane that
  /// is to stop flushes all users too, so that whoever comes next has nothing to replay.
  ///
  /// - Returns: whether everything is safe.
  mutating func finishCuts(within milliseconds: Int64) throws(PipelineError) -> Bool {
    let deadline = clock.monotonic() + milliseconds
    while clock.monotonic() < deadline {
      if inFlight != nil {
        try progress(timeoutMilliseconds: 50)
      } else {
        guard let cut = nextCut() else { return true }
        try begin(cut)
      }
    }
    if inFlight == nil, outbox.isEmpty { return true }
    // A process that is about to end need not wait until the cut is off the wire: its end is as a crash's.
    if inFlight != nil, !isStopping() { output.abandon() }
    inFlight = nil
    notify(.handoverTimedOut(owned.map(\.number)))
    return false
  }
}

extension OutputRecord {
  /// For the state partition.
  init(_ change: StateChange) {
    var headers: [Header] = []
    if change.value == nil {
      headers.append(Header(name: StateRecord.positionHeader, value: Array(change.position.text.utf8)))
    }
    self.init(topic: .state, key: change.key, value: change.value, headers: headers)
  }
}
