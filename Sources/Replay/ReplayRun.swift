import Events
import Foundation
import Shard
import Triggers

/// How a replay is to be run.
public struct ReplayPlan: Sendable {
  /// Where a replay stops.
  public enum End: String, Sendable, Hashable, CaseIterable {
    /// When no deadline is pending any more: as if nothing ever happened after the last event.
    case drained
    /// At the last event's watermark.
    case end
  }

  public var rules: Rules
  /// Partitions, each a shard of its own; users are spread as Kafka's own partitioner would.
  public var partitions = 1
  public var end = End.drained
  /// The user whose decisions are kept.
  public var explainedUser: String?
  public var maximumRecordBytes = 1 << 20

  public init(rules: Rules) {
    self.rules = rules
  }
}

/// Files through the same decoding, shards and triggers as the daemon's, without a broker.
///
/// Rows are taken in the order of the files and their lines. A row's record clock is the row's own time, at most
/// now.
public final class ReplayRun {
  private let plan: ReplayPlan
  private let now: Int64
  private var shards: [ReplayShard]
  private var slot = EventSlot()
  private var output = TriggerOutput()
  private let onAlert: (Alert) -> Void
  /// Grows while the replay runs; complete after `finish`.
  public private(set) var summary = ReplaySummary()

  /// A class only so that shards, which cannot be copied, can sit in a list.
  private final class ReplayShard {
    var shard: Shard
    init(_ partition: Int32, _ rules: Rules) { shard = Shard(partition: partition, rules: rules) }
  }

  /// - Parameter onAlert: called with every alert, in the order in which they are decided.
  public init(_ plan: ReplayPlan, onAlert: @escaping (Alert) -> Void) {
    precondition(plan.partitions > 0)
    self.plan = plan
    self.onAlert = onAlert
    now = Int64(Date().timeIntervalSince1970 * 1000)
    shards = (0..<plan.partitions).map { ReplayShard(Int32($0), plan.rules) }
    output.explainedUser = plan.explainedUser
  }

  /// What became of each deadline of the explained user so far, in the order in which they were handled.
  public var decisions: [(time: Int64, decision: Decision)] { output.decisions }

  /// Reads one file to its end. `-` is standard input.
  /// - Parameter progress: called now and then with bytes read and the file's size (0: unknown).
  public func read(
    _ path: String, mapping: Mapping, progress: (Int64, Int64) -> Void = { _, _ in }
  ) throws(ReplayError) {
    let started = DispatchTime.now().uptimeNanoseconds
    var reader = try LineReader(path: path, maximumLineBytes: plan.maximumRecordBytes)
    var decoder = Decoder(
      mapping: mapping,
      limits: DecoderLimits(
        maximumRecordBytes: plan.maximumRecordBytes,
        maximumFutureSkewMilliseconds: plan.rules.time.maxFutureSkewMilliseconds))
    let hasHeader = mapping.rows?.hasHeader ?? false
    var headerError: Rejection?
    var more = true
    while more {
      let line = reader.line + 1
      more = try unsafe reader.next { bytes, isCutOff in
        if unsafe bytes.isEmpty { return }
        if line == 1, hasHeader {
          do throws(Rejection) { try unsafe decoder.useHeader(bytes) } catch { headerError = error }
          return
        }
        unsafe take(bytes, isCutOff: isCutOff, &decoder, path, line)
      }
      if let headerError {
        throw ReplayError(
          .unusable, "\(path):1: the header does not fit the format '\(mapping.name)': \(headerError)",
          hint: "choose another --format, or a mapping file that names these columns")
      }
      if line % 4096 == 0 { progress(reader.bytesRead, reader.size) }
    }
    progress(reader.bytesRead, reader.size)
    summary.bytes += reader.bytesRead
    summary.seconds += Double(DispatchTime.now().uptimeNanoseconds - started) / 1e9
  }

  private func take(
    _ bytes: UnsafeRawBufferPointer, isCutOff: Bool, _ decoder: inout Decoder, _ path: String, _ line: Int
  ) {
    summary.rows += 1
    guard !isCutOff else {
      return refuse(Rejection(.tooLarge, at: "more than \(plan.maximumRecordBytes) bytes"), path, line)
    }
    unsafe decoder.decodeEach(payload: bytes, recordTimestamp: now, into: &slot) { slot, outcome in
      switch outcome {
      case .event: apply(slot)
      case .ignored:
        summary.ignored += 1
        noteName(slot)
        if slot.ts > 0 { advance(slot.ts) }
      case .rejected(let rejection): refuse(rejection, path, line)
      }
    }
  }

  private func noteName(_ slot: borrowing EventSlot) {
    guard let name = slot.element.map({ slot.string($0) }) else { return }
    if summary.ignoredNames[name] != nil || summary.ignoredNames.count < ReplaySummary.keptNames {
      summary.ignoredNames[name, default: 0] += 1
    }
  }

  private func apply(_ slot: borrowing EventSlot) {
    summary.events += 1
    note(slot.ts)
    let place = partition(of: slot)
    shards[place].shard.apply(slot, recordClock: min(slot.ts, now), into: &output)
    handOver()
  }

  /// A row without a user moves every partition: it may belong to any.
  private func advance(_ time: Int64) {
    note(time)
    for place in shards.indices {
      shards[place].shard.advance(eventTime: time, recordClock: min(time, now), into: &output)
    }
    handOver()
  }

  private func partition(of slot: borrowing EventSlot) -> Int {
    if shards.count == 1 { return 0 }
    guard let key = slot.userID ?? slot.anonymousID else { return 0 }
    return Int(Murmur2.partition(of: slot.slice(key), count: Int32(shards.count)))
  }

  private func note(_ time: Int64) {
    summary.firstEvent = min(summary.firstEvent ?? time, time)
    summary.lastEvent = max(summary.lastEvent ?? time, time)
  }

  private func refuse(_ rejection: Rejection, _ path: String, _ line: Int) {
    summary.rejected[rejection.reason, default: 0] += 1
    if summary.refusals.count < ReplaySummary.keptRefusals {
      summary.refusals.append(ReplaySummary.Refusal(file: path, line: line, rejection: rejection))
    }
  }

  private func handOver() {
    if output.alerts.isEmpty { return }
    for alert in output.alerts { onAlert(alert) }
    output.alerts.removeAll(keepingCapacity: true)
  }

  /// Lets time run on as the plan says, and completes the summary.
  public func finish() {
    let started = DispatchTime.now().uptimeNanoseconds
    // Counted before the last deadlines let users be forgotten.
    summary.users = shards.reduce(0) { $0 + $1.shard.userCount } + Int(output.tally.usersForgotten)
    if plan.end == .drained {
      for place in shards.indices { drain(place) }
    }
    summary.tally = output.tally
    var carts = CartAccounting()
    carts.opened = output.tally.cartsOpened
    for ending in CartEnding.allCases { carts.endings[ending] = output.tally[ending] }
    for place in shards.indices { shards[place].shard.addStanding(to: &carts) }
    summary.carts = carts
    summary.seconds += Double(DispatchTime.now().uptimeNanoseconds - started) / 1e9
  }

  private func drain(_ place: Int) {
    shards[place].shard.drain(into: &output)
    let last = summary.lastEvent ?? .max
    summary.alertsAfterLastEvent += Int64(output.alerts.count { $0.time > last })
    handOver()
  }
}
