import LogModel
import Testing

/// Short words for the stories of these tests.
func record(_ key: String, _ value: String?, at timestamp: Int64 = 0) -> LogRecord {
  LogRecord(key: Array(key.utf8), value: value.map { Array($0.utf8) }, timestamp: timestamp)
}

func text(_ bytes: [UInt8]?) -> String { bytes.map { String(decoding: $0, as: UTF8.self) } ?? "–" }

extension StoredRecord {
  /// `key=value`, with – for a tombstone.
  var line: String { "\(text(record.key))=\(text(record.value))" }
}

let input = TopicPartition("input", 0)
let alerts = TopicPartition("alerts", 0)
let state = TopicPartition("state", 0)

/// A cluster with the topics `input`, `alerts` and the compacted `state`, each with two partitions.
func cluster(_ configuration: Configuration = Configuration(), stateRetention: Int64 = 1000) throws
  -> LogCluster
{
  let cluster = LogCluster(configuration: configuration)
  try cluster.createTopic("input", partitions: 2)
  try cluster.createTopic("alerts", partitions: 2)
  try cluster.createTopic(
    "state", partitions: 2,
    settings: TopicSettings(cleanupPolicy: .compact, deleteRetentionMilliseconds: stateRetention))
  return cluster
}

extension LogCluster {
  /// A producer whose id is initialised, whatever stood in the way.
  func newProducer(_ id: String, timeout: Int64 = 10_000) throws -> ProducerSession {
    do { return try initProducerID(id, timeout: timeout) } catch .concurrentTransactions {
      deliverAllMarkers()
      return try initProducerID(id, timeout: timeout)
    }
  }

  /// A whole transaction with one record, its markers delivered.
  func transact(
    _ session: ProducerSession, _ place: TopicPartition, _ records: [LogRecord],
    _ outcome: Outcome = .committed
  ) throws {
    try produce(records, to: place, session: session)
    try endTransaction(session, outcome)
    deliverAllMarkers()
  }

  func lines(_ place: TopicPartition) -> [String] { readCommitted(place).map(\.line) }

  /// Joins and syncs one member until the group is stable, and returns what it would send with offsets.
  func join(_ group: String, instance: String?, topics: [String] = ["input"]) throws -> GroupMetadata {
    let id = try joinGroup(group, instanceID: instance, topics: topics, sessionTimeout: 1000)
    let assignment = try #require(try syncGroup(group, memberID: id, instanceID: instance))
    return GroupMetadata(
      group: group, generation: assignment.generation, memberID: id, instanceID: instance)
  }
}
