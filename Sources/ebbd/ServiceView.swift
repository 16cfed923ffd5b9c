import Admin
import Dispatch
import Foundation
import Kafka
import Pipeline
import Settings
import Supervision
import Synchronization
import Triggers

/// What the running daemon shows of itself: the lanes' latest snapshots, put together when somebody asks.
final class ServiceView: AdminSource {
  /// What does not change while it runs.
  struct Identity: Sendable {
    var version: String
    var group: String
    var instance: String
    var inputTopic: String
    var delivery: String
    /// A partition further behind than so many records is not ready.
    var readyLag: Int64
  }

  private struct State {
    var fleet: LaneFleet?
    var isStopping = false
    var configVersion: String
    var rate = EventRate()
    var watchdog = Watchdog(patienceMilliseconds: ServiceView.patienceMilliseconds)
    var stuck: [Int] = []
  }

  /// A lane that gives no sign of life for so long is stuck, milliseconds.
  static let patienceMilliseconds: Int64 = 30_000

  let identity: Identity
  let memory: MemoryWatch
  /// Milliseconds since 1970 UTC.
  let started = LaneClock.machine.wall()
  /// How users are named.
  let names: UserNames
  /// What clients sign in with, if it is a token.
  let token: TokenFile?
  private let state: Mutex<State>

  init(
    _ identity: Identity, memory: MemoryWatch, configVersion: String, names: UserNames = .plain,
    token: TokenFile? = nil
  ) {
    self.names = names
    self.token = token
    self.identity = identity
    self.memory = memory
    state = Mutex(State(configVersion: configVersion))
  }

  // MARK: What becomes of the service

  /// The lanes are there.
  func begins(_ fleet: LaneFleet) { state.withLock { $0.fleet = fleet } }

  func stopping() { state.withLock { $0.isStopping = true } }

  /// Another configuration decides from now on.
  func configured(_ version: String) { state.withLock { $0.configVersion = version } }

  /// Once a second.
  func secondPassed(_ lanes: [LaneSnapshot], beats: [UInt64]) {
    let now = LaneClock.machine.monotonic()
    state.withLock { state in
      state.rate.note(lanes.map(\.records), at: now)
      state.stuck = state.watchdog.stuck(beats, now: now)
    }
  }

  // MARK: What is asked

  var lanes: [LaneSnapshot] { state.withLock(\.fleet)?.snapshots ?? [] }

  /// Records a second by lane, over the last ten seconds.
  var rates: [Double] { state.withLock(\.rate.perSecond) }

  func metrics() -> String {
    ServiceMetrics(view: self, lanes: lanes, isReady: obstacles().isEmpty).text
  }

  func ailments() -> [String] {
    state.withLock(\.stuck).map {
      "lane \($0) has given no sign of life for \(Self.patienceMilliseconds / 1_000) s"
    }
  }

  func obstacles() -> [String] {
    let (fleet, isStopping) = state.withLock { ($0.fleet, $0.isStopping) }
    if isStopping { return ["the service is stopping"] }
    guard let fleet else { return ["the brokers have not been reached yet"] }
    var reasons = ailments()
    if let obstacle = memory.obstacle { reasons.append(obstacle) }
    for (number, lane) in fleet.snapshots.enumerated() {
      if lane.rebalances == 0 {
        reasons.append("lane \(number) has not joined the consumer group yet")
        continue
      }
      if lane.waiting > 0 {
        let share = lane.recovering.share.map { ", \($0) % of what is being worked on" } ?? ""
        reasons.append("lane \(number) recovers \(lane.waiting) partitions\(share)")
      }
      if lane.isWithoutAnswer {
        reasons.append("lane \(number) has no answer from the brokers")
      }
      for standing in lane.standings {
        if let lag = standing.lag, lag > identity.readyLag {
          reasons.append(
            "partition \(standing.partition) is \(Console.grouped(lag)) records behind, more than http.ready_lag "
              + Console.grouped(identity.readyLag))
        }
      }
    }
    return reasons
  }

