import CRdKafka
import Glibc

/// One partition of one topic.
public struct TopicPartition: Sendable, Hashable, Comparable {
  public var topic: String
  public var partition: Int32

  public init(_ topic: String, _ partition: Int32) {
    self.topic = topic
    self.partition = partition
  }

  public static func < (left: Self, right: Self) -> Bool {
    (left.topic, left.partition) < (right.topic, right.partition)
  }
}

/// Where to read, or how far has been read.
public enum Offset: Sendable, Hashable {
  /// The first record that is kept.
  case beginning
  /// Behind the last record.
  case end
  /// The record with this offset, or the next one kept.
  case at(Int64)

  var library: Int64 {
    switch self {
    case .beginning: -2
    case .end: -1
    case .at(let offset): offset
    }
  }
}

/// A position to commit: the next offset to read, with what the broker is to keep beside it.
public struct OffsetCommit: Sendable, Hashable {
  public var partition: TopicPartition
  public var nextOffset: Int64
  /// Printable ASCII; at most `offset.metadata.max.bytes` of the brokers (4096 by default).
  public var metadata: String

  public init(partition: TopicPartition, nextOffset: Int64, metadata: String = "") {
    self.partition = partition
    self.nextOffset = nextOffset
    self.metadata = metadata
  }
}

/// What the group has committed for a partition.
public struct CommittedOffset: Sendable, Hashable {
  public var partition: TopicPartition
  /// nil: nothing.
  public var nextOffset: Int64?
  public var metadata: String
}

/// Owns a topic-partition list of the library.
@safe struct PartitionList: ~Copyable {
  let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

  init(capacity: Int = 8) { unsafe pointer = rd_kafka_topic_partition_list_new(Int32(capacity)) }

  init(_ partitions: [TopicPartition]) {
    self.init(capacity: partitions.count)
    for partition in partitions { add(partition) }
  }

  init(_ commits: [OffsetCommit]) {
    self.init(capacity: commits.count)
    for commit in commits { add(commit.partition, offset: commit.nextOffset, metadata: commit.metadata) }
  }

  deinit { unsafe rd_kafka_topic_partition_list_destroy(pointer) }

  /// `offset` as the library writes it; −1001: none.
  func add(_ partition: TopicPartition, offset: Int64 = -1001, metadata: String = "") {
    let element = unsafe rd_kafka_topic_partition_list_add(pointer, partition.topic, partition.partition)!
    unsafe element.pointee.offset = offset
    if !metadata.isEmpty {
      // The library frees it with the list.
      let copy = unsafe strdup(metadata)
      unsafe element.pointee.metadata = UnsafeMutableRawPointer(copy)
      unsafe element.pointee.metadata_size = metadata.utf8.count
    }
  }

  /// What the list holds now.
  func elements() -> [Element] { unsafe Self.elements(of: pointer) }

  struct Element: Sendable {
    var partition: TopicPartition
    var offset: Int64
    var metadata: String
    var error: KafkaError?
  }

  static func elements(of list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?) -> [Element] {
    guard let list = unsafe list else { return [] }
    var elements: [Element] = []
    let count = unsafe Int(list.pointee.cnt)
    for index in 0..<count {
      let element = unsafe list.pointee.elems[index]
      let partition = unsafe TopicPartition(String(cString: element.topic), element.partition)
      var metadata = ""
      if let bytes = unsafe element.metadata, unsafe element.metadata_size > 0 {
        let buffer = unsafe UnsafeRawBufferPointer(start: bytes, count: element.metadata_size)
        // Read back as a C string: some versions count its end.
        metadata = unsafe String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
      }
      let error = unsafe KafkaError(
        element.err, subject: "partition \(partition.partition) of topic \(partition.topic)")
      elements.append(
        Element(
          partition: partition, offset: unsafe element.offset, metadata: metadata, error: error))
    }
    return elements
  }
}
