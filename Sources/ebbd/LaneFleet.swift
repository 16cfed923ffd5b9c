import Admin
import Events
import Foundation
import Kafka
import Pipeline
import Settings
import Storage
import Synchronization
import Telemetry
import Triggers

/// All lanes of the process: one OS thread each, with its own consumer, producer and shards. The first lane that
/// fails ends the others.
final class LaneFleet: Sendable {
  /// What the lanes are to do.
  struct Plan: Sendable {
    var configuration: Settings.Configuration
    /// Everything that decides results, and the mapping that it names.
    var epoch: EpochText
    var mapping: Mapping
    var properties: ClientProperties
    /// `group.instance.id` without the lane's number.
    var instance: String
    var lanes: Int
    var clock: LaneClock
    /// How much input they may take.
    var valve = InputValve()
    /// What the process may take, bytes: queues are smaller where there is little.
    var memoryBytes: Int64 = .max
    var callbacks: ClientCallbacks
    var kafkaNotice: @Sendable (KafkaNotice) -> Void
    var laneNotice: @Sendable (LaneNotice) -> Void
  }

  private let plan: Plan
  private let monitors: [LaneMonitor]
  private let failure = Mutex<PipelineError?>(nil)
  private let finished = DispatchGroup()
  /// nil: no snapshots are kept.
  private let snapshotStore: SnapshotStore?

  init(_ plan: Plan) {
    self.plan = plan
    snapshotStore = Self.makeStore(plan)
    monitors = (0..<plan.lanes).map { _ in LaneMonitor(valve: plan.valve) }
  }

  /// Starts the threads. `onEnd` is called once, on a thread of its own, when all have ended.
  func start(onEnd: @escaping @Sendable (PipelineError?) -> Void) {
    for lane in monitors.indices {
      finished.enter()
      let thread = Thread { [self] in
        do throws(PipelineError) {
          try run(lane)
        } catch {
          fail(error)
        }
        finished.leave()
      }
      thread.name = "ebb-lane-\(lane)"
      thread.stackSize = 4 << 20
      thread.start()
    }
    finished.notify(queue: .global()) { [self] in onEnd(failure.withLock { $0 }) }
  }

  /// Ends all lanes, with the reason that will be told.
  func fail(_ error: PipelineError) {
    failure.withLock { if $0 == nil { $0 = error } }
    stop()
  }

  /// Asks all lanes to finish their cuts and leave.
  func stop() {
    for monitor in monitors { monitor.stop() }
  }

  /// All lanes' latest snapshots.
  var snapshots: [LaneSnapshot] { monitors.map(\.latest) }

  /// All lanes' signs of life.
  var beats: [UInt64] { monitors.map(\.beats) }

  /// A failpoint, for tests of the watchdog: the first lane gets stuck.
  func stallLane() { monitors[0].post(.stall) }

  /// Has all lanes go on under another configuration.
  func configure(_ loaded: LoadedConfiguration) {
    let settings = laneSettings(loaded.configuration, loaded.epoch, loaded.mapping)
    for monitor in monitors { monitor.post(.configure(settings)) }
  }

  /// A lane answers between two batches; one that does not within so long is at work on something else, or stuck.
  private static let answerSeconds = 2.0

  /// What is known of a user, by whichever lane has him.
  func look(for key: String) async -> UserLookup {
    await withCheckedContinuation { continuation in
      let answers = Answers(expected: monitors.count) { continuation.resume(returning: $0) }
      for monitor in monitors {
        monitor.post(.look(key: key) { answers.take($0, of: key) })
      }
      DispatchQueue.global().asyncAfter(deadline: .now() + Self.answerSeconds) { answers.timedOut() }
    }
  }

  /// Waits for the lane that has a user, or for all to say that they have not.
  private final class Answers: Sendable {
    private let state: Mutex<(missing: Int, answer: (@Sendable (UserLookup) -> Void)?)>

    init(expected: Int, answer: @escaping @Sendable (UserLookup) -> Void) {
      state = Mutex((expected, answer))
    }

