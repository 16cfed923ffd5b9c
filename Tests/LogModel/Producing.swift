/// Bytes of an empty batch.
private let batchOverhead = 61

extension LogCluster {
  /// Appends records as one batch and returns the offset of the first.
  ///
  /// In a transaction the partition is added to it first, as the client does. A session that was fenced while its
  /// transaction is open in this partition writes on until the abort marker comes: the client has no reason to
  /// ask the coordinator again, and the partition knows no newer epoch yet.
  ///
  /// - Parameters:
  ///   - session: nil for a producer that is not idempotent.
  ///   - sequence: the batch's sequence number in this partition, from 0 in each epoch; one of the last five
  ///     batches again is acknowledged and not appended. Nil: no check; give it wherever a batch can be sent twice
  ///     or arrive late, for the epoch stays the same from one transaction to the next.
  /// - Throws: `.messageTooLarge` for a batch above `max.message.bytes`, `.invalidRecord` for a record without a
  ///   key in a compacted topic, `.invalidProducerEpoch`, `.outOfOrderSequenceNumber`, what `addPartitions`
  ///   throws, faults. Nothing of a refused batch is appended.
  @discardableResult
  public func produce(
    _ records: [LogRecord], to place: TopicPartition, session: ProducerSession? = nil, sequence: Int32? = nil
  ) throws(KafkaError) -> Int64 {
    // An outage is met first by the request that is sent first.
    if let session, session.transactionalID != nil, try !writesUnasked(session, to: place) {
      try addPartitions(session, [place])
    }
    let effect = try admit(.produce, place: place, records: records)
    if effect == .delay {
      delayedRequests.append(
        .produce(records: records, place: place, session: session, sequence: sequence))
      throw .requestTimedOut
    }
    return try answer(effect) { () throws(KafkaError) in
      try append(records, to: place, session: session, sequence: sequence)
    }
  }

  /// Whether the client has added the partition already and only the coordinator knows that it is fenced.
  private func writesUnasked(
    _ session: ProducerSession, to place: TopicPartition
  ) throws(KafkaError) -> Bool {
    guard let id = session.transactionalID, let transaction = transactions[id],
      transaction.isStale(session)
    else { return false }
    let log = try log(place)
    return log.hasOpenTransaction(of: session)
  }

  /// What the partition's leader does with a batch.
  func append(
    _ records: [LogRecord], to place: TopicPartition, session: ProducerSession?, sequence: Int32?
  ) throws(KafkaError) -> Int64 {
    guard let topic = topics[place.topic], topic.partitions.indices.contains(place.partition) else {
      throw .unknownTopicOrPartition
    }
    let log = topic.partitions[place.partition]
    var size = batchOverhead
    for record in records {
      size += record.size
      if record.key == nil, topic.settings.cleanupPolicy.compacts { throw .invalidRecord }
    }
    if size > topic.settings.maxMessageBytes { throw .messageTooLarge }
    // The leader verifies with the coordinator unless the transaction is open here (KIP-890, part 1).
    if let session, let id = session.transactionalID, !log.hasOpenTransaction(of: session) {
      if let known = log.producers[session.producerID], session.epoch < known.epoch {
        throw .invalidProducerEpoch
      }
      try verify(session, id) { $0.partitions.contains(place) }
    }
    return try log.append(records, session: session, sequence: sequence)
  }
}
