// A shop's traffic through the embedded broker while things go wrong, and the comparison afterwards: what stands in the
// alert topics against the replay of what stands in the input topic, nothing missing and whatever comes twice equal.

import ClusterSupport
import Foundation
import Kafka
import Pipeline
import TestSupport
import Testing

/// Asks the brokers by a client of its own, as somebody outside the daemon would.
actor Witness {
  private let consumer: Consumer
  private let places: [TopicPartition]
  private static let timeout: Int32 = 20_000

  init(_ ground: ClusterGround) throws {
    // A member of the group that asks and never joins.
    consumer = try Consumer(properties: ground.properties, group: ground.group)
    places = (0..<Int32(ground.partitions)).map { TopicPartition(ground.input, $0) }
  }

  /// What the group has committed, a partition each.
  func committed() async throws -> [CommittedState] {
    try await patiently {
      try consumer.committed(places, timeoutMilliseconds: Self.timeout).map {
        CommittedState(nextOffset: $0.nextOffset ?? 0, metadata: try? CommitMetadata($0.metadata))
      }
    }
  }

  /// The first offset that the brokers keep of each input partition, and the one behind the last record.
  func edges() async throws -> [(low: Int64, high: Int64)] {
    try await patiently {
      try places.map { try consumer.watermarks(of: $0, timeoutMilliseconds: Self.timeout) }
    }
  }

  /// Asks again while brokers are away or leaders are elsewhere than this client knows.
  private func patiently<Answer>(_ ask: () throws -> Answer) async throws -> Answer {
    let deadline = ContinuousClock.now + .seconds(60)
    while true {
      do {
        return try ask()
      } catch {
        guard ContinuousClock.now < deadline else { throw error }
        try await Task.sleep(for: .milliseconds(100))
      }
    }
  }
}

/// Brokers, traffic and instances of one test.
struct Trial: Sendable {
  /// What a trial is made of.
  struct Plan: Sendable {
    var brokers = 1
    /// Delay of every answer, milliseconds.
    var roundTrip = 0
    var instances = ["one"]
    /// Instances that a test starts itself.
    var guests: [String] = []
    var lanes = 1
    var eventsPerSecond = 300.0
    /// The embedded broker answers a fetch with one batch a partition: over a long way only large ones get through.
    var lingerMilliseconds: Int?
    /// The embedded broker lets joining members wait for nearly as long as a session.
    var sessionMilliseconds = 3_000
    /// Whether the instances reach the brokers through a proxy, and where that listens: nine characters.
    var proxy: String?
    /// What the instances run in.
    var surroundings = Program.Surroundings()
    /// Members of the section `state`, beside those that every trial has.
    var state: [String: String] = [:]
    /// Whether processes may end by themselves, to be started again.
    var mayEnd = false
  }

  static let partitions = 6
  /// Records that are made, and so bounds how long traffic lasts: a partition of the embedded broker keeps 5 MiB.
  static let records = 60_000
  static let prefix = "trial"

  let cluster: Cluster
  let ground: ClusterGround
  let witness: Witness
  let feeder: Feeder
  let instances: [Instance]
  let guests: [Instance]
  let configuration: ClusterConfiguration
  let plan: Plan
  /// Between the instances and the brokers, if the plan wants one.
  let proxy: FaultProxy?
  private var all: [Instance] { instances + guests }

  /// Runs `faults` while traffic flows, then waits until everything is committed, stops the instances and compares.
  static func play(
    _ title: String, _ plan: Plan = Plan(),
    _ faults: @escaping @Sendable (Trial, inout [[String]]) async throws -> Void
  ) async throws {
    let topics =
      ["clickstream", "state"].map { "\(prefix).\($0):\(partitions)" }
      + ["cart", "churn"].map { "\(prefix).\($0):2" } + ["\(prefix).dead-letters:1"]
    let cluster = try await Cluster.start(
      topics: topics, ["--brokers", "\(plan.brokers)", "--round-trip", "\(plan.roundTrip)"])
    try await withTemporaryDirectory { directory in
      let ground = try ClusterGround(
        over: cluster.bootstrap, prefix: prefix, partitions: partitions, directory: directory)
      var configuration = ClusterConfiguration()
      configuration.lanes = plan.lanes
      configuration.lines = ["delivery: at-least-once"]
      configuration.properties = [
        "session.timeout.ms": "\(plan.sessionMilliseconds)", "heartbeat.interval.ms": "500",
        "reconnect.backoff.max.ms": "500",
      ]
      // Written soon, and read back from the topic: nothing is kept on this machine.
      configuration.state = ["directory": "off", "flush_after": "1s"].merging(plan.state) { $1 }
      configuration.http = "127.0.0.1:0"
      let proxy = try plan.proxy.map { try FaultProxy(to: cluster.bootstrap, listeningAt: $0) }
      configuration.brokers = proxy?.bootstrap
      let records = ShopRecords(seed: 11, count: Self.records, users: 240, partitions: partitions)
      let trial = Trial(
        cluster: cluster, ground: ground, witness: try Witness(ground),
        feeder: try Feeder(records, to: ground, lingerMilliseconds: plan.lingerMilliseconds),
        instances: try plan.instances.map {
          try Instance($0, on: ground, configuration, in: plan.surroundings)
        },
        guests: try plan.guests.map { try Instance($0, on: ground, configuration) },
        configuration: configuration, plan: plan, proxy: proxy)
      try await trial.run(title, perSecond: plan.eventsPerSecond, faults)
    }
  }

