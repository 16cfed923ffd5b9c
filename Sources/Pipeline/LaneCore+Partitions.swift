import Shard

// How partitions come to a lane and leave it.
//
// ```
//  assigned ─► (output ready) ─► recovering ─► settling / starting ─► live
//     ▲  │ parked, and the offset bears its last cut ───────────────► live
//     │                                                               │ revoked: last cut committed
//     └───────────────────────── parked ◄─────────────────────────────┤
//                                 (dropped at the next assignment)    │ lost, or not committed in time: dropped
// ```
extension LaneCore where Output: ~Copyable, Helper: ~Copyable {
  mutating func assigned(_ partitions: [Int32], as membership: Membership) throws(PipelineError) {
    self.membership = membership
    orders = partitions.map { number in
      RecoveryOrder(partition: number, parked: parked.first { $0.number == number }?.lastCut)
    }
    // Who is not in the assignment belongs to somebody else.
    parked.removeAll { !partitions.contains($0.number) }
    recovering = partitions
    snapshot.rebalances += 1
    notify(.assigned(partitions))
  }

  mutating func revoked(_ partitions: [Int32]) throws(PipelineError) {
    try batchEnded()
    stopRecovering()
    let isFinished = try finishCuts(within: settings.handoverMilliseconds)
    if isFinished, !isStopping() {
      // Only what has committed something of its own can be known again.
      parked += owned.filter { $0.phase == .live && $0.lastCut?.owner == settings.owner }
    }
    if isFinished, isStopping() { keepForLastSnapshots() }
    dropAll()
    notify(.revoked(partitions))
  }

  mutating func lost(_ partitions: [Int32]) throws(PipelineError) {
    stopRecovering()
    if inFlight != nil { output.abandon() }
    inFlight = nil
    dropAll()
    parked.removeAll()
    notify(.lost(partitions))
  }

  private mutating func stopRecovering() {
    recoverer.cancel()
    recovering.removeAll()
    orders.removeAll()
    starts.removeAll()
  }

  /// Assignment is eager: all partitions go at once.
  private mutating func dropAll() {
    membership = nil
    // What waits was never applied: the position tells, and whoever reads on from there has it again.
    ring.removeAll()
    intake = Intake()
    dropSnapshots()
    owned.removeAll()
    outbox.clear()
    schedule.cleared()
    // What became ready while it was given up is not to be read any more.
    starts.removeAll()
    held.removeAll()
  }

  /// Begins recoveries when the output is ready, takes up what has been recovered, and returns what the input is to
  /// start with.
  mutating func takeUpPartitions() throws(PipelineError) -> [PartitionOffset] {
    if !orders.isEmpty, !isShut, try output.isReady() {
      recoverer.begin(orders)
      orders.removeAll()
    }
    if !recovering.isEmpty, orders.isEmpty {
      for result in try recoverer.take() { try takeUp(result) }
    }
    defer { starts.removeAll() }
    // All that are live are started when the valve opens.
    return isShut ? [] : starts
  }

  private mutating func takeUp(_ result: RecoveryResult) throws(PipelineError) {
    let now = clock.monotonic()
    let partition: OwnedPartition
    switch result {
    case .parkedIsCurrent(let number):
      guard let place = parked.firstIndex(where: { $0.number == number }) else { return }
      partition = parked.remove(at: place)
      partition.silentSince = now
      partition.isAtEnd = false
      notify(.keptPartition(number))
    case .recovered(let recovered):
      parked.removeAll { $0.number == recovered.number }
      partition = OwnedPartition(recovered, now: now)
      notify(.recovered(recovered.summary))
    }
    recovering.removeAll { $0 == partition.number }
    owned.append(partition)
    partition.shard.resume(clock: clock.wall())
    noteClockStep(partition)
    if partition.lastCut == nil {
      beginEpoch(partition)
    } else if partition.shard.epochHash != settings.plan.epoch.hash || partition.isLogFull {
      partition.phase = .settling
      partition.mustCut = true
    } else {
      start(partition)
    }
    schedule.processed(at: now, withRecords: partition.phase != .live)
  }

  /// All users of the old epoch are flushed, or there never was one.
  mutating func beginEpoch(_ partition: OwnedPartition) {
    partition.shard.beginEpoch(settings.plan.epoch, into: &partition.changes)
    partition.phase = .starting
    partition.mustCut = true
  }

  /// Its records may come.
  mutating func start(_ partition: OwnedPartition) {
    partition.phase = .live
    partition.silentSince = clock.monotonic()
    partition.isAtEnd = false
    starts.append(PartitionOffset(partition.number, partition.shard.position.offset))
  }
}
