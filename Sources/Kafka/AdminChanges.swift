import CRdKafka

// What changes or removes what is there already. The daemon does none of this: whoever has made topics for a while,
// such as a test on a cluster that others use too, puts it back in order with it.
extension Admin {
  /// Deletes topics with all that is in them.
  ///
  /// - Returns: for each topic nil, or why it is still there.
  public func delete(topics: [String], timeoutMilliseconds: Int32) throws(KafkaError) -> [String: KafkaError?]
  {
    guard !topics.isEmpty else { return [:] }
    let event = try unsafe AdminEvent.ask(client, timeoutMilliseconds: timeoutMilliseconds) {
      options, queue in
      var names = unsafe topics.map { unsafe rd_kafka_DeleteTopic_new($0) }
      unsafe rd_kafka_DeleteTopics(client.pointer, &names, names.count, options, queue)
      unsafe names.forEach { unsafe rd_kafka_DeleteTopic_destroy($0) }
    }
    var outcomes: [String: KafkaError?] = [:]
    var count = 0
    let results = unsafe rd_kafka_DeleteTopics_result_topics(
      rd_kafka_event_DeleteTopics_result(event.pointer), &count)
    for index in 0..<count {
      guard let result = unsafe results?[index] else { continue }
      let name = unsafe String(cString: rd_kafka_topic_result_name(result))
      outcomes[name] = .some(
        unsafe KafkaError(rd_kafka_topic_result_error(result), subject: "topic \(name)"))
    }
    return outcomes
  }

  /// Gives a topic more partitions.
  ///
  /// - Parameter partitions: how many it then has.
  public func grow(topic: String, to partitions: Int, timeoutMilliseconds: Int32) throws(KafkaError) {
    var text = [CChar](repeating: 0, count: 512)
    let request = unsafe rd_kafka_NewPartitions_new(topic, partitions, &text, text.count)
    guard let request = unsafe request else {
      throw KafkaError(code: .invalidArgument, subject: "topic \(topic)", cause: text.text)
    }
    defer { unsafe rd_kafka_NewPartitions_destroy(request) }
    let event = try unsafe AdminEvent.ask(client, timeoutMilliseconds: timeoutMilliseconds) {
      options, queue in
      var requests: [OpaquePointer?] = unsafe [request]
      unsafe rd_kafka_CreatePartitions(client.pointer, &requests, 1, options, queue)
    }
    var count = 0
    let results = unsafe rd_kafka_CreatePartitions_result_topics(
      rd_kafka_event_CreatePartitions_result(event.pointer), &count)
    if count > 0, let result = unsafe results?[0],
      let error = unsafe KafkaError(rd_kafka_topic_result_error(result), subject: "topic \(topic)")
    {
      throw error
    }
  }

  /// Deletes the records before an offset of each partition. Brokers refuse it for topics that are only compacted.
  public func deleteRecords(
    before offsets: [TopicPartition: Int64], timeoutMilliseconds: Int32
  ) throws(KafkaError) {
    let list = PartitionList(capacity: offsets.count)
    for (partition, offset) in offsets { list.add(partition, offset: offset) }
    let request = unsafe rd_kafka_DeleteRecords_new(list.pointer)
    defer { unsafe rd_kafka_DeleteRecords_destroy(request) }
    let event = try unsafe AdminEvent.ask(client, timeoutMilliseconds: timeoutMilliseconds) {
      options, queue in
      var requests: [OpaquePointer?] = unsafe [request]
      unsafe rd_kafka_DeleteRecords(client.pointer, &requests, 1, options, queue)
    }
    let results = unsafe PartitionList.elements(
      of: UnsafeMutablePointer(
        mutating: rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event.pointer))))
    for result in results {
      if let error = result.error { throw error }
    }
  }

  /// Deletes a consumer group and its committed positions. Brokers refuse it while the group has members.
  public func delete(group: String, timeoutMilliseconds: Int32) throws(KafkaError) {
    let request = unsafe rd_kafka_DeleteGroup_new(group)
    defer { unsafe rd_kafka_DeleteGroup_destroy(request) }
    let event = try unsafe AdminEvent.ask(client, timeoutMilliseconds: timeoutMilliseconds) {
      options, queue in
      var requests: [OpaquePointer?] = unsafe [request]
      unsafe rd_kafka_DeleteGroups(client.pointer, &requests, 1, options, queue)
    }
    var count = 0
    let results = unsafe rd_kafka_DeleteGroups_result_groups(
      rd_kafka_event_DeleteGroups_result(event.pointer), &count)
    if count > 0, let result = unsafe results?[0] {
      try unsafe Self.check(rd_kafka_group_result_error(result), subject: "group \(group)")
    }
  }

  /// What a group has committed, read from outside and without waiting for transactions that are under way.
  public func committed(
    group: String, _ partitions: [TopicPartition], timeoutMilliseconds: Int32
  ) throws(KafkaError) -> [CommittedOffset] {
    let list = PartitionList(partitions)
    let request = unsafe rd_kafka_ListConsumerGroupOffsets_new(group, list.pointer)
    defer { unsafe rd_kafka_ListConsumerGroupOffsets_destroy(request) }
    let event = try unsafe AdminEvent.ask(client, timeoutMilliseconds: timeoutMilliseconds) {
      options, queue in
      var requests: [OpaquePointer?] = unsafe [request]
      unsafe rd_kafka_ListConsumerGroupOffsets(client.pointer, &requests, 1, options, queue)
    }
    var count = 0
    let results = unsafe rd_kafka_ListConsumerGroupOffsets_result_groups(
      rd_kafka_event_ListConsumerGroupOffsets_result(event.pointer), &count)
    guard count > 0, let result = unsafe results?[0] else { return [] }
    try unsafe Self.check(rd_kafka_group_result_error(result), subject: "group \(group)")
    let elements = unsafe PartitionList.elements(
      of: UnsafeMutablePointer(mutating: rd_kafka_group_result_partitions(result)))
    return elements.compactMap { element in
      guard element.error == nil else { return nil }
      return CommittedOffset(
        partition: element.partition, nextOffset: element.offset >= 0 ? element.offset : nil,
        metadata: element.metadata)
    }
  }

  private static func check(_ error: OpaquePointer?, subject: String) throws(KafkaError) {
    guard let error = unsafe error else { return }
    // Owned by the answer that it stands in.
    if let error = unsafe KafkaError(rd_kafka_error_code(error), subject: subject) { throw error }
  }
}

extension KafkaError.Code {
  public static let groupNotFound = Self(rawValue: 69)
}
