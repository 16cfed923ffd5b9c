import LogModel
import Pipeline
import Triggers

/// A transactional producer over the model, with the habits of the client library: records are sent in the
/// background, requests that time out are sent again with the same sequence numbers, some errors are passing.
struct SimTransactions: ~Copyable, TransactionLog {
  private struct Waiting {
    var place: TopicPartition
    var record: LogRecord
    var isTried = false
  }

  private let process: Process
  private let world: World
  private let cluster: LogCluster
  private let id: String
  private var session: ProducerSession?
  private var waiting: [Waiting] = []
  private var sequences: [TopicPartition: Int32] = [:]
  private var failures = 0
  /// Errors so far that pass by themselves: each is another story.
  private var passing = 0
  /// Whether brokers have heard of the transaction.
  private var hasSent = false
  private(set) var stateOffsets: [Int32: Int64] = [:]
  /// Of cuts known to be committed, for a fault made on purpose.
  private var pastTexts: [Int32: String] = [:]
  private var sentTexts: [Int32: String] = [:]

  init(_ process: Process) {
    self.process = process
    world = process.world
    cluster = process.world.cluster
    id = "ebb-\(process.instance)"
  }

  private func point(_ point: CrashPoint) throws(TransactionError) {
    do throws(PipelineError) {
      try process.point(point)
    } catch {
      throw TransactionError(.fatal, name: "killed", sentence: error)
    }
    cluster.caller = process.caller
  }

  private mutating func error(
    _ kind: TransactionError.Class, _ error: KafkaError, _ what: String
  ) -> TransactionError {
    var name = "\(error)"
    if kind == .abortable, error.passes {
      passing += 1
      name += " #\(passing)"
    }
    return TransactionError(
      kind, name: name, sentence: PipelineError(.output, "\(what): \(error)", hint: ""),
      isTooLarge: error == .messageTooLarge)
  }

  /// What the library and the port over it make of an error.
  private mutating func judge(_ error: KafkaError, _ what: String) -> TransactionError {
    switch error {
    case .requestTimedOut, .networkException, .notEnoughReplicas, .notLeaderOrFollower, .notCoordinator,
      .coordinatorNotAvailable, .coordinatorLoadInProgress, .concurrentTransactions, .unstableOffsetCommit:
      self.error(.retriable, error, what)
    case .invalidProducerEpoch, .producerFenced, .invalidProducerIDMapping, .fencedInstanceID,
      .transactionalIDAuthorizationFailed:
      self.error(.fatal, error, what)
    case .invalidTxnState: self.error(.unknownOutcome, error, what)
    default: self.error(.abortable, error, what)
    }
  }

  // MARK: Calls

  mutating func initialize(timeoutMilliseconds: Int32) throws(TransactionError) {
    try point(.beforeInitialize)
    do {
      session = try cluster.initProducerID(id, timeout: world.plan.transactionTimeout)
    } catch {
      world.note("\(process): initialize: \(error)")
      throw judge(error, "initialize")
    }
    world.note("\(process): initialized, epoch \(session!.epoch)")
    clear()
    sequences.removeAll()
    try point(.afterInitialize)
  }

  private mutating func clear() {
    waiting.removeAll()
    stateOffsets.removeAll()
    sentTexts.removeAll()
    failures = 0
    hasSent = false
  }

  mutating func begin() throws(TransactionError) {
    try point(.beforeBegin)
    clear()
    process.sendings += 1
    if process.sendings == 2 { world.hit(.resent) }
  }

  mutating func write(_ record: OutputRecord, partition: Int32) throws(TransactionError) -> Bool {
    try point(.beforeWrite)
    if waiting.count >= world.plan.producerRoom {
      guard try send() else { return false }
    }
    let topic = Names.topic(record.topic)
    let place =
      record.topic == .state
      ? Names.state(partition) : TopicPartition(topic, Self.place(record.key, world.plan.alertPartitions))
    waiting.append(
      Waiting(
        place: place,
        record: LogRecord(
          key: record.key, value: record.value,
          headers: record.headers.map { RecordHeader($0.name, $0.value) }, timestamp: world.trueWall)))
    if world.dice.chance(30) { _ = try send() }
    return true
  }

  /// Which partition a key goes to: any function of it will do.
  static func place(_ key: [UInt8]?, _ count: Int) -> Int {
    (key ?? []).reduce(7) { ($0 * 31 + Int($1)) % 65_521 } % count
  }

  /// Sends the record at the head; false: it is still there.
  private mutating func send() throws(TransactionError) -> Bool {
    guard let session, let first = waiting.first else { return false }
    let sequence = sequences[first.place, default: 0]
    cluster.caller = process.caller
    waiting[0].isTried = true
    do {
      hasSent = true
      let offset = try cluster.produce(
        [first.record], to: first.place, session: session, sequence: sequence)
      if first.place.topic == Names.state { stateOffsets[Int32(first.place.partition)] = offset }
    } catch .concurrentTransactions {
      // The last transaction's markers are on their way.
      return false
    } catch {
      let judged = judge(error, "produce to \(first.place)")
      world.note("\(process): produce to \(first.place): \(error)")
      failures += 1
      if judged.class == .retriable, failures < 8 { return false }
      throw judged.class == .retriable ? self.error(.abortable, error, "records were not delivered") : judged
    }
    failures = 0
    sequences[first.place] = sequence + 1
    waiting.removeFirst()
    try point(.insideProduce)
    return true
  }

