import Events
import Foundation
import Pipeline
import Shard
import Triggers

/// What a replay owns while it runs: the shards and the sums, as plain memory, so that a row costs neither an
/// allocation nor a reference.
@safe struct ReplayWork: ~Copyable {
  private let now: Int64
  private let maximumRecordBytes: Int
  /// Initialised, one a partition.
  private let shards: UnsafeMutableBufferPointer<Shard>
  private let onAlert: (Alert) -> Void
  /// Events that were read and are not yet applied: their users are on their way into the cache.
  private var ring = RecordRing()
  var output = TriggerOutput()
  var summary = ReplaySummary()
  /// Of the summary, kept apart until the file ends.
  private var rows: Int64 = 0
  private var events: Int64 = 0
  private var firstEvent = Int64.max
  private var lastEvent = Int64.min

  init(_ plan: ReplayPlan, _ onAlert: @escaping (Alert) -> Void) {
    self.onAlert = onAlert
    maximumRecordBytes = plan.maximumRecordBytes
    now = Int64(Date().timeIntervalSince1970 * 1000)
    unsafe shards = .allocate(capacity: plan.partitions)
    for partition in 0..<plan.partitions {
      unsafe shards.initializeElement(
        at: partition, to: Shard(partition: Int32(partition), rules: plan.rules))
    }
    output.explainedUser = plan.explainedUser
  }

  deinit {
    unsafe shards.deinitialize()
    unsafe shards.deallocate()
  }

  mutating func read(
    _ path: String, _ mapping: Mapping, _ plan: ReplayPlan, _ progress: (Int64, Int64) -> Void
  ) throws(ReplayError) {
    defer {
      applyWaiting()
      addSums()
    }
    var reader = try LineReader(path: path, maximumLineBytes: plan.maximumRecordBytes)
    var decoder = Decoder(
      mapping: mapping,
      limits: DecoderLimits(
        maximumRecordBytes: plan.maximumRecordBytes,
        maximumFutureSkewMilliseconds: plan.rules.time.maxFutureSkewMilliseconds))
    // Of a row that is several events; any other is read into the ring.
    var slot = EventSlot()
    let isSplit = mapping.isFilesOnly
    var header = mapping.rows?.hasHeader ?? false
    var more = true
    while more {
      var headerError: Rejection?
      let line = reader.line + 1
      more = try unsafe reader.next { bytes, isCutOff in
        if unsafe bytes.isEmpty { return }
        if header, line == 1 {
          do throws(Rejection) { try unsafe decoder.useHeader(bytes) } catch { headerError = error }
          return
        }
        rows += 1
        if isCutOff {
          refuse(Rejection(.tooLarge, at: "more than \(maximumRecordBytes) bytes"), path, line)
        } else if isSplit {
          unsafe decoder.decodeEach(payload: bytes, recordTimestamp: now, into: &slot) { slot, outcome in
            take(slot, outcome, path, line)
          }
        } else {
          let place = ring.count
          let outcome = unsafe decoder.decode(payload: bytes, recordTimestamp: now, into: &ring[place].slot)
          switch outcome {
          case .event: wait(place)
          case .ignored: ignore(Self.name(ring[place].slot), ring[place].slot.ts)
          case .rejected(let rejection): refuse(rejection, path, line)
          }
        }
      }
      if let headerError {
        throw ReplayError(
          .unusable, "\(path):1: the header does not fit the format '\(mapping.name)': \(headerError)",
          hint: "choose another --format, or a mapping file that names these columns")
      }
      header = false
      if line % 4096 == 0 { progress(reader.bytesRead, reader.size) }
    }
    progress(reader.bytesRead, reader.size)
    summary.bytes += reader.bytesRead
  }

  private mutating func addSums() {
    summary.rows += rows
    summary.events += events
    rows = 0
    events = 0
    guard firstEvent <= lastEvent else { return }
    summary.firstEvent = firstEvent
    summary.lastEvent = lastEvent
  }

  private mutating func take(
    _ slot: borrowing EventSlot, _ outcome: DecodeOutcome, _ path: String, _ line: Int
  ) {
    switch outcome {
    case .event: apply(slot)
    case .ignored: ignore(Self.name(slot), slot.ts)
    case .rejected(let rejection): refuse(rejection, path, line)
    }
  }

