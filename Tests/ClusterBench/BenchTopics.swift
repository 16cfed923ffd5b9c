import ClusterSupport
import Foundation
import Kafka
import TestSupport

/// The topics and groups of one measurement, with names that nobody else has: one input that all read, and outputs
/// for every run of the daemon, so that each begins with nothing.
final class BenchTopics: Sendable {
  let brokers: String
  let prefix: String
  let partitions: Int
  /// For configuration files.
  let directory: String
  private let admin: Admin
  private static let timeout: Int32 = 20_000

  var input: String { prefix + ".clickstream" }
  var properties: ClientProperties { ClientProperties(bootstrap: brokers) }

  static func randomPrefix() -> String { "ebb-bench-" + String(UInt64.random(in: 0...UInt64.max), radix: 36) }

  init(brokers: String, prefix: String, partitions: Int, directory: String) throws {
    self.brokers = brokers
    self.prefix = prefix
    self.partitions = partitions
    self.directory = directory
    admin = try Admin(properties: ClientProperties(bootstrap: brokers))
  }

  /// What one run of the daemon writes to. Its group has the same name as its prefix.
  struct Outputs: Sendable {
    var prefix: String
    var cart: String { prefix + ".cart" }
    var churn: String { prefix + ".churn" }
    var deadLetters: String { prefix + ".dead-letters" }
    var state: String { prefix + ".state" }
    var all: [String] { [cart, churn, deadLetters, state] }
  }

  func outputs(ofRun run: Int) -> Outputs { Outputs(prefix: "\(prefix).run\(run)") }

  /// The input. Its records bear event time, which must not be taken for their age.
  func createInput() throws {
    try create([
      NewTopic(name: input, partitions: partitions, configuration: ["retention.ms": "-1"])
    ])
  }

  func create(_ outputs: Outputs) throws {
    try create([
      NewTopic(name: outputs.cart, partitions: 2), NewTopic(name: outputs.churn, partitions: 2),
      NewTopic(name: outputs.deadLetters, partitions: 1), .state(outputs.state, partitions: partitions),
    ])
  }

  private func create(_ topics: [NewTopic]) throws {
    for (name, error) in try admin.create(topics, timeoutMilliseconds: Self.timeout) {
      if let error { throw TestSupportError("topic \(name) could not be created: \(error)") }
    }
    let deadline = ContinuousClock.now + .seconds(20)
    while true {
      let there = try admin.topics(timeoutMilliseconds: Self.timeout)
      let isReady = topics.allSatisfy {
        there[$0.name]?.partitions == $0.partitions && there[$0.name]?.leaderless.isEmpty == true
      }
      if isReady { return }
      guard ContinuousClock.now < deadline else {
        throw TestSupportError("\(topics.map(\.name)) have no leaders 20 s after they were created")
      }
      usleep(50_000)
    }
  }

  /// How many records of the input the group has committed.
  func committed(group: String) throws -> Int64 {
    let places = (0..<Int32(partitions)).map { TopicPartition(input, $0) }
    return try admin.committed(group: group, places, timeoutMilliseconds: Self.timeout)
      .reduce(0) { $0 + ($1.nextOffset ?? 0) }
  }

  /// Removes topics; what is left behind is told.
  func remove(_ topics: [String]) {
    do {
      for (name, error) in try admin.delete(topics: topics, timeoutMilliseconds: Self.timeout) {
        if let error, error.code != .unknownTopicOrPartition { say("topic \(name) is left behind: \(error)") }
      }
    } catch {
      say("topics \(topics.joined(separator: ", ")) are left behind: \(error)")
    }
  }

  /// Removes groups once their members are gone, waiting at most so long for all of them.
  func remove(groups: [String], withinSeconds seconds: Double) {
    let deadline = ContinuousClock.now + .seconds(seconds)
    for group in groups {
      while true {
        do {
          try admin.delete(group: group, timeoutMilliseconds: Self.timeout)
          break
        } catch {
          if error.code == .groupNotFound { break }
          guard ContinuousClock.now < deadline else {
            say("group \(group) is left to the brokers, which forget it: \(error.message)")
            break
          }
        }
        usleep(500_000)
      }
    }
  }

  /// Sends the events, each to its user's partition and with its own time as the record's.
  ///
  /// - Returns: mean size of a value, bytes, and records of each partition.
  func produce(
    _ traffic: consuming ClickTraffic, count: Int, compression: String
  ) throws -> (bytes: Int, counts: [Int]) {
    var properties = properties
    properties["compression.type"] = compression
    properties["linger.ms"] = "20"
    properties["queue.buffering.max.messages"] = "200000"
    var producer = try Producer(properties: properties)
    var value: [UInt8] = []
    var bytes = 0
    var counts = Array(repeating: 0, count: partitions)
    for _ in 0..<count {
      let (event, user) = traffic.next()
      value.removeAll(keepingCapacity: true)
      ClickTraffic.write(event, to: &value)
      bytes += value.count
      let partition = ShopRecords.partition(ofUser: user, count: partitions)
      counts[partition] += 1
      try producer.produce(
        topic: input, key: Array(user.utf8), value: value, partition: Int32(partition), timestamp: event.ts,
        timeoutMilliseconds: 60_000)
    }
    try producer.flush(timeoutMilliseconds: 60_000)
    if producer.failed > 0 {
      throw TestSupportError("\(producer.failed) records were not taken by the brokers")
    }
    return (bytes / max(count, 1), counts)
  }
}
