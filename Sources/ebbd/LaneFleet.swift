import Events
import Foundation
import Kafka
import Pipeline
import Settings
import Synchronization
import Triggers

/// All lanes of the process: one OS thread each, with its own consumer, producer and shards. The first lane that
/// fails ends the others.
final class LaneFleet: Sendable {
  /// What the lanes are to do.
  struct Plan: Sendable {
    var configuration: Settings.Configuration
    var configVersion: String
    var mapping: Mapping
    var properties: ClientProperties
    /// `group.instance.id` without the lane's number.
    var instance: String
    var lanes: Int
    var clock: LaneClock
    var callbacks: ClientCallbacks
    var kafkaNotice: @Sendable (KafkaNotice) -> Void
    var laneNotice: @Sendable (LaneNotice) -> Void
  }

  private let plan: Plan
  private let monitors: [LaneMonitor]
  private let failure = Mutex<PipelineError?>(nil)
  private let finished = DispatchGroup()

  init(_ plan: Plan) {
    self.plan = plan
    monitors = (0..<plan.lanes).map { _ in LaneMonitor() }
  }

  /// Starts the threads. `onEnd` is called once, on a thread of its own, when all have ended.
  func start(onEnd: @escaping @Sendable (PipelineError?) -> Void) {
    for lane in monitors.indices {
      finished.enter()
      let thread = Thread { [self] in
        do throws(PipelineError) {
          try run(lane)
        } catch {
          failure.withLock { if $0 == nil { $0 = error } }
          stop()
        }
        finished.leave()
      }
      thread.name = "ebb-lane-\(lane)"
      thread.stackSize = 4 << 20
      thread.start()
    }
    finished.notify(queue: .global()) { [self] in onEnd(failure.withLock { $0 }) }
  }

  /// Asks all lanes to finish their cuts and leave.
  func stop() {
    for monitor in monitors { monitor.stop() }
  }

  /// All lanes' latest snapshots.
  var snapshots: [LaneSnapshot] { monitors.map(\.latest) }

  private func run(_ lane: Int) throws(PipelineError) {
    let configuration = plan.configuration
    let topics = configuration.topics
    let monitor = monitors[lane]
    var inputOptions = KafkaInput.Options(
      properties: plan.properties, topic: topics.input, group: configuration.kafka.group,
      instance: plan.lanes == 1 ? plan.instance : "\(plan.instance)-\(lane)",
      start: configuration.start.position, lostOffset: configuration.whenOffsetLost.policy,
      callbacks: plan.callbacks, notice: plan.kafkaNotice)
    inputOptions.isStopping = { monitor.isStopping }
    let input = try KafkaInput(inputOptions)
    let output = try KafkaOutput(
      KafkaOutput.Options(
        properties: plan.properties, inputTopic: topics.input,
        topics: [
          .cartAlerts: topics.cartAlerts, .churnAlerts: topics.churnAlerts,
          .deadLetters: topics.deadLetters,
        ], callbacks: plan.callbacks, notice: plan.kafkaNotice),
      committer: input.makeCommitter())
    let decoder = Decoder(
      mapping: plan.mapping,
      limits: DecoderLimits(
        maximumRecordBytes: configuration.input.maxRecordBytes,
        maximumFutureSkewMilliseconds: configuration.rules.time.maxFutureSkewMilliseconds))
    var lane = Lane(
      input: input, output: output, decoder: decoder,
      settings: LaneSettings(
        rules: configuration.rules, configVersion: plan.configVersion, source: configuration.alerts.source,
        inputTopic: topics.input,
        minimumCutIntervalMilliseconds: configuration.commit.minIntervalMilliseconds,
        maximumCutIntervalMilliseconds: configuration.commit.maxIntervalMilliseconds),
      clock: plan.clock, monitor: monitor, notify: plan.laneNotice)
    try lane.run()
  }
}

extension Settings.StartPosition {
  /// The same, for the client.
  var position: Kafka.StartPosition {
    switch self {
    case .earliest: .earliest
    case .latest: .latest
    case .timestamp(let time): .timestamp(time)
    }
  }
}

extension OffsetLostPolicy {
  /// The same, for the client.
  var policy: LostOffsetPolicy {
    switch self {
    case .stop: .stop
    case .earliest: .earliest
    case .latest: .latest
    }
  }
}

extension LaneClock {
  /// The machine's clocks.
  static let machine = LaneClock(
    wall: { Int64(Date().timeIntervalSince1970 * 1000) },
    monotonic: { Int64(DispatchTime.now().uptimeNanoseconds / 1_000_000) })

  /// Time that runs `speed` times as fast, from `start` (milliseconds since 1970 UTC) on.
  static func accelerated(from start: Int64, speed: Double) -> LaneClock {
    let began = DispatchTime.now().uptimeNanoseconds
    return LaneClock(
      wall: { start + Int64(Double(DispatchTime.now().uptimeNanoseconds - began) / 1e6 * speed) },
      monotonic: machine.monotonic, speed: speed)
  }
}

extension [LaneSnapshot] {
  /// The lanes' counts together.
  var total: LaneSnapshot {
    var total = LaneSnapshot()
    for lane in self {
      total.records += lane.records
      total.bytes += lane.bytes
      total.ignored += lane.ignored
      total.rejected.merge(lane.rejected, uniquingKeysWith: +)
      total.foreignKeys += lane.foreignKeys
      total.ticks += lane.ticks
      total.cuts += lane.cuts
      total.rebalances += lane.rebalances
      total.tally += lane.tally
      total.users += lane.users
      total.partitions += lane.partitions
    }
    total.watermark = compactMap(\.watermark).min()
    total.latestEvent = compactMap(\.latestEvent).max()
    return total
  }
}
