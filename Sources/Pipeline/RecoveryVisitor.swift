import Events
import Portrait
import Shard
import Triggers

/// Takes the records of a recovery in: first those of the state topic, then the input's.
struct RecoveryVisitor: ~Copyable, RecordVisitor {
  private enum Mode {
    case state, replay
  }

  private let partition: Int32
  private let settings: LaneSettings
  private var mode = Mode.state
  private var held: Shard?
  private var decoder: Decoder?
  private var slot = EventSlot()
  private var output = TriggerOutput()
  private var plans: [UInt64: EpochPlan] = [:]
  /// Clock entries that are still to be taken, first first.
  private var entries: [ClockEntry] = []
  private var nextEntry = 0
  private var target: Int64 = 0
  var nextOffset: Int64 = 0
  var isAtEnd = false
  var isReplayed = false
  /// The epoch under which input will be replayed, if any is.
  var replayedEpoch: UInt64?
  var summary: RecoverySummary

  init(_ partition: Int32, _ settings: LaneSettings) {
    self.partition = partition
    self.settings = settings
    summary = RecoverySummary(partition: partition)
    held = Shard(partition: partition, epoch: settings.plan.epoch, isJournaled: true)
    plans[settings.plan.epoch.hash] = settings.plan
  }

  var shard: Shard {
    _read { yield held! }
    _modify { yield &held! }
  }

  mutating func takeShard() -> Shard {
    held.take()!
  }

  mutating func reachedEnd(partition: Int32, nextOffset: Int64) throws(PipelineError) {
    self.nextOffset = max(self.nextOffset, nextOffset)
    isAtEnd = true
    if mode == .replay, nextOffset >= target { isReplayed = true }
  }

  mutating func record(_ record: borrowing InputRecord) throws(PipelineError) {
    isAtEnd = false
    switch mode {
    case .state:
      nextOffset = record.offset + 1
      summary.stateRecords += 1
      guard let key = unsafe record.key else {
        throw foreign(record.offset, "it has no key")
      }
      if let value = unsafe record.value {
        try unsafe restore(key: key, value: value, at: record.offset)
      } else {
        let position = record.headers.first { $0.name == StateRecord.positionHeader }
        unsafe restoreTombstone(key, position.flatMap { Position(text: $0.text) })
      }
    case .replay:
      // Records from there on are the lane's.
      guard record.offset < target else {
        isReplayed = true
        return
      }
      guard !isReplayed else { return }
      nextOffset = record.offset + 1
      replay(record)
      if nextOffset >= target { isReplayed = true }
    }
  }

  // MARK: State

  /// - Parameters:
  ///   - offset: in the state topic; nil: of a snapshot.
  ///   - limit: the record must not be current to more than this offset of the input.
  mutating func restore(
    key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, at offset: Int64? = nil,
    upTo limit: Int64 = .max
  ) throws(PipelineError) {
    do throws(StateError) {
      let record = try unsafe StoredRecord(key: key, value: value)
      // The offsets were set back, or they are of another topic with the same name.
      if record.position.offset > limit {
        throw StateError(.foreign, "it is ahead of what is committed", place: 0)
      }
      switch record.kind {
      case .user, .gone: try shard.restore(record)
      case .epoch:
        let text = try record.epochText()
        if plans[record.epoch] == nil {
          plans[record.epoch] = try readEpoch(text, isReplayed: record.epoch == replayedEpoch)
        }
        shard.restore(plans[record.epoch]!.epoch, at: record.position)
      }
    } catch {
      throw foreign(offset ?? -1, error.message, hint: error.hint)
    }
  }

  private mutating func restoreTombstone(_ key: UnsafeRawBufferPointer, _ position: Position?) {
    if let hash = unsafe StateRecord.epoch(ofKey: key) {
      shard.restoreTombstone(ofEpoch: hash)
    } else {
      unsafe shard.restoreTombstone(key: key, position: position)
    }
  }

  private func readEpoch(_ text: String, isReplayed: Bool) throws(StateError) -> EpochPlan {
    do throws(PipelineError) {
      return try settings.readEpoch(text, isReplayed ? .replay : .conversion)
    } catch {
      throw StateError(.foreign, error.message, hint: error.hint, place: 0)
    }
  }

  private func foreign(_ offset: Int64, _ message: String, hint: String? = nil) -> PipelineError {
    let place = offset >= 0 ? " at offset \(offset)" : ""
    return PipelineError(
      .state,
      "partition \(partition) of the state topic holds a record\(place) that cannot be read: \(message)",
      hint: hint
        ?? "the topic must be Ebb's alone; to rebuild it from input, delete its records and the group's "
        + "offsets, and start with start: earliest")
  }

  // MARK: Replay

  /// A partition of which nothing was known begins here.
  mutating func beginFresh(at offset: Int64) {
    shard.skip(to: offset)
  }

  mutating func beginReplay(_ metadata: CommitMetadata, to target: Int64) throws(PipelineError) {
    guard let plan = plans[metadata.epochHash] else {
      preconditionFailure("a restored shard knows its epoch")
    }
    decoder = Decoder(mapping: plan.mapping, limits: plan.limits)
    entries = shard.clockLog.entries
    self.target = target
    mode = .replay
    isReplayed = metadata.recoveryPoint.offset >= target
  }

  /// What is gone cannot be replayed: users stand as they were flushed, and the clock goes on from there.
  mutating func giveUpReplay(at offset: Int64) {
    shard.skip(to: offset)
  }

  mutating func endReplay() {
    takeEntries(before: target + 1)
    shard.skip(to: target)
    discardOutput()
  }

  /// Takes the clock entries whose place is before the record at `offset`.
  private mutating func takeEntries(before offset: Int64) {
    while nextEntry < entries.count, entries[nextEntry].offset < offset {
      shard.skip(to: entries[nextEntry].offset)
      held!.replay(entries[nextEntry], into: &output)
      nextEntry += 1
    }
  }

  private mutating func replay(_ record: borrowing InputRecord) {
    summary.replayedRecords += 1
    takeEntries(before: record.offset + 1)
    let outcome = unsafe decoder!.decode(
      payload: record.value, key: record.key, recordTimestamp: record.timestamp, into: &slot)
    switch outcome {
    case .event:
      let clock = record.clock(eventTime: slot.ts)
      held!.apply(slot, at: record.offset, recordClock: clock, into: &output)
    case .ignored where slot.ts > 0:
      let clock = record.clock(eventTime: slot.ts)
      held!.advance(eventTime: slot.ts, at: record.offset, recordClock: clock, into: &output)
    case .ignored, .rejected: shard.skip(to: record.offset + 1)
    }
    discardOutput()
  }

  /// It has been written already. Counts are of this life only.
  private mutating func discardOutput() {
    output.alerts.removeAll(keepingCapacity: true)
  }
}
