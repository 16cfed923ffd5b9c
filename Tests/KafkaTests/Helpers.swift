import Foundation
import Kafka
import Pipeline
import Synchronization
import Testing

/// A record as a test keeps it.
struct KeptRecord: Equatable {
  var topic: Int
  var partition: Int32
  var offset: Int64
  var key: [UInt8]?
  var value: [UInt8]?
  var headers: [String: [UInt8]?] = [:]
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

/// The cluster's properties with times that suit tests.
func properties(_ broker: borrowing EmbeddedBroker) -> ClientProperties {
  ClientProperties(
    bootstrap: broker.bootstrap,
    ["session.timeout.ms": "6000", "heartbeat.interval.ms": "500", "reconnect.backoff.max.ms": "500"])
}

/// Names of the topics that are written to.
let outputs: [OutputTopic: String] = [
  .cartAlerts: "cart-alerts", .churnAlerts: "churn-alerts", .deadLetters: "dead-letters", .state: "state",
]

/// An embedded broker with an input and a state topic of so many partitions and the output topics.
func cluster(partitions: Int = 2) throws -> EmbeddedBroker {
  let broker = try EmbeddedBroker()
  for topic in ["clicks", "state"] { try broker.createTopic(topic, partitions: partitions) }
  for topic in ["cart-alerts", "churn-alerts", "dead-letters"] {
    try broker.createTopic(topic, partitions: 2)
  }
  return broker
}

func fill(
  _ broker: borrowing EmbeddedBroker, _ topic: String = "clicks", partition: Int32, _ values: [String]
) throws {
  var producer = try Producer(properties: properties(broker))
  for value in values {
    try producer.produce(topic: topic, key: bytes("u"), value: bytes(value), partition: partition)
  }
  try producer.flush(timeoutMilliseconds: 60_000)
}

/// The offset behind the last record of a partition.
func end(of topic: String, _ partition: Int32, _ broker: borrowing EmbeddedBroker) throws -> Int64 {
  let asking = try Consumer(properties: properties(broker), group: "asking")
  return try asking.watermarks(of: TopicPartition(topic, partition), timeoutMilliseconds: 60_000).high
}

func alert(_ value: String, topic: OutputTopic = .cartAlerts) -> OutputRecord {
  OutputRecord(
    topic: topic, key: bytes("u"), value: bytes(value), headers: [.init(name: "ce_id", value: bytes(value))])
}

/// The number of a cut of one lane's life.
func number(_ sequence: UInt64) -> CutNumber { CutNumber(owner: 1, sequence: sequence) }

/// Calls until it has an answer; fails the test after so many seconds.
func eventually<Answer>(
  within seconds: Double = 90, _ what: String, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws -> Answer?
) throws -> Answer {
  let deadline = Date().addingTimeInterval(seconds)
  while Date() < deadline {
    if let answer = try body() { return answer }
  }
  Issue.record("not within \(seconds) s: \(what)", sourceLocation: sourceLocation)
  throw Late()
}

struct Late: Error {}

extension Consumer {
  /// Polls until partitions have been assigned, and reads them from an offset.
  mutating func join(from offset: Offset = .beginning) throws -> [TopicPartition] {
    let deadline = Date().addingTimeInterval(90)
    while Date() < deadline {
      if case .assigned(let partitions, _) = poll(timeoutMilliseconds: 100) {
        try assign(partitions.map { ($0, offset) })
        return partitions
      }
    }
    throw Late()
  }

  /// Reads so many records.
  mutating func read(_ count: Int, seconds: Double = 90) throws -> [KeptRecord] {
    var records: [KeptRecord] = []
    let deadline = Date().addingTimeInterval(seconds)
    while records.count < count, Date() < deadline {
      guard case .batch = poll(timeoutMilliseconds: 100) else { continue }
      drain { item in
        guard case .record(let view) = item else { return }
        records.append(
          KeptRecord(
            topic: view.topicIndex, partition: view.partition, offset: view.offset,
            key: view.key.map { [UInt8]($0) }, value: view.value.map { [UInt8]($0) },
            headers: Dictionary(view.headers().map { ($0.name, $0.value) }) { $1 }))
      }
    }
    return records
  }
}

/// Keeps what an input log tells.
struct Collector: InputVisitor {
  enum Told: Equatable {
    case assigned([Int32])
    case revoked([Int32])
    case lost([Int32])
  }

  var told: [Told] = []
  var records: [(partition: Int32, offset: Int64, value: String?)] = []
  var ends: [Int32: Int64] = [:]

  var membership: Membership?

  mutating func assigned(_ partitions: [Int32], as membership: Membership) {
    self.membership = membership
    told.append(.assigned(partitions))
  }
  mutating func revoked(_ partitions: [Int32]) { told.append(.revoked(partitions)) }
  mutating func lost(_ partitions: [Int32]) { told.append(.lost(partitions)) }
  mutating func record(_ record: borrowing InputRecord) {
    records.append((record.partition, record.offset, text(record.value.map { [UInt8]($0) })))
  }
  mutating func reachedEnd(partition: Int32, nextOffset: Int64) { ends[partition] = nextOffset }
}

extension KafkaInput {
  /// Polls until partitions have been assigned, and begins to read each at its offset.
  mutating func join(_ seen: inout Collector, from offsets: [Int32: Int64] = [:]) throws {
    try eventually("assigned") {
      _ = try poll(into: &seen, timeoutMilliseconds: 100)
      return seen.told.isEmpty ? nil : ()
    }
    guard case .assigned(let partitions) = seen.told.last else { throw Late() }
    try start(partitions.map { PartitionOffset($0, offsets[$0] ?? 0) })
  }
}

/// Keeps notices from any thread.
final class Notices: Sendable {
  private let kept = Mutex<[KafkaNotice]>([])
  var all: [KafkaNotice] { kept.withLock { $0 } }
  func keep(_ notice: KafkaNotice) { kept.withLock { $0.append(notice) } }
}