    func take(_ sighting: UserSighting?, of key: String) {
      let answer = state.withLock { state -> (@Sendable (UserLookup) -> Void)? in
        state.missing -= 1
        guard sighting != nil || state.missing == 0 else { return nil }
        defer { state.answer = nil }
        return state.answer
      }
      guard let answer else { return }
      // Not on the lane's thread: it has other things to do.
      DispatchQueue.global().async { answer(sighting.map { .found($0.facts(of: key)) } ?? .unknown) }
    }

    func timedOut() {
      let answer = state.withLock { state in
        defer { state.answer = nil }
        return state.answer
      }
      answer?(.unavailable("a lane has not answered within \(answerSeconds) s"))
    }
  }

  private func run(_ lane: Int) throws(PipelineError) {
    let configuration = plan.configuration
    let topics = configuration.topics
    let monitor = monitors[lane]
    let instance = plan.lanes == 1 ? plan.instance : "\(plan.instance)-\(lane)"
    let queue = ClientProperties.queue(ofMemory: plan.memoryBytes, consumers: plan.lanes)
    var inputOptions = KafkaInput.Options(
      properties: queue.overridden(by: plan.properties), topic: topics.input,
      group: configuration.kafka.group, instance: instance,
      lostOffset: configuration.whenOffsetLost.policy, callbacks: plan.callbacks, notice: plan.kafkaNotice)
    inputOptions.isStopping = {
      // Asked in every wait.
      monitor.beat()
      return monitor.isStopping
    }
    let input = try KafkaInput(inputOptions)
    switch configuration.delivery {
    case .exactlyOnce:
      let options = KafkaTransactions.Options(
        properties: plan.properties, transactionalID: "\(configuration.kafka.group)-\(plan.instance)-\(lane)",
        transactionTimeoutMilliseconds: configuration.kafka.transactionTimeoutMilliseconds,
        group: configuration.kafka.group, inputTopic: topics.input, topics: topics.outputs,
        callbacks: plan.callbacks, notice: plan.kafkaNotice)
      let output = ThreadedOutput { () throws(PipelineError) in try KafkaTransactions(options) }
      try work(lane, input, output)
    case .atLeastOnce:
      let output = try KafkaOutput(
        KafkaOutput.Options(
          properties: plan.properties, inputTopic: topics.input, topics: topics.outputs,
          callbacks: plan.callbacks, notice: plan.kafkaNotice),
        committer: input.makeCommitter())
      try work(lane, input, output)
    }
  }

  private func work(
    _ number: Int, _ input: consuming KafkaInput, _ output: consuming some OutputLog & ~Copyable
  ) throws(PipelineError) {
    let settings = laneSettings(plan.configuration, plan.epoch, plan.mapping)
    var options = ThreadedRecoverer<KafkaRecoverySource>.Options(
      settings: settings, snapshots: snapshotStore, now: plan.clock.monotonic, laneNotice: plan.laneNotice,
      kafkaNotice: plan.kafkaNotice)
    options.valve = plan.valve
    let recoverer = ThreadedRecoverer(options) { [sourceOptions] () throws(PipelineError) in
      try KafkaRecoverySource(sourceOptions)
    }
    var lane = Lane(
      input: input, output: output, recoverer: recoverer, snapshots: snapshotStore, settings: settings,
      clock: plan.clock,
      monitor: monitors[number], notify: plan.laneNotice)
    try lane.run()
  }

  private static func makeStore(_ plan: Plan) -> SnapshotStore? {
    let configuration = plan.configuration
    guard let directory = configuration.state.directory else { return nil }
    let place = SnapshotPlace(
      directory: directory, group: configuration.kafka.group, inputTopic: configuration.topics.input,
      stateTopic: configuration.topics.state)
    do throws(SnapshotError) {
      try place.prepare()
    } catch {
      plan.kafkaNotice(KafkaNotice(.warning, "no snapshots are kept: \(error.reason) (state.directory)"))
      return nil
    }
    let notices = SnapshotNotices(plan.kafkaNotice)
    return SnapshotStore(place, tombstoneMilliseconds: tombstoneMilliseconds, wall: LaneClock.machine.wall) {
      notices.tell($0)
    }
  }

