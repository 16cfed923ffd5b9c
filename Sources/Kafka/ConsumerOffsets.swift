import CRdKafka

// Questions to the brokers about positions; each waits for the answer, at most so long.
extension Consumer {
  /// What the group has committed for these partitions.
  public func committed(_ partitions: [TopicPartition], timeoutMilliseconds: Int32) throws(KafkaError)
    -> [CommittedOffset]
  {
    guard !partitions.isEmpty else { return [] }
    let list = PartitionList(partitions)
    if let error = KafkaError(
      unsafe rd_kafka_committed(client.pointer, list.pointer, timeoutMilliseconds),
      subject: "the consumer group")
    {
      throw error
    }
    var committed: [CommittedOffset] = []
    for element in list.elements() {
      if let error = element.error { throw error }
      committed.append(
        CommittedOffset(
          partition: element.partition, nextOffset: element.offset >= 0 ? element.offset : nil,
          metadata: element.metadata))
    }
    return committed
  }

  /// The first offset that is kept, and the one behind the last record.
  ///
  /// Not by `rd_kafka_query_watermark_offsets`: that of librdkafka 2.0.2 waits for ever, whatever its timeout, when
  /// the leader goes away in between.
  public func watermarks(of partition: TopicPartition, timeoutMilliseconds: Int32) throws(KafkaError)
    -> (low: Int64, high: Int64)
  {
    try followingLeaders(timeoutMilliseconds) { () throws(KafkaError) in
      let low = try edge(Int64(RD_KAFKA_OFFSET_BEGINNING), of: partition, timeoutMilliseconds)
      let high = try edge(Int64(RD_KAFKA_OFFSET_END), of: partition, timeoutMilliseconds)
      return (low, high)
    }
  }

  /// Asks for the leaders anew after trouble that passes, and once more when they had moved: librdkafka 2.0.2 puts
  /// these questions to the leaders that it knew until its metadata expire, minutes later, whatever they say.
  private func followingLeaders<Answer>(
    _ timeoutMilliseconds: Int32, _ ask: () throws(KafkaError) -> Answer
  ) throws(KafkaError) -> Answer {
    do {
      return try ask()
    } catch {
      guard error.class == .retriable else { throw error }
      _ = try? client.describeTopics(timeoutMilliseconds: min(timeoutMilliseconds, 1_000))
      guard error.code == .notLeader else { throw error }
      return try ask()
    }
  }

  /// One end of a partition, which the protocol asks for by a negative time.
  private func edge(
    _ end: Int64, of partition: TopicPartition, _ timeoutMilliseconds: Int32
  ) throws(KafkaError) -> Int64 {
    let subject = "partition \(partition.partition) of topic \(partition.topic)"
    let list = PartitionList(capacity: 1)
    list.add(partition, offset: end)
    if let error = KafkaError(
      unsafe rd_kafka_offsets_for_times(client.pointer, list.pointer, timeoutMilliseconds), subject: subject)
    {
      throw error
    }
    guard let element = list.elements().first, element.error == nil else {
      throw list.elements().first?.error ?? KafkaError(code: .timedOut, subject: subject)
    }
    // What has not been answered in time stands there as it was asked.
    guard element.offset >= 0 else { throw KafkaError(code: .timedOut, subject: subject) }
    return element.offset
  }

  /// For each partition the first record at or after a time; nil: there is none yet.
  ///
  /// - Parameter timestamp: milliseconds since 1970 UTC.
  public func offsets(
    at timestamp: Int64, in partitions: [TopicPartition], timeoutMilliseconds: Int32
  ) throws(KafkaError) -> [TopicPartition: Int64?] {
    guard !partitions.isEmpty else { return [:] }
    return try followingLeaders(timeoutMilliseconds) { () throws(KafkaError) in
      try ask(for: timestamp, in: partitions, timeoutMilliseconds)
    }
  }

  private func ask(
    for timestamp: Int64, in partitions: [TopicPartition], _ timeoutMilliseconds: Int32
  ) throws(KafkaError) -> [TopicPartition: Int64?] {
    let list = PartitionList(capacity: partitions.count)
    for partition in partitions { list.add(partition, offset: timestamp) }
    if let error = KafkaError(
      unsafe rd_kafka_offsets_for_times(client.pointer, list.pointer, timeoutMilliseconds))
    {
      throw error
    }
    var offsets: [TopicPartition: Int64?] = [:]
    for element in list.elements() {
      if let error = element.error { throw error }
      offsets[element.partition] = .some(element.offset >= 0 ? element.offset : nil)
    }
    return offsets
  }

  /// Commits and waits for the answer.
  public func commit(_ offsets: [OffsetCommit], timeoutMilliseconds: Int32) throws(KafkaError) {
    let committer = makeCommitter()
    committer.begin(offsets, tag: 0)
    guard let outcome = committer.wait(timeoutMilliseconds: timeoutMilliseconds) else {
      throw KafkaError(code: .timedOut, subject: "the group's coordinator")
    }
    if let error = outcome.error { throw error }
  }

  /// For committing from where the consumer itself is not at hand.
  public func makeCommitter() -> OffsetCommitter { OffsetCommitter(client: client, group: group) }
}

/// Commits offsets for a consumer's group. Outlives the consumer if need be; then commits fail.
///
/// `@unchecked`: librdkafka's queues may be used from any thread.
@safe public struct OffsetCommitter: ~Copyable, @unchecked Sendable {
  /// What became of one commit.
  public struct Outcome: Sendable {
    public var tag: UInt
    /// nil: the coordinator has it.
    public var error: KafkaError?
  }

  private let client: ClientHandle
  private let group: String
  private let queue: OpaquePointer

  init(client: ClientHandle, group: String) {
    self.client = client
    self.group = group
    unsafe queue = rd_kafka_queue_new(client.pointer)
  }

  deinit { unsafe rd_kafka_queue_destroy(queue) }

  /// Sends a commit and returns at once; `wait` tells what became of it.
  public func begin(_ offsets: [OffsetCommit], tag: UInt) {
    let list = PartitionList(offsets)
    // Fails only for a client without a group, which a consumer is not.
    _ = unsafe rd_kafka_commit_queue(
      client.pointer, list.pointer, queue, nil, UnsafeMutableRawPointer(bitPattern: tag))
  }

  /// The outcome of the earliest commit not yet told of, or nil after so long.
  public func wait(timeoutMilliseconds: Int32) -> Outcome? {
    guard let event = unsafe rd_kafka_queue_poll(queue, timeoutMilliseconds) else { return nil }
    defer { unsafe rd_kafka_event_destroy(event) }
    let tag = unsafe UInt(bitPattern: rd_kafka_event_opaque(event))
    let subject = "the offset commit"
    if let error = unsafe KafkaError(rd_kafka_event_error(event), subject: subject) {
      return Outcome(tag: tag, error: error.doing(.commit(group: group)))
    }
    let elements = unsafe PartitionList.elements(of: rd_kafka_event_topic_partition_list(event))
    guard let element = elements.first(where: { $0.error != nil }) else { return Outcome(tag: tag) }
    // Positions of a topic are committed by those who may read it.
    return Outcome(
      tag: tag,
      error: element.error?.doing(.commit(group: group)).doing(.read(topic: element.partition.topic)))
  }
}