  func status() -> [Fact] {
    let (configVersion, isStopping, fleet) = state.withLock { ($0.configVersion, $0.isStopping, $0.fleet) }
    let lanes = fleet?.snapshots ?? []
    let total = lanes.total
    let reasons = obstacles()
    var facts = [
      Fact("state", .text(isStopping ? "stopping" : reasons.isEmpty ? "ready" : "not ready")),
      Fact("reasons", .list(reasons.map { .text($0) })), Fact("version", .text(identity.version)),
      Fact("librdkafka", .text("\(LibraryVersion.current)")), Fact("config_version", .text(configVersion)),
      Fact("started", .time(started)), Fact("group", .text(identity.group)),
      Fact("instance", .text(identity.instance)), Fact("input_topic", .text(identity.inputTopic)),
      Fact("delivery", .text(identity.delivery)),
      Fact("records_per_second", .number(Int64(rates.reduce(0, +).rounded()))),
      Fact("records", .number(total.records)), Fact("refused", .number(total.rejectedCount)),
      Fact("ignored", .number(total.ignored)), Fact("users", .number(Int64(total.users))),
      Fact("open_carts", .number(total.carts)), Fact("unflushed_users", .number(Int64(total.dirtyUsers))),
      Fact("state_bytes", .number(Int64(total.stateBytes))),
      Fact("memory_bytes", .number(memory.standing.used)),
      Fact("memory_max", .number(memory.standing.maximum)),
    ]
    if let watermark = total.watermark { facts.append(Fact("watermark", .time(watermark))) }
    if let latest = total.latestEvent { facts.append(Fact("latest_event", .time(latest))) }
    facts.append(
      Fact(
        "alerts",
        .facts(AlertType.allCases.map { Fact($0.rawValue, .number(total.tally[emitted: $0])) })))
    facts.append(
      Fact(
        "latest_alerts",
        .list(
          total.latestAlerts.prefix(10).map { .facts([Fact("user", .text(names.shown($0.user)))] + $0.facts) }
        )))
    facts.append(
      Fact("lanes", .list(lanes.enumerated().map { .facts(Self.facts(of: $1, number: $0, rates)) })))
    facts.append(
      Fact(
        "partitions", .list(lanes.flatMap(\.standings).sorted { $0.partition < $1.partition }.map(Self.value))
      ))
    return facts
  }

  private static func facts(of lane: LaneSnapshot, number: Int, _ rates: [Double]) -> [Fact] {
    [
      Fact("lane", .number(Int64(number))), Fact("partitions", .number(Int64(lane.partitions.count))),
      Fact("recovering", .number(Int64(lane.waiting))),
      Fact(
        "records_per_second", .number(number < rates.count ? Int64(rates[number].rounded()) : 0)),
      Fact("users", .number(Int64(lane.users))), Fact("brokers_answer", .flag(lane.isHealthy)),
      Fact("rebalances", .number(lane.rebalances)),
      Fact("commit_p99_ms", lane.commitLatency.quantileBound(0.99).map(Fact.Value.number) ?? .text("none")),
    ]
  }

  private static func value(_ standing: PartitionStanding) -> Fact.Value {
    .facts([
      Fact("partition", .number(Int64(standing.partition))),
      Fact("next_offset", .number(standing.nextOffset)),
      Fact("lag", standing.lag.map(Fact.Value.number) ?? .text("not known")),
      Fact("watermark", standing.watermark.map(Fact.Value.time) ?? .text("no event")),
    ])
  }

  func user(_ key: String) async -> UserLookup {
    guard let fleet = state.withLock(\.fleet) else {
      return .unavailable("the brokers have not been reached yet")
    }
    let lookup = await fleet.look(for: key)
    guard case .found(let facts) = lookup else { return lookup }
    return .found(facts.map { $0.name == "user" ? Fact("user", .text(shownName(of: key))) : $0 })
  }

  func shownName(of key: String) -> String { names.shown(key) }
}

/// Records a second, by lane, over the last ten seconds.
struct EventRate {
  private static let samples = 11

  private var noted: [(time: Int64, records: [Int64])] = []

  /// - Parameter now: milliseconds of a clock that never goes back.
  mutating func note(_ records: [Int64], at now: Int64) {
    noted.append((now, records))
    if noted.count > Self.samples { noted.removeFirst() }
  }

  var perSecond: [Double] {
    guard let first = noted.first, let last = noted.last, last.time > first.time,
      first.records.count == last.records.count
    else { return [] }
    return zip(first.records, last.records).map { before, after in
      Double(after - before) * 1_000 / Double(last.time - first.time)
    }
  }
}

extension LaneSnapshot {
  /// Whether the brokers do not answer. A lane that has lost its partitions over that is in doubt; one that never had
  /// any has nobody to ask.
  var isWithoutAnswer: Bool { isInDoubt || (!partitions.isEmpty && !isHealthy) }
}

extension [LaneSnapshot] {
  /// The numbers of lanes whose brokers do not answer.
  var withoutAnswer: [Int] { indices.filter { self[$0].isWithoutAnswer } }
}

extension [RecoveryProgress] {
  /// How far those are that are being worked on, per cent; nil: not known.
  var share: Int64? {
    let known = filter { $0.total > 0 }
    let total = known.reduce(0) { $0 + $1.total }
    return total > 0 ? 100 * known.reduce(0) { $0 + Swift.min($1.done, $1.total) } / total : nil
  }
}