  private func run(
    _ title: String, perSecond rate: Double,
    _ faults: @Sendable (Trial, inout [[String]]) async throws -> Void
  ) async throws {
    for instance in instances { try instance.start() }
    // There are carts, and everybody has committed, before anything happens.
    try await feeder.feed(to: 3_000, perSecond: 5_000)
    try await drain()
    let traffic = Task { try await feeder.feed(to: Self.records, perSecond: rate) }
    var rows: [[String]] = []
    do {
      try await faults(self, &rows)
      // Good again, whatever it was.
      proxy?.set(Weather())
    } catch {
      traffic.cancel()
      throw TestSupportError("\(error)\n\(logs)")
    }
    let sent = await feeder.sent
    rows.append(["events sent by the last fault", "\(sent)"])
    #expect(sent < Self.records, "the last fault still fell into traffic")
    traffic.cancel()
    _ = try? await traffic.value
    // Waits for the acknowledgements of what is on its way.
    try await feeder.feed(to: await feeder.sent, perSecond: 1_000)
    try await drain()
    for instance in all where instance.isRunning {
      let status = try await instance.stop()
      #expect(status == 0, "\(instance.name) ends well:\n\(logs)")
    }
    let endings = all.flatMap(\.endings)
    #expect(plan.mayEnd || endings.isEmpty, "nobody ends by himself: \(endings)")
    let found = try await Findings(self)
    printTable(title, found.rows + rows)
    #expect(found.expected > 50, "there were alerts at all")
    #expect(found.faults.isEmpty, "\(found.faults.prefix(12).joined(separator: "\n"))\n\(logs)")
  }

  /// Waits until everything that was written is committed.
  func drain(within limit: Duration = .seconds(120)) async throws {
    let ends = try await witness.edges().map(\.high)
    try await until("everything written is committed (\(ends))", within: limit) {
      zip(try await witness.committed(), ends).allSatisfy { $0.nextOffset >= $1 }
    }
  }

  /// Waits for a condition; says what the daemons' logs say when it does not come.
  @discardableResult func until(
    _ what: String, within limit: Duration = .seconds(90), _ condition: @Sendable () async throws -> Bool
  ) async throws -> Duration {
    let began = ContinuousClock.now
    while try await !condition() {
      for instance in all { try instance.revive() }
      guard ContinuousClock.now - began < limit else {
        let committed = (try? await witness.committed().map(\.nextOffset)) ?? []
        throw TestSupportError("not within \(limit): \(what); committed is \(committed)\n\(logs)")
      }
      try await Task.sleep(for: .milliseconds(20))
    }
    return ContinuousClock.now - began
  }

  /// Waits until others than those who had committed last have committed for these partitions; nil: for all.
  @discardableResult func untilOthersCommit(
    _ partitions: Set<Int32>? = nil, before: [CommittedState], within limit: Duration = .seconds(90)
  ) async throws -> Duration {
    try await until("new owners commit \(partitions.map { "\($0.sorted())" } ?? "all")", within: limit) {
      let now = try await witness.committed()
      return now.indices.allSatisfy {
        partitions?.contains(Int32($0)) == false || now[$0].owner != before[$0].owner
      }
    }
  }

  /// The end of every log, for messages.
  var logs: String {
    all.flatMap { instance in
      instance.logs.suffix(3).map { "--- \(instance.name):\n\($0.suffix(2_500))" }
    }.joined(separator: "\n")
  }
}

extension Duration {
  /// Milliseconds, for tables.
  var milliseconds: Int { Int(self / .milliseconds(1)) }
}
