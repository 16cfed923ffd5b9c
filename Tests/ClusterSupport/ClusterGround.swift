// What tests on a real cluster stand on: topics of their own with names that nobody else has, a consumer group, and
// the promise that both are gone afterwards.
//
// `ClusterGround` makes and removes topics and looks at the group, `ShopRecords` is the traffic, `Feeder` sends it,
// `Instance` is a daemon that can be killed and frozen, `Outcome` holds what a committed reader sees against the replay
// of the same records.

import Foundation
import Kafka
import Pipeline
import TestSupport

/// What one partition's committed position says.
public struct CommittedState: Sendable {
  public var nextOffset: Int64
  /// nil: nothing was committed, or not by us.
  public var metadata: CommitMetadata?

  public init(nextOffset: Int64, metadata: CommitMetadata?) {
    self.nextOffset = nextOffset
    self.metadata = metadata
  }

  /// Who committed: a number that each start of a lane has for itself.
  public var owner: UInt64? { metadata?.cut.owner }
  /// Where a recovery would begin to read again.
  public var recoveryPoint: Int64 { metadata?.recoveryPoint.offset ?? nextOffset }
}

/// Topics and a consumer group of one test on a cluster that others may use too.
public actor ClusterGround {
  public nonisolated let brokers: String
  /// In front of every name that is made.
  public nonisolated let prefix: String
  public nonisolated let partitions: Int
  /// For configuration files and what the daemon keeps.
  public nonisolated let directory: String
  private var admin: Admin
  private static let timeout: Int32 = 20_000

  public nonisolated var input: String { prefix + ".clickstream" }
  public nonisolated var cart: String { prefix + ".cart" }
  public nonisolated var churn: String { prefix + ".churn" }
  public nonisolated var deadLetters: String { prefix + ".dead-letters" }
  public nonisolated var state: String { prefix + ".state" }
  public nonisolated var group: String { prefix }
  public nonisolated var properties: ClientProperties { ClientProperties(bootstrap: brokers) }

  private init(_ brokers: String, _ partitions: Int, _ directory: String) throws {
    self.brokers = brokers
    self.partitions = partitions
    self.directory = directory
    prefix = "ebb-test-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
    admin = try Admin(properties: ClientProperties(bootstrap: brokers))
  }

  /// Stands on topics that are there already, and removes nothing: for brokers that one test has to itself.
  ///
  /// - Parameters:
  ///   - prefix: in front of the topics' names, and the consumer group.
  public init(over brokers: String, prefix: String, partitions: Int, directory: String) throws {
    self.brokers = brokers
    self.partitions = partitions
    self.directory = directory
    self.prefix = prefix
    admin = try Admin(properties: ClientProperties(bootstrap: brokers))
  }

  /// Runs `body` on fresh topics, and removes them and the group afterwards, whatever happens.
  ///
  /// - Parameters:
  ///   - inputConfiguration: of the input topic, beside the number of partitions.
  ///   - patience: how long members may need to be gone from the group, seconds: their session timeout and a little.
  ///     A group that is not empty by then is left to the brokers, which forget it.
  public static func with<Result: Sendable>(
    brokers: String, partitions: Int, inputConfiguration: [String: String] = [:], patience: Double = 10,
    _ body: @Sendable (ClusterGround) async throws -> Result
  ) async throws -> Result {
    try await withTemporaryDirectory { directory in
      let ground = try ClusterGround(brokers, partitions, directory)
      do {
        try await ground.createTopics(inputConfiguration)
        let result = try await body(ground)
        await ground.remove(patience: patience)
        return result
      } catch {
        await ground.remove(patience: patience)
        throw error
      }
    }
  }

  private func createTopics(_ inputConfiguration: [String: String]) throws {
    try create([
      NewTopic(name: input, partitions: partitions, configuration: inputConfiguration),
      NewTopic(name: cart, partitions: 2), NewTopic(name: churn, partitions: 2),
      NewTopic(name: deadLetters, partitions: 1), stateTopic(partitions: partitions),
    ])
  }

  /// The state topic as the daemon wants it.
  public nonisolated func stateTopic(partitions: Int) -> NewTopic {
    NewTopic(name: state, partitions: partitions, configuration: ["cleanup.policy": "compact"])
  }

  /// Creates topics and waits until every partition has a leader.
  public func create(_ topics: [NewTopic]) throws {
    for (name, error) in try admin.create(topics, timeoutMilliseconds: Self.timeout) {
      if let error { throw TestSupportError("topic \(name) could not be created: \(error)") }
    }
    let deadline = ContinuousClock.now + .seconds(20)
    while true {
      let there = try admin.topics(timeoutMilliseconds: Self.timeout)
      let ready = topics.allSatisfy {
        there[$0.name]?.partitions == $0.partitions && there[$0.name]?.leaderless.isEmpty == true
      }
      if ready { return }
      guard ContinuousClock.now < deadline else {
        throw TestSupportError("\(topics.map(\.name)) have no leaders 20 s after they were created")
      }
      usleep(50_000)
    }
  }

  /// Deletes a topic and waits until it is gone.
  public func delete(topic: String) throws {
    for (name, error) in try admin.delete(topics: [topic], timeoutMilliseconds: Self.timeout) {
      if let error { throw TestSupportError("topic \(name) could not be deleted: \(error)") }
    }
    let deadline = ContinuousClock.now + .seconds(20)
    while try admin.topics(timeoutMilliseconds: Self.timeout)[topic] != nil {
      guard ContinuousClock.now < deadline else { throw TestSupportError("topic \(topic) does not go away") }
      usleep(50_000)
    }
    // The brokers take the name for free before the last of them has forgotten it.
    usleep(500_000)
  }

  public func grow(topic: String, to partitions: Int) throws {
    try admin.grow(topic: topic, to: partitions, timeoutMilliseconds: Self.timeout)
  }

  public func deleteRecords(topic: String, before offsets: [Int32: Int64]) throws {
    try admin.deleteRecords(
      before: Dictionary(uniqueKeysWithValues: offsets.map { (TopicPartition(topic, $0), $1) }),
      timeoutMilliseconds: Self.timeout)
  }

  /// What the daemon's group has committed, transactions under way left out.
  public func committed() throws -> [Int32: CommittedState] {
    let places = (0..<Int32(partitions)).map { TopicPartition(input, $0) }
    var states: [Int32: CommittedState] = [:]
    for entry in try admin.committed(group: group, places, timeoutMilliseconds: Self.timeout) {
      guard let nextOffset = entry.nextOffset else { continue }
      states[entry.partition.partition] = CommittedState(
        nextOffset: nextOffset, metadata: try? CommitMetadata(entry.metadata))
    }
    return states
  }

  private func remove(patience: Double) async {
    let topics = [input, cart, churn, deadLetters, state]
    do {
      for (name, error) in try admin.delete(topics: topics, timeoutMilliseconds: Self.timeout) {
        if let error, error.code != .unknownTopicOrPartition { say("topic \(name) is left behind: \(error)") }
      }
    } catch {
      say("topics \(prefix).* are left behind: \(error)")
    }
    let deadline = ContinuousClock.now + .seconds(patience)
    for group in [group, prefix + "-reader", prefix + "-times"] { await remove(group: group, by: deadline) }
  }

  private func remove(group: String, by deadline: ContinuousClock.Instant) async {
    while true {
      do {
        return try admin.delete(group: group, timeoutMilliseconds: Self.timeout)
      } catch {
        guard error.code != .groupNotFound else { return }
        guard ContinuousClock.now < deadline else {
          // Its offsets went with the topics, so nothing holds it once its sessions have timed out.
          return say("group \(group) is left to the brokers, which forget it: \(error.message)")
        }
      }
      try? await Task.sleep(for: .milliseconds(500))
    }
  }
}

/// Prints a line at once, also when standard output is a file.
public func say(_ line: String) {
  FileHandle.standardOutput.write(Data((line + "\n").utf8))
}

/// `body` again and again until it has an answer; throws when the time is over.
public func eventually<Answer: Sendable>(
  _ what: String, within limit: Duration = .seconds(60), every interval: Duration = .milliseconds(20),
  _ body: () async throws -> Answer?
) async throws -> Answer {
  let deadline = ContinuousClock.now + limit
  while ContinuousClock.now < deadline {
    if let answer = try await body() { return answer }
    try await Task.sleep(for: interval)
  }
  throw TestSupportError("not within \(limit): \(what)")
}
