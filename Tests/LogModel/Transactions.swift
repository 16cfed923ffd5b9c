/// What the coordinator knows of a transactional id.
///
/// ```
///                 add partitions, offsets
///   empty, complete ───────────────────────► ongoing
///        ▲                                      │ end, fencing, timeout
///        │ last marker                          ▼
///        └──────────────────────────── prepare (commit or abort)
/// ```
final class TransactionState {
  enum Phase: Hashable {
    case empty
    case ongoing
    case prepared(Outcome)
    case complete(Outcome)
  }

  let id: String
  var producerID: Int64
  /// −1 before the first answer.
  var epoch: Int16 = -1
  /// The epoch before the last bump that its producer asked for by name, for a repeated request.
  var lastEpoch: Int16 = -1
  var previousProducerID: Int64 = -1
  var timeout: Int64
  var phase = Phase.empty
  var started: Int64 = 0
  var partitions: [TopicPartition] = []
  var groups: [String] = []
  var markersLeft = 0

  init(id: String, producerID: Int64, timeout: Int64) {
    self.id = id
    self.producerID = producerID
    self.timeout = timeout
  }

  /// Whether the coordinator has gone on to a later epoch than the session's.
  func isStale(_ session: ProducerSession) -> Bool {
    session.producerID == producerID ? session.epoch < epoch : session.producerID == previousProducerID
  }
}

/// `isProducerEpochExhausted`: the last epoch is kept for fencing.
private let exhaustedEpoch = Int16.max - 1

/// A transaction whose outcome is decided.
public struct DecidedTransaction: Hashable, Sendable {
  public var transactionalID: String
  public var producerID: Int64
  /// The epoch on its markers: one more than its producer's if it was fenced or timed out.
  public var epoch: Int16
  public var outcome: Outcome
  /// When it was decided.
  public var time: Int64
  /// In the order in which they were added.
  public var partitions: [TopicPartition]
  public var groups: [String]
}

/// What a transactional id is doing.
public enum TransactionStatus: Hashable, Sendable {
  case empty
  case ongoing
  /// Decided; markers are missing.
  case preparing(Outcome)
  case complete(Outcome)
}

extension LogCluster {
  /// InitProducerId: a new epoch. An open transaction is aborted and the caller told to ask again.
  ///
  /// - Parameters:
  ///   - transactionalID: nil for an idempotent producer, which gets a new producer id.
  ///   - timeout: the transaction timeout in milliseconds.
  ///   - current: the session whose epoch is to be bumped (KIP-360); nil for a new producer.
  /// - Throws: `.concurrentTransactions` while markers are missing or when a transaction had to be aborted first,
  ///   `.producerFenced` if `current` is not the id's, `.invalidTransactionTimeout`, faults.
  public func initProducerID(
    _ transactionalID: String?, timeout: Int64 = 60_000, current: ProducerSession? = nil
  ) throws(KafkaError) -> ProducerSession {
    let effect = try admit(.initProducerID)
    if effect == .delay {
      delayedRequests.append(
        .initProducerID(transactionalID: transactionalID, timeout: timeout, current: current))
      throw .requestTimedOut
    }
    return try answer(effect) { () throws(KafkaError) in
      try initialize(transactionalID, timeout: timeout, current: current)
    }
  }

  func initialize(
    _ transactionalID: String?, timeout: Int64, current: ProducerSession?
  ) throws(KafkaError) -> ProducerSession {
    guard let id = transactionalID else {
      return ProducerSession(transactionalID: nil, producerID: newProducerID(), epoch: 0)
    }
    guard timeout > 0, timeout <= configuration.transactionMaxTimeoutMilliseconds else {
      throw .invalidTransactionTimeout
    }
    let transaction = transaction(id, timeout: timeout)
    if let current, transaction.epoch >= 0, current.producerID != transaction.producerID,
      current.producerID != transaction.previousProducerID || current.epoch < exhaustedEpoch
    {
      throw .producerFenced
    }
    switch transaction.phase {
    case .prepared: throw .concurrentTransactions
    case .ongoing:
      fence(transaction)
      throw .concurrentTransactions
    case .empty, .complete: break
    }
    if transaction.epoch >= exhaustedEpoch, current == nil || current?.epoch == transaction.epoch {
      transaction.previousProducerID = transaction.producerID
      transaction.producerID = newProducerID()
      transaction.lastEpoch = current == nil ? -1 : transaction.epoch
      transaction.epoch = 0
    } else if let current, transaction.epoch >= 0, current.epoch != transaction.epoch {
      // The same request again, whose answer was lost, gets the same answer.
      guard current.epoch == transaction.lastEpoch else { throw .producerFenced }
    } else {
      transaction.lastEpoch = current == nil ? -1 : transaction.epoch
      transaction.epoch += 1
    }
    transaction.timeout = timeout
    // A complete id becomes an empty one, so that an end without a transaction is an error again.
    transaction.phase = .empty
    return ProducerSession(transactionalID: id, producerID: transaction.producerID, epoch: transaction.epoch)
  }

