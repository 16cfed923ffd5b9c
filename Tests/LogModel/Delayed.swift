/// A request that is on its way while its sender has given up waiting.
public enum DelayedRequest: Hashable, Sendable {
  case produce(records: [LogRecord], place: TopicPartition, session: ProducerSession?, sequence: Int32?)
  case initProducerID(transactionalID: String?, timeout: Int64, current: ProducerSession?)
  case txnOffsetCommit(
    session: ProducerSession, metadata: GroupMetadata, offsets: [TopicPartition: OffsetAndMetadata])
  case endTransaction(session: ProducerSession, outcome: Outcome)
  case offsetCommit(metadata: GroupMetadata, offsets: [TopicPartition: OffsetAndMetadata])
}

extension LogCluster {
  /// A delayed request arrives. Returns the error of the answer, which nobody waits for; nil: it had its effect.
  @discardableResult
  public func deliverDelayed(at index: Int) -> KafkaError? {
    let request = delayedRequests.remove(at: index)
    do {
      switch request {
      case .produce(let records, let place, let session, let sequence):
        _ = try append(records, to: place, session: session, sequence: sequence)
      case .initProducerID(let id, let timeout, let current):
        _ = try initialize(id, timeout: timeout, current: current)
      case .txnOffsetCommit(let session, let metadata, let offsets):
        return first(of: try commit(session, metadata, offsets))
      case .endTransaction(let session, let outcome): try end(session, outcome)
      case .offsetCommit(let metadata, let offsets): return first(of: try commit(metadata, offsets))
      }
      return nil
    } catch {
      return error
    }
  }

  /// The error of the first partition that was refused.
  private func first(of refused: [TopicPartition: KafkaError]) -> KafkaError? {
    refused.min { $0.key < $1.key }?.value
  }

  /// The delayed requests never arrive.
  public func forgetDelayed() {
    delayedRequests.removeAll()
  }
}
