import Events
import Triggers

// How a lane goes on under another configuration.
//
// What only says when and how much is written holds from the next turn on. What decides results ends the epoch of every
// partition, as a restart would: input is held, everyone who waits is flushed under the old rules, the new epoch's text
// is committed, and the records behind it are read again from there and decided by the new rules.
//
// ```
//  live ─► (held) settling: all users flushed ─► starting: the new epoch's text is committed ─► live
// ```
// Nothing fires in between: partitions that are not live take no records and do not tick. One that is still recovering
// is found to be of another epoch when it is taken up, and a parked one likewise.
extension LaneCore where Output: ~Copyable, Helper: ~Copyable {
  /// Takes other settings, between two batches.
  mutating func configure(_ new: LaneSettings) {
    precondition(ring.count == 0, "records wait that were decoded as the old configuration says")
    let isOfSameEpoch = new.plan.epoch.hash == settings.plan.epoch.hash
    settings.configure(as: new)
    // Alerts that wait in the outbox keep the version that they were decided under.
    writer = Self.makeWriter(settings)
    schedule.change(
      minimumMilliseconds: settings.minimumCutIntervalMilliseconds,
      maximumMilliseconds: settings.maximumCutIntervalMilliseconds)
    let now = clock.monotonic()
    for partition in owned {
      // Sooner, if it is to be written more often.
      partition.snapshotDue = partition.snapshotDue.map { min($0, now + settings.snapshotEveryMilliseconds) }
    }
    guard !isOfSameEpoch else { return }
    decoder = Decoder(mapping: settings.plan.mapping, limits: settings.plan.limits)
    dropSnapshots()
    for partition in owned { endEpoch(of: partition) }
    if !owned.isEmpty { schedule.processed(at: now, withRecords: true) }
  }

  /// A partition that is about to begin another epoch, or to be started in it, begins this one instead: what of the
  /// other is on its way is committed first, since one cut is in flight at a time.
  private mutating func endEpoch(of partition: OwnedPartition) {
    if partition.phase == .live { held.append(partition.number) }
    starts.removeAll { $0.partition == partition.number }
    partition.phase = .settling
    partition.mustCut = true
  }

  /// Partitions whose input must not be read until they are started again.
  mutating func takeHeld() -> [Int32] {
    defer { held.removeAll() }
    return held
  }

  static func makeWriter(_ settings: LaneSettings) -> AlertWriter {
    AlertWriter(context: WireContext(source: settings.source, configVersion: settings.configVersion))
  }
}

extension LaneSettings {
  /// Takes over what a running lane can change.
  mutating func configure(as new: LaneSettings) {
    plan = new.plan
    readEpoch = new.readEpoch
    configVersion = new.configVersion
    source = new.source
    minimumCutIntervalMilliseconds = new.minimumCutIntervalMilliseconds
    maximumCutIntervalMilliseconds = new.maximumCutIntervalMilliseconds
    outboxBytes = new.outboxBytes
    flushAfterMilliseconds = new.flushAfterMilliseconds
    maximumReplay = new.maximumReplay
    snapshotEveryMilliseconds = new.snapshotEveryMilliseconds
  }
}