  private static func name(_ slot: borrowing EventSlot) -> String? {
    guard let element = slot.element else { return nil }
    return slot.string(element)
  }

  private mutating func ignore(_ name: String?, _ time: Int64) {
    summary.ignored += 1
    if let name, summary.ignoredNames[name] != nil || summary.ignoredNames.count < ReplaySummary.keptNames {
      summary.ignoredNames[name, default: 0] += 1
    }
    if time > 0 { advance(time) }
  }

  private mutating func apply(_ slot: borrowing EventSlot) {
    events += 1
    note(slot.ts)
    let place = partition(of: slot)
    unsafe shards[place].apply(slot, recordClock: min(slot.ts, now), into: &output)
    handOver()
  }

  /// Leaves the event at this place of the ring there, until the ring is full.
  @inline(__always)
  private mutating func wait(_ place: Int) {
    events += 1
    let time = ring[place].slot.ts
    note(time)
    let partition = partition(of: ring[place].slot)
    ring[place].partition = Int32(truncatingIfNeeded: partition)
    ring[place].recordClock = min(time, now)
    ring[place].hash = unsafe shards[partition].prefetch(ring[place].slot)
    ring.wait()
    if ring.isFull { applyWaiting() }
  }

  private mutating func applyWaiting() {
    for place in 0..<ring.count {
      unsafe shards[Int(ring[place].partition)].prefetchUser(ring[place].hash)
    }
    for place in 0..<ring.count {
      unsafe shards[Int(ring[place].partition)].prefetchState(ring[place].hash)
    }
    for place in 0..<ring.count {
      unsafe shards[Int(ring[place].partition)].apply(
        ring[place].slot, hash: ring[place].hash, recordClock: ring[place].recordClock, into: &output)
      handOver()
    }
    ring.removeAll()
  }

  /// A row without a user moves every partition: it may belong to any.
  private mutating func advance(_ time: Int64) {
    applyWaiting()
    note(time)
    for place in unsafe shards.indices {
      unsafe shards[place].advance(eventTime: time, recordClock: min(time, now), into: &output)
    }
    handOver()
  }

  private func partition(of slot: borrowing EventSlot) -> Int {
    if unsafe shards.count == 1 { return 0 }
    guard let key = slot.userID ?? slot.anonymousID else { return 0 }
    return unsafe Int(Murmur2.partition(of: slot.slice(key), count: Int32(shards.count)))
  }

  private mutating func note(_ time: Int64) {
    firstEvent = min(firstEvent, time)
    lastEvent = max(lastEvent, time)
  }

  private mutating func refuse(_ rejection: Rejection, _ path: String, _ line: Int) {
    summary.rejected[rejection.reason, default: 0] += 1
    if summary.refusals.count < ReplaySummary.keptRefusals {
      summary.refusals.append(ReplaySummary.Refusal(file: path, line: line, rejection: rejection))
    }
  }

  @inline(__always)
  private mutating func handOver() {
    if output.alerts.isEmpty { return }
    for alert in output.alerts { onAlert(alert) }
    output.alerts.removeAll(keepingCapacity: true)
  }

  mutating func finish(_ plan: ReplayPlan) {
    // Counted before the last deadlines let users be forgotten.
    var users = Int(output.tally.usersForgotten)
    for place in unsafe shards.indices { users += unsafe shards[place].userCount }
    summary.users = users
    if plan.end == .drained {
      for place in unsafe shards.indices { drain(place) }
    }
    summary.tally = output.tally
    var carts = CartAccounting()
    carts.opened = output.tally.cartsOpened
    for ending in CartEnding.allCases { carts.endings[ending] = output.tally[ending] }
    for place in unsafe shards.indices { unsafe shards[place].addStanding(to: &carts) }
    summary.carts = carts
  }

  private mutating func drain(_ place: Int) {
    unsafe shards[place].drain(into: &output)
    let last = summary.lastEvent ?? .max
    summary.alertsAfterLastEvent += Int64(output.alerts.count { $0.time > last })
    handOver()
  }
}
