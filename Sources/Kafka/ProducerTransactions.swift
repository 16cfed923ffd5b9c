import CRdKafka

// The transactional calls. Errors say in their class what to do: the same call again (retriable), `abort` and a new
// transaction (abortable), a fresh process (fatal or other).
extension Producer {
  /// Claims the transactional id: ends what a predecessor left open, and shuts it out. Once, before the first
  /// transaction.
  public func initializeTransactions(timeoutMilliseconds: Int32) throws(KafkaError) {
    try unsafe check(rd_kafka_init_transactions(client.pointer, timeoutMilliseconds))
  }

  public func beginTransaction() throws(KafkaError) {
    try unsafe check(rd_kafka_begin_transaction(client.pointer))
  }

  /// Makes the positions part of the transaction.
  ///
  /// - Parameter group: as taken when the partitions were assigned. The call with no offsets does nothing at all
  ///   and would leave the transaction unfenced, so there must be one.
  public func sendOffsets(
    _ offsets: [OffsetCommit], group: borrowing GroupMetadata, timeoutMilliseconds: Int32
  ) throws(KafkaError) {
    precondition(!offsets.isEmpty, "a transaction carries the offset of every partition that it touches")
    let list = PartitionList(offsets)
    try unsafe check(
      rd_kafka_send_offsets_to_transaction(
        client.pointer, list.pointer, group.pointer, timeoutMilliseconds))
  }

  /// Flushes and commits. When it timed out the outcome is unknown: call it again until it is known.
  public func commitTransaction(timeoutMilliseconds: Int32) throws(KafkaError) {
    try unsafe check(rd_kafka_commit_transaction(client.pointer, timeoutMilliseconds))
  }

  /// Drops the open transaction and what waits to be sent for it.
  public func abortTransaction(timeoutMilliseconds: Int32) throws(KafkaError) {
    try unsafe check(rd_kafka_abort_transaction(client.pointer, timeoutMilliseconds))
  }

  private func check(_ error: OpaquePointer?) throws(KafkaError) {
    if let error = unsafe KafkaError(taking: error, subject: "the transaction") { throw error }
  }
}