  private func transaction(_ id: String, timeout: Int64) -> TransactionState {
    if let known = transactions[id] { return known }
    let new = TransactionState(id: id, producerID: newProducerID(), timeout: timeout)
    transactions[id] = new
    transactionOrder.append(new)
    return new
  }

  /// AddPartitionsToTxn: begins the transaction with the first partition. `produce` does it by itself.
  ///
  /// Errors: `.invalidProducerIDMapping` for an unknown id, `.invalidProducerEpoch` for a fenced session,
  /// `.concurrentTransactions` while markers of the last transaction are missing, `.unknownTopicOrPartition`,
  /// faults.
  public func addPartitions(
    _ session: ProducerSession, _ places: [TopicPartition]
  ) throws(KafkaError) {
    // A client asks once per transaction; what is in it already costs no request and meets no fault.
    if let id = session.transactionalID, let known = transactions[id], known.phase == .ongoing,
      known.epoch == session.epoch, known.producerID == session.producerID,
      places.allSatisfy(known.partitions.contains)
    {
      return
    }
    try answer(.addPartitions, place: places.first) { () throws(KafkaError) in
      guard places.allSatisfy(has) else { throw .unknownTopicOrPartition }
      let transaction = try begin(session)
      for place in places where !transaction.partitions.contains(place) {
        transaction.partitions.append(place)
      }
    }
  }

  /// The transaction of a session that may add to it, begun if need be.
  func begin(_ session: ProducerSession) throws(KafkaError) -> TransactionState {
    let transaction = try current(session)
    if case .prepared = transaction.phase { throw .concurrentTransactions }
    if transaction.phase != .ongoing {
      transaction.phase = .ongoing
      transaction.started = now
      transaction.partitions = []
      transaction.groups = []
    }
    return transaction
  }

  /// The state of a session's id, if the session is the current one.
  private func current(_ session: ProducerSession) throws(KafkaError) -> TransactionState {
    guard let id = session.transactionalID, let transaction = transactions[id],
      transaction.producerID == session.producerID
    else { throw .invalidProducerIDMapping }
    // PRODUCER_FENCED, which the versions of old clients know as INVALID_PRODUCER_EPOCH.
    guard transaction.epoch == session.epoch else { throw .invalidProducerEpoch }
    return transaction
  }

  /// The check that a leader makes with the coordinator before a transaction's first batch.
  func verify(
    _ session: ProducerSession, _ id: String, _ isAdded: (TransactionState) -> Bool
  ) throws(KafkaError) {
    let transaction = try current(session)
    // CONCURRENT_TRANSACTIONS, in the words that make an old client send the batch again.
    if case .prepared = transaction.phase { throw .notEnoughReplicas }
    guard transaction.phase == .ongoing, isAdded(transaction) else { throw .invalidTxnState }
  }

  /// EndTxn: decides the outcome. The markers follow, partition by partition.
  ///
  /// A repeated request is answered `.concurrentTransactions` while markers are missing and with success after
  /// that; the other outcome is `.invalidTxnState`, and so is an end without a transaction. Errors besides:
  /// `.invalidProducerEpoch`, `.invalidProducerIDMapping`, faults.
  public func endTransaction(_ session: ProducerSession, _ outcome: Outcome) throws(KafkaError) {
    let effect = try admit(.endTransaction)
    if effect == .delay {
      delayedRequests.append(.endTransaction(session: session, outcome: outcome))
      throw .requestTimedOut
    }
    try answer(effect) { () throws(KafkaError) in try end(session, outcome) }
  }

  func end(_ session: ProducerSession, _ outcome: Outcome) throws(KafkaError) {
    let transaction = try current(session)
    switch transaction.phase {
    case .ongoing: decide(transaction, outcome)
    case .complete(let past): if past != outcome { throw .invalidTxnState }
    case .prepared(let past): throw past == outcome ? .concurrentTransactions : .invalidTxnState
    case .empty: throw .invalidTxnState
    }
  }

  /// Aborts an open transaction under a later epoch, which no producer is given.
  func fence(_ transaction: TransactionState) {
    transaction.epoch += 1
    transaction.lastEpoch = -1
    decide(transaction, .aborted)
  }

  /// What a transactional id is doing; nil for an unknown one. No request, no faults.
  public func transactionStatus(_ transactionalID: String) -> TransactionStatus? {
    switch transactions[transactionalID]?.phase {
    case nil: nil
    case .empty: .empty
    case .ongoing: .ongoing
    case .prepared(let outcome): .preparing(outcome)
    case .complete(let outcome): .complete(outcome)
    }
  }
}
