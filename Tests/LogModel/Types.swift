/// Kafka's error codes, as far as the model gives them.
public enum KafkaError: Error, Hashable, Sendable, CaseIterable {
  case offsetOutOfRange
  case unknownTopicOrPartition
  case topicAlreadyExists
  case invalidPartitions
  case policyViolation
  case messageTooLarge
  /// A record without a key for a compacted topic.
  case invalidRecord
  /// The reply never came; the request may have had its effect.
  case requestTimedOut
  case notEnoughReplicas
  case notLeaderOrFollower
  case topicAuthorizationFailed
  case networkException
  case coordinatorLoadInProgress
  case coordinatorNotAvailable
  case notCoordinator
  case unknownServerError

  case outOfOrderSequenceNumber
  case invalidProducerEpoch
  case producerFenced
  case invalidTxnState
  case invalidProducerIDMapping
  case invalidTransactionTimeout
  case concurrentTransactions
  case unknownProducerID
  case transactionalIDAuthorizationFailed

  case illegalGeneration
  case unknownMemberID
  case fencedInstanceID
  case rebalanceInProgress
  case offsetMetadataTooLarge
  case unstableOffsetCommit
}

/// A partition of a topic.
public struct TopicPartition: Hashable, Comparable, Sendable, CustomStringConvertible {
  public var topic: String
  public var partition: Int

  public init(_ topic: String, _ partition: Int) {
    self.topic = topic
    self.partition = partition
  }

  public static func < (left: Self, right: Self) -> Bool {
    left.topic == right.topic ? left.partition < right.partition : left.topic < right.topic
  }

  public var description: String { "\(topic)-\(partition)" }
}

/// A header of a record.
public struct RecordHeader: Hashable, Sendable {
  public var name: String
  public var value: [UInt8]?

  public init(_ name: String, _ value: [UInt8]?) {
    self.name = name
    self.value = value
  }
}

/// What a producer sends: a null value is a tombstone in a compacted topic.
public struct LogRecord: Hashable, Sendable {
  public var key: [UInt8]?
  public var value: [UInt8]?
  public var headers: [RecordHeader]
  /// Milliseconds; kept as sent (CreateTime).
  public var timestamp: Int64

  public init(key: [UInt8]?, value: [UInt8]?, headers: [RecordHeader] = [], timestamp: Int64 = 0) {
    self.key = key
    self.value = value
    self.headers = headers
    self.timestamp = timestamp
  }

  /// Bytes in a batch: the parts and about what their lengths take.
  public var size: Int {
    var sum = 8 + (key?.count ?? 0) + (value?.count ?? 0)
    for header in headers { sum += 2 + header.name.utf8.count + (header.value?.count ?? 0) }
    return sum
  }
}

/// A record in a log. A control record has `control` and neither key nor value.
public struct StoredRecord: Hashable, Sendable {
  public var offset: Int64
  public var record: LogRecord
  /// −1 without an idempotent producer.
  public var producerID: Int64
  public var producerEpoch: Int16
  public var isTransactional: Bool
  public var control: Outcome?
  /// Of a transactional record or a marker: how its transaction ended here, nil while no marker has come.
  public var outcome: Outcome?
}

/// How a transaction ended.
public enum Outcome: Hashable, Sendable {
  case committed
  case aborted
}

/// Who writes: an id and an epoch from `initProducerID`.
public struct ProducerSession: Hashable, Sendable {
  /// Nil for a producer that is idempotent and not transactional.
  public var transactionalID: String?
  public var producerID: Int64
  public var epoch: Int16

  public init(transactionalID: String?, producerID: Int64, epoch: Int16) {
    self.transactionalID = transactionalID
    self.producerID = producerID
    self.epoch = epoch
  }
}

/// What a consumer may see.
public enum Isolation: Hashable, Sendable {
  case readUncommitted
  case readCommitted
}

/// `cleanup.policy`.
public enum CleanupPolicy: Hashable, Sendable {
  case delete
  case compact
  case compactAndDelete

  var compacts: Bool { self != .delete }
  var deletes: Bool { self != .compact }
}

/// The answer to a fetch.
public struct FetchResult: Hashable, Sendable {
  public var records: [StoredRecord]
  /// Where the next fetch begins: beyond control records, aborted records and holes that were passed. A
  /// consumer's position, by contrast, is its last delivered offset + 1 and stays before them.
  public var nextOffset: Int64
  public var logStartOffset: Int64
  public var lastStableOffset: Int64
  public var highWatermark: Int64
  /// The end for this isolation: the last stable offset, or the high watermark.
  public var endOffset: Int64
  /// An end-of-partition event, at `endOffset`. It says nothing of what an open transaction holds back.
  public var isEndOfPartition: Bool
}

/// Where `listOffset` looks.
public enum OffsetSpec: Hashable, Sendable {
  case earliest
  /// The last stable offset or the high watermark, by isolation.
  case latest
  /// The first record with at least this timestamp; −1 if there is none.
  case timestamp(Int64)
}

/// An offset to be committed: the next offset to be read, and a text.
public struct OffsetAndMetadata: Hashable, Sendable {
  public var offset: Int64
  public var metadata: String

  public init(_ offset: Int64, _ metadata: String = "") {
    self.offset = offset
    self.metadata = metadata
  }
}

/// The answer of `offsetFetch` for one partition. Without a commit the offset is −1 and the metadata empty.
public struct FetchedOffset: Hashable, Sendable {
  public var offset: Int64
  public var metadata: String
  /// `.unstableOffsetCommit` while a transaction's offset for the partition is undecided.
  public var error: KafkaError?

  public init(offset: Int64, metadata: String, error: KafkaError?) {
    self.offset = offset
    self.metadata = metadata
    self.error = error
  }
}

/// A member's standing in a group, as sent with offsets.
public struct GroupMetadata: Hashable, Sendable {
  public var group: String
  /// −1: none.
  public var generation: Int32
  /// Empty: none.
  public var memberID: String
  public var instanceID: String?

  public init(group: String, generation: Int32 = -1, memberID: String = "", instanceID: String? = nil) {
    self.group = group
    self.generation = generation
    self.memberID = memberID
    self.instanceID = instanceID
  }
}

/// What a member may read, from `syncGroup`.
public struct Assignment: Hashable, Sendable {
  public var generation: Int32
  public var memberID: String
  public var isLeader: Bool
  /// In order of topic and partition.
  public var partitions: [TopicPartition]

  public init(generation: Int32, memberID: String, isLeader: Bool, partitions: [TopicPartition]) {
    self.generation = generation
    self.memberID = memberID
    self.isLeader = isLeader
    self.partitions = partitions
  }
}