  /// How long a topic keeps tombstones if nobody has said otherwise (`delete.retention.ms`); the topics that Ebb
  /// creates keep them for longer.
  private static let tombstoneMilliseconds: Int64 = 86_400_000

  private var sourceOptions: KafkaRecoverySource.Options {
    let configuration = plan.configuration
    var options = KafkaRecoverySource.Options(
      properties: plan.properties, group: configuration.kafka.group, inputTopic: configuration.topics.input,
      stateTopic: configuration.topics.state, start: configuration.start.position,
      lostOffset: configuration.whenOffsetLost.policy, callbacks: plan.callbacks, notice: plan.kafkaNotice)
    options.queueBytes = plan.memoryBytes / Int64(8 * plan.lanes)
    return options
  }

  private func laneSettings(
    _ configuration: Settings.Configuration, _ epoch: EpochText, _ mapping: Mapping
  ) -> LaneSettings {
    let present = EpochPlan(
      hash: epoch.hash, text: epoch.text, rules: configuration.rules, mapping: mapping,
      limits: configuration.decoderLimits)
    var settings = LaneSettings(
      plan: present, readEpoch: EpochPlan.read, configVersion: epoch.name,
      source: configuration.alerts.source, inputTopic: configuration.topics.input,
      owner: .random(in: .min ... .max))
    settings.delivery = configuration.delivery == .exactlyOnce ? .exactlyOnce : .atLeastOnce
    settings.minimumCutIntervalMilliseconds = configuration.commit.minIntervalMilliseconds
    settings.maximumCutIntervalMilliseconds = configuration.commit.maxIntervalMilliseconds
    settings.outboxBytes = configuration.commit.maxBytes
    settings.flushAfterMilliseconds = configuration.state.flushAfterMilliseconds
    settings.maximumReplay = Int64(configuration.state.maxReplayRecords)
    settings.snapshotEveryMilliseconds = configuration.state.snapshotEveryMilliseconds
    return settings
  }
}

extension TopicSettings {
  /// The topics that are written to.
  var outputs: [OutputTopic: String] {
    [.cartAlerts: cartAlerts, .churnAlerts: churnAlerts, .deadLetters: deadLetters, .state: state]
  }

  /// What has to be there, and how.
  var preflight: Preflight.Topics {
    Preflight.Topics(input: input, state: state, outputs: [cartAlerts, churnAlerts, deadLetters])
  }
}

extension EpochPlan {
  /// Reads the text of an earlier epoch.
  static let read: @Sendable (String, EpochPurpose) throws(PipelineError) -> EpochPlan = {
    (text, purpose) throws(PipelineError) in
    let epoch = EpochText(text: text)
    do throws(SettingsError) {
      let read = try EpochText.parse(text, for: purpose == .replay ? .replay : .conversion)
      return EpochPlan(
        hash: epoch.hash, text: text, rules: read.rules, mapping: read.mapping, limits: read.limits)
    } catch {
      throw PipelineError(.state, error.cause, hint: error.hint)
    }
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
    monotonic: {
      // Goes on while the machine is suspended: what looks like silence afterwards must be known for what it is.
      var time = timespec()
      unsafe clock_gettime(CLOCK_BOOTTIME, &time)
      return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    })

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
      total.dirtyUsers += lane.dirtyUsers
      total.waiting += lane.waiting
      total.recovering += lane.recovering
      total.partitions += lane.partitions
      total.stateBytes += lane.stateBytes
      total.growthBytes += lane.growthBytes
      total.outboxBytes += lane.outboxBytes
      total.cutLatency += lane.cutLatency
      total.commitLatency += lane.commitLatency
    }
    total.watermark = compactMap(\.watermark).min()
    total.latestEvent = compactMap(\.latestEvent).max()
    total.standings = flatMap(\.standings)
    total.latestAlerts = flatMap(\.latestAlerts).sorted { $0.time > $1.time }
    return total
  }
}