  mutating func flush(timeoutMilliseconds: Int32) throws(TransactionError) -> Bool {
    try point(.beforeFlush)
    for _ in 0..<world.dice.number(1...12) {
      guard try send() else { break }
    }
    guard waiting.isEmpty else { return false }
    try point(.afterFlush)
    return true
  }

  mutating func sendOffsets(
    _ sections: [CutSection], as membership: Membership, timeoutMilliseconds: Int32
  ) throws(TransactionError) {
    try point(.beforeOffsets)
    try point(.afterProduce)
    guard let session else { return }
    settleDelayed()
    var offsets: [TopicPartition: OffsetAndMetadata] = [:]
    for section in sections {
      offsets[Names.input(section.partition)] = OffsetAndMetadata(section.nextOffset, section.metadata)
      sentTexts[section.partition] = section.metadata
    }
    var metadata = GroupMetadata(
      group: Names.group, generation: membership.generation, memberID: membership.memberID,
      instanceID: process.instance)
    if world.mutation == .metadataFetchedAtResend {
      metadata = process.client.metadata
      if metadata.generation < 0 { metadata.instanceID = nil }
    }
    do throws(KafkaError) {
      hasSent = true
      let refused =
        world.mutation == .offsetsBeforeAlerts
        ? try cluster.offsetCommit(metadata, offsets)
        : try cluster.txnOffsetCommit(session, metadata, offsets)
      if let error = refused.values.first { throw error }
    } catch {
      world.note("\(process): offsets: \(error)")
      throw judge(error, "offsets")
    }
    try point(.afterOffsets)
  }

  /// What this producer sent before arrives before what it sends now: one connection keeps the order. (Transactions of
  /// protocol V1 could not tell a request of the last transaction from one of this.)
  private func settleDelayed() {
    while let index = cluster.delayedRequests.firstIndex(where: { $0.isEnding(session) }) {
      let error = cluster.deliverDelayed(at: index)
      world.note("\(process): a delayed request arrives\(error.map { ": \($0)" } ?? "")")
    }
  }

  mutating func commit(timeoutMilliseconds: Int32) throws(TransactionError) {
    try point(.beforeCommit)
    guard let session else { return }
    settleDelayed()
    do {
      try cluster.endTransaction(session, .committed)
    } catch .requestTimedOut {
      world.note("\(process): commit: no answer")
      // The library goes on for a while, and then it is not known.
      throw self.error(
        world.dice.chance(50) ? .unknownOutcome : .retriable, .requestTimedOut, "the commit has no answer")
    } catch .invalidTxnState where world.mutation == .offsetsBeforeAlerts {
      // Offsets alone make no transaction.
    } catch {
      world.note("\(process): commit: \(error)")
      throw judge(error, "commit")
    }
    for (partition, text) in sentTexts { pastTexts[partition] = text }
    try point(.afterCommit)
  }

  mutating func abort(timeoutMilliseconds: Int32) throws(TransactionError) {
    try point(.beforeAbort)
    guard let current = session else { return }
    settleDelayed()
    let isUncertain = waiting.contains(where: \.isTried)
    do {
      if hasSent { try cluster.endTransaction(current, .aborted) }
    } catch .invalidTxnState {
      // Nothing of it had reached the coordinator.
    } catch {
      world.note("\(process): abort: \(error)")
      throw judge(error, "abort")
    }
    hasSent = false
    clear()
    if isUncertain {
      // A batch that may or may not be there leaves a gap in the numbers: the library asks for a new epoch.
      do {
        session = try cluster.initProducerID(id, timeout: world.plan.transactionTimeout, current: current)
        sequences.removeAll()
      } catch {
        // A new producer will do.
        throw self.error(.unknownOutcome, error, "a new epoch")
      }
    }
    try point(.afterAbort)
  }

  mutating func committed(
    _ partitions: [Int32], timeoutMilliseconds: Int32
  ) throws(TransactionError) -> [Int32: String?] {
    try point(.beforeReadBack)
    var texts: [Int32: String?] = [:]
    do throws(KafkaError) {
      let found = try cluster.offsetFetch(Names.group, partitions.map(Names.input))
      for partition in partitions {
        guard let answer = found[Names.input(partition)] else { continue }
        if let error = answer.error { throw error }
        texts[partition] = .some(answer.offset < 0 ? nil : answer.metadata)
      }
    } catch {
      world.note("\(process): reading back: \(error)")
      throw judge(error, "reading back")
    }
    if world.mutation == .resendWithoutCutNumber {
      for partition in partitions { texts[partition] = .some(pastTexts[partition]) }
    }
    try point(.afterReadBack)
    return texts
  }
}

extension DelayedRequest {
  /// Whether it is about the offsets or the end of a session's transaction.
  fileprivate func isEnding(_ current: ProducerSession?) -> Bool {
    switch self {
    case .txnOffsetCommit(let session, _, _), .endTransaction(let session, _): session == current
    case .produce, .initProducerID, .offsetCommit: false
    }
  }
}

extension KafkaError {
  /// Whether its cause passes by itself: brokers that are away, a group on the move.
  fileprivate var passes: Bool {
    switch self {
    case .illegalGeneration, .unknownMemberID, .rebalanceInProgress, .requestTimedOut, .networkException,
      .notEnoughReplicas, .notLeaderOrFollower, .notCoordinator, .coordinatorNotAvailable,
      .coordinatorLoadInProgress:
      true
    default: false
    }
  }
}
