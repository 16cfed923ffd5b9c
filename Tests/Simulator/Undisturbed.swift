import Events
import LogModel
import Pipeline
import Shard
import Triggers

/// Something is not as in the undisturbed run.
public struct Difference: Error, Sendable, Hashable, CustomStringConvertible {
  public var description: String
  init(_ description: String) { self.description = description }
}

/// One fresh shard, fed the partition's records in order and the committed steps of the clock, and nothing else.
struct UndisturbedRun: ~Copyable {
  var shard: Shard
  /// What it would have written, by topic.
  private(set) var written: [OutputTopic: [WireRecord]] = [:]
  private let world: World
  private let partition: Int32
  private var plan: EpochPlan
  private var decoder: Decoder
  private var slot = EventSlot()
  private var output = TriggerOutput()

  init(_ partition: Int32, _ history: CommittedHistory, _ world: World) {
    self.world = world
    self.partition = partition
    plan = world.plan.epochs[0]
    if case .epoch(let hash)? = history.steps.first(where: {
      if case .epoch = $0.step { true } else { false }
    })?.step,
      let first = world.plan.epochs.first(where: { $0.epoch.hash == hash })
    {
      plan = first
    }
    decoder = Decoder(mapping: plan.mapping, limits: plan.limits)
    shard = Shard(partition: partition, epoch: plan.epoch, isJournaled: false)
    shard.skip(to: history.start)
    run(history)
  }

  private mutating func run(_ history: CommittedHistory) {
    var next = 0
    for record in world.cluster.readCommitted(Names.input(partition))
    where record.offset >= history.start && record.offset < history.end {
      while next < history.steps.count, history.steps[next].offset <= record.offset {
        take(history.steps[next])
        next += 1
      }
      take(record)
    }
    while next < history.steps.count {
      take(history.steps[next])
      next += 1
    }
    shard.skip(to: history.end)
  }

  private mutating func take(_ step: (offset: Int64, step: CommittedHistory.Step)) {
    shard.skip(to: step.offset)
    switch step.step {
    case .clock(let entry):
      shard.replay(entry, into: &output)
      write()
    case .epoch(let hash):
      guard hash != shard.epochHash, let next = world.plan.epochs.first(where: { $0.epoch.hash == hash })
      else { return }
      plan = next
      decoder = Decoder(mapping: plan.mapping, limits: plan.limits)
      var changes: [StateChange] = []
      shard.beginEpoch(plan.epoch, into: &changes)
    }
  }

  private mutating func take(_ stored: LogModel.StoredRecord) {
    let record = stored.record
    let outcome = decoder.decode(
      record.value, key: record.key, recordTimestamp: record.timestamp, into: &slot)
    let clock = record.timestamp >= 0 ? record.timestamp : slot.ts
    switch outcome {
    case .event: shard.apply(slot, at: stored.offset, recordClock: clock, into: &output)
    case .ignored where slot.ts > 0:
      shard.advance(eventTime: slot.ts, at: stored.offset, recordClock: clock, into: &output)
    case .ignored: shard.skip(to: stored.offset + 1)
    case .rejected(let rejection):
      shard.skip(to: stored.offset + 1)
      let letter = DeadLetter(
        topic: Names.input, partition: partition, offset: stored.offset, reason: rejection.reason.rawValue,
        place: rejection.place.isEmpty ? nil : rejection.place, key: record.key, value: record.value,
        original: WireHeaders(record.headers).headers)
      written[.deadLetters, default: []].append(letter.record())
    }
    write()
  }

  private mutating func write() {
    let writer = AlertWriter(
      context: WireContext(source: Names.source, configVersion: Process.version(plan.epoch)))
    for alert in output.alerts {
      written[alert.type.isCart ? .cartAlerts : .churnAlerts, default: []].append(writer.record(alert))
    }
    output.alerts.removeAll(keepingCapacity: true)
  }
}
