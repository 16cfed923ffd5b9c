/// A topic's settings.
public struct TopicSettings: Hashable, Sendable {
  public var cleanupPolicy: CleanupPolicy
  /// `max.message.bytes`: of a batch.
  public var maxMessageBytes: Int
  /// `delete.retention.ms`: how long a tombstone stays after the first compaction that met it.
  public var deleteRetentionMilliseconds: Int64

  public init(
    cleanupPolicy: CleanupPolicy = .delete, maxMessageBytes: Int = 1_048_588,
    deleteRetentionMilliseconds: Int64 = 86_400_000
  ) {
    self.cleanupPolicy = cleanupPolicy
    self.maxMessageBytes = maxMessageBytes
    self.deleteRetentionMilliseconds = deleteRetentionMilliseconds
  }
}

final class Topic {
  var settings: TopicSettings
  var partitions: [PartitionLog]

  init(settings: TopicSettings, partitions: Int) {
    self.settings = settings
    self.partitions = (0..<partitions).map { _ in PartitionLog() }
  }
}

extension LogCluster {
  /// Errors: `.topicAlreadyExists`, `.invalidPartitions`.
  public func createTopic(
    _ name: String, partitions: Int, settings: TopicSettings = TopicSettings()
  ) throws(KafkaError) {
    guard topics[name] == nil else { throw .topicAlreadyExists }
    guard partitions > 0 else { throw .invalidPartitions }
    topics[name] = Topic(settings: settings, partitions: partitions)
  }

  /// Adds partitions, up to `total`. Errors: `.unknownTopicOrPartition`, `.invalidPartitions` unless it grows.
  public func createPartitions(_ name: String, total: Int) throws(KafkaError) {
    guard let topic = topics[name] else { throw .unknownTopicOrPartition }
    guard total > topic.partitions.count else { throw .invalidPartitions }
    for _ in topic.partitions.count..<total { topic.partitions.append(PartitionLog()) }
  }

  /// Changes a topic's settings from now on. Error: `.unknownTopicOrPartition`.
  public func configure(_ name: String, _ settings: TopicSettings) throws(KafkaError) {
    guard let topic = topics[name] else { throw .unknownTopicOrPartition }
    topic.settings = settings
  }

  /// A metadata request: partitions of a topic. Errors: `.unknownTopicOrPartition`, faults.
  public func partitionCount(_ name: String) throws(KafkaError) -> Int {
    try answer(.metadata) { () throws(KafkaError) in
      guard let topic = topics[name] else { throw .unknownTopicOrPartition }
      return topic.partitions.count
    }
  }

  /// A metadata request: settings of a topic. Errors: `.unknownTopicOrPartition`, faults.
  public func settings(of name: String) throws(KafkaError) -> TopicSettings {
    try answer(.metadata) { () throws(KafkaError) in
      guard let topic = topics[name] else { throw .unknownTopicOrPartition }
      return topic.settings
    }
  }

  /// An operator's DeleteRecords: moves the log's start to `offset`, −1 for the high watermark, and returns it.
  /// Errors: `.policyViolation` for a topic that is only compacted, `.offsetOutOfRange` beyond the high watermark.
  @discardableResult
  public func deleteRecords(_ place: TopicPartition, before offset: Int64) throws(KafkaError) -> Int64 {
    let log = try log(place)
    guard let topic = topics[place.topic], topic.settings.cleanupPolicy.deletes else {
      throw .policyViolation
    }
    let target = offset == -1 ? log.highWatermark : offset
    guard target >= 0, target <= log.highWatermark else { throw .offsetOutOfRange }
    log.moveStart(to: target)
    return log.logStart
  }

  /// Retention by time: drops records from the front while their timestamps are before `timestamp`, in any topic
  /// (a topic's policy is the simulator's to respect here), and returns the log's start.
  @discardableResult
  public func expireRecords(_ place: TopicPartition, olderThan timestamp: Int64) throws(KafkaError) -> Int64 {
    let log = try log(place)
    let kept = log.entries.first { $0.record.timestamp >= timestamp }
    log.moveStart(to: kept?.offset ?? log.highWatermark)
    return log.logStart
  }
}
