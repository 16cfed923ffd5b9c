import ClusterSupport
import Foundation
import Kafka
import TestSupport
import Testing

/// What makes it impossible to be exact is refused with a sentence that says what to do, and nothing is written.
@Suite(.serialized, .enabled(if: Wishes.brokers != nil, Wishes.skipped))
struct `What cannot be exact is refused` {
  static let partitions = 2

  /// Runs one instance over some traffic and stops it, spoils something, and holds that the next start ends by itself
  /// with one of the words.
  static func refuse(
    _ title: String, saying words: [String], _ configuration: ClusterConfiguration = .shortSessions,
    prepare: Bool = true,
    spoil: @escaping @Sendable (ClusterGround, Feeder) async throws -> Void
  ) async throws {
    let brokers = try #require(Wishes.brokers)
    let records = ShopRecords(seed: 3, count: 6_000, users: 60, partitions: partitions)
    try await ClusterGround.with(brokers: brokers, partitions: partitions) { ground in
      let feeder = try Feeder(records, to: ground)
      if prepare {
        let instance = try Instance("one", on: ground, configuration)
        try instance.start()
        try await feeder.feed(to: 5_000, perSecond: 10_000)
        try await ground.drain(feeder.written, [instance])
        #expect(try await instance.stop() == 0)
      }
      try await spoil(ground, feeder)
      let before = try await ground.committedAlerts().count
      let path = try configuration.write(on: ground, instance: "one")
      let process = try Program.start(path)
      let finished = try await process.finish(within: .seconds(60))
      let last = finished.error.split(separator: "\n").last.map(String.init) ?? ""
      printTable(title, [["exit status", "\(finished.status)"], ["its last words", last]])
      #expect(finished.status != 0)
      #expect(
        words.allSatisfy { last.localizedCaseInsensitiveContains($0) },
        "says \(words): \(finished.error.suffix(2000))")
      #expect(try await ground.committedAlerts().count == before, "nothing is written")
    }
  }

  @Test(.timeLimit(.minutes(3)))
  func `A state topic that was deleted and made anew`() async throws {
    try await Self.refuse("state topic deleted and made anew", saying: ["state"]) { ground, _ in
      try await ground.delete(topic: ground.state)
      try await ground.create([ground.stateTopic(partitions: Self.partitions)])
    }
  }

  @Test(.timeLimit(.minutes(3)))
  func `A missing state topic`() async throws {
    try await Self.refuse("state topic missing", saying: ["state"]) { ground, _ in
      try await ground.delete(topic: ground.state)
    }
  }

  @Test(.timeLimit(.minutes(3)))
  func `A state topic that has lost users`() async throws {
    try await Self.refuse("users deleted from the state topic", saying: ["state"]) { ground, _ in
      // As a retention that deletes would have it: users are gone, and nobody has said so.
      let keys = try await ground.readCommitted(ground.state, format: "%p %k\n")
      var producer = try Producer(properties: ground.properties)
      for line in keys.filter({ $0.contains(" u") }).prefix(3) {
        let parts = line.split(separator: " ", maxSplits: 1)
        try producer.produce(
          topic: ground.state, key: Array(parts[1].utf8), value: nil, partition: Int32(parts[0])!)
      }
      try producer.flush(timeoutMilliseconds: 10_000)
    }
  }

  @Test(.timeLimit(.minutes(3)))
  func `A state topic of another number of partitions`() async throws {
    try await Self.refuse("state topic of another size", saying: ["partition"], prepare: false) {
      ground, feeder in
      try await ground.delete(topic: ground.state)
      try await ground.create([ground.stateTopic(partitions: Self.partitions + 1)])
      try await feeder.feed(to: 100, perSecond: 10_000)
    }
  }

  @Test(.timeLimit(.minutes(3)))
  func `A state topic that deletes`() async throws {
    try await Self.refuse(
      "state topic with a policy that deletes", saying: ["cleanup.policy"], prepare: false
    ) {
      ground, _ in
      try await ground.delete(topic: ground.state)
      var topic = ground.stateTopic(partitions: Self.partitions)
      topic.configuration["cleanup.policy"] = "compact,delete"
      try await ground.create([topic])
    }
  }

  @Test(.timeLimit(.minutes(3)))
  func `Input that has expired past the recovery point`() async throws {
    // Killed with everybody dirty, so that the recovery point is the beginning, then the input is cut off.
    try await Self.refuse("input expired past the recovery point", saying: ["input"], prepare: false) {
      ground, feeder in
      let instance = try Instance("one", on: ground, .shortSessions)
      try instance.start()
      try await feeder.feed(to: 5_000, perSecond: 10_000)
      try await ground.drain(feeder.written, [instance])
      instance.kill9()
      let states = try await ground.committed()
      #expect(states.values.allSatisfy { $0.recoveryPoint < $0.nextOffset }, "somebody was not flushed")
      try await ground.deleteRecords(topic: ground.input, before: states.mapValues(\.nextOffset))
    }
  }

  @Test(.timeLimit(.minutes(3)))
  func `Positions that somebody else has committed`() async throws {
    try await Self.refuse("positions without our metadata", saying: ["commit"]) { ground, _ in
      let consumer = try Consumer(properties: ground.properties, group: ground.group)
      let places = (0..<Int32(Self.partitions)).map { TopicPartition(ground.input, $0) }
      // A group takes positions from outside once its members are gone.
      _ = try await eventually("the group takes a position", every: .milliseconds(500)) {
        () async throws -> Bool? in
        do {
          try consumer.commit(
            places.map { OffsetCommit(partition: $0, nextOffset: 10) }, timeoutMilliseconds: 5_000)
          return true
        } catch { return nil }
      }
    }
  }

  @Test(.timeLimit(.minutes(3)))
  func `An input topic that grows while the daemon runs ends it`() async throws {
    let brokers = try #require(Wishes.brokers)
    try await ClusterGround.with(brokers: brokers, partitions: Self.partitions) { ground in
      var configuration = ClusterConfiguration.shortSessions
      configuration.properties["topic.metadata.refresh.interval.ms"] = "1000"
      let process = try Program.start(configuration.write(on: ground, instance: "one"))
      try await process.wait(for: .error, within: .seconds(30)) {
        $0.components(separatedBy: "assigned ").count > 2
      }
      try await ground.grow(topic: ground.input, to: Self.partitions + 1)
      let finished = try await process.finish(within: .seconds(90))
      let last = finished.error.split(separator: "\n").last.map(String.init) ?? ""
      printTable(
        "input topic grown under way", [["exit status", "\(finished.status)"], ["its last words", last]])
      #expect(finished.status != 0)
      #expect(last.contains("partition"))
    }
  }
}
