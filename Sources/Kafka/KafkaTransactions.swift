import Pipeline
import Synchronization

/// The log that a lane writes to in transactions: one producer with a stable id, which a new one shuts out.
///
/// Calls block, at most about as long as they say. Errors of the library become what `TransactionError` can say of
/// them:
///
/// | what the library says | class |
/// |---|---|
/// | retriable | retriable: the same call again |
/// | the same of a commit or an abort since longer than the transaction's timeout | the outcome is not known |
/// | the transaction must be aborted | abortable |
/// | the brokers have ended the transaction on their own, as after a timeout (`INVALID_TXN_STATE`) | the outcome is not known |
/// | fatal, none of these, or fenced under whatever flag | fatal |
///
/// An abortable error whose cause passes by itself (a coordinator that is away, a group on the move) gets another
/// name each time: only what comes twice in the same words ends a cut.
public struct KafkaTransactions: TransactionLog, ~Copyable {
  /// What a lane's transactions are to be.
  public struct Options: Sendable {
    public var properties: ClientProperties
    /// `<group>-<instance>-<lane>`, so that a restart ends what its predecessor left open.
    public var transactionalID: String
    /// After this the brokers abort a transaction on their own, milliseconds.
    public var transactionTimeoutMilliseconds: Int64
    /// Whose offsets are committed.
    public var group: String
    public var inputTopic: String
    public var topics: [OutputTopic: String]
    public var callbacks: ClientCallbacks
    /// Called on the thread that drives the transactions.
    public var notice: @Sendable (KafkaNotice) -> Void

    public init(
      properties: ClientProperties, transactionalID: String, transactionTimeoutMilliseconds: Int64 = 15_000,
      group: String, inputTopic: String, topics: [OutputTopic: String], callbacks: ClientCallbacks = .init(),
      notice: @escaping @Sendable (KafkaNotice) -> Void
    ) {
      self.properties = properties
      self.transactionalID = transactionalID
      self.transactionTimeoutMilliseconds = transactionTimeoutMilliseconds
      self.group = group
      self.inputTopic = inputTopic
      self.topics = topics
      self.callbacks = callbacks
      self.notice = notice
    }

    /// The properties of its producers.
    var producerProperties: ClientProperties {
      let timeout = String(transactionTimeoutMilliseconds)
      // No lingering: a cut is handed over as a whole. Neither a record nor a request may outlive its transaction.
      var all = ClientProperties(["linger.ms": "0"]).overridden(by: properties)
      let socket = all["socket.timeout.ms"] ?? ClientProperties.forEveryClient["socket.timeout.ms"]
      if Int64(socket ?? "") ?? .max > transactionTimeoutMilliseconds { all["socket.timeout.ms"] = timeout }
      return all.overridden(
        by: ClientProperties([
          "transactional.id": transactionalID, "transaction.timeout.ms": timeout,
          "message.timeout.ms": timeout,
        ]))
    }
  }

  private let options: Options
  private let deliveries = Deliveries()
  private var producer: Producer?
  /// Whether the producer has claimed the id.
  private var isInitialized = false
  /// Asks for committed positions; made when it is first needed, and nobody's member.
  private var reader: Consumer?
  /// Counts transactions: late reports of an earlier one bear an older number.
  private var generation: UInt = 0
  /// Since when the present commit or abort is tried.
  private var endingSince: ContinuousClock.Instant?
  private var passing = 0
  private var repeated = RepeatedNotices()

  public init(_ options: Options) throws(PipelineError) {
    for topic in OutputTopic.allCases {
      precondition(options.topics[topic] != nil, "every output topic needs a name")
    }
    self.options = options
    // Once here, so that a property that is not valid is told of at the start.
    producer = try endingLane { () throws(KafkaError) in
      try Self.makeProducer(options, deliveries)
    }
  }

  private static func makeProducer(
    _ options: Options, _ deliveries: Deliveries
  ) throws(KafkaError) -> Producer {
    try Producer(
      properties: options.producerProperties, callbacks: options.callbacks,
      compression: [options.topics[.state]!: ClientProperties.stateCompression]
    ) { deliveries.note($0) }
  }

  // MARK: The transaction's steps

  public mutating func initialize(timeoutMilliseconds: Int32) throws(TransactionError) {
    if isInitialized {
      // Destroyed before the next one is made.
      producer = nil
      isInitialized = false
    }
    endingSince = nil
    nextGeneration()
    do throws(KafkaError) {
      if producer == nil { producer = try Self.makeProducer(options, deliveries) }
      try producer!.initializeTransactions(timeoutMilliseconds: timeoutMilliseconds)
    } catch {
      // One that the library does not want to be called again for is of no further use.
      if error.class != .retriable { producer = nil }
      throw judged(error)
    }
    isInitialized = true
    told()
  }

  public mutating func begin() throws(TransactionError) {
    endingSince = nil
    nextGeneration()
    try call { producer throws(KafkaError) in try producer.beginTransaction() }
  }

  public mutating func write(_ record: OutputRecord, partition: Int32) throws(TransactionError) -> Bool {
    let headers = HeaderList(record.headers.map { RecordHeader($0.name, $0.value) })
    let isState = record.topic == .state
    let tag = Deliveries.tag(generation, isState: isState)
    do throws(KafkaError) {
      return try producer!.tryProduce(
        topic: options.topics[record.topic]!, key: record.key, value: record.value, headers: headers,
        partition: isState ? partition : nil, tag: tag)
    } catch {
      // The transaction has failed in the background.
      if error.code == .state, let cause = hiddenError() { throw judged(cause) }
      throw judged(refusal: error)
    }
  }

  public mutating func flush(timeoutMilliseconds: Int32) throws(TransactionError) -> Bool {
    let isDone = producer!.waitForAllDeliveries(timeoutMilliseconds: timeoutMilliseconds)
    if let error = deliveries.failure {
      // Records that were dropped because something else has failed say nothing of it.
      if error.code == .purgedInQueue || error.code == .purgedInFlight, let cause = hiddenError() {
        throw judged(cause)
      }
      throw judged(refusal: error)
    }
    try lookForTrouble()
    if !isDone, let cause = hiddenError() { throw judged(cause) }
    return isDone
  }

  public mutating func sendOffsets(
    _ sections: [CutSection], as membership: Membership, timeoutMilliseconds: Int32
  ) throws(TransactionError) {
    let offsets = sections.map {
      OffsetCommit(
        partition: TopicPartition(options.inputTopic, $0.partition), nextOffset: $0.nextOffset,
        metadata: $0.metadata)
    }
    try call { producer throws(KafkaError) in
      let group = try GroupMetadata(bytes: membership.bytes)
      try producer.sendOffsets(offsets, group: group, timeoutMilliseconds: timeoutMilliseconds)
    }
  }

  public mutating func commit(timeoutMilliseconds: Int32) throws(TransactionError) {
    try end { producer throws(KafkaError) in
      try producer.commitTransaction(timeoutMilliseconds: timeoutMilliseconds)
    }
  }

  public mutating func abort(timeoutMilliseconds: Int32) throws(TransactionError) {
    try end { producer throws(KafkaError) in
      try producer.abortTransaction(timeoutMilliseconds: timeoutMilliseconds)
    }
    nextGeneration()
  }

  public var stateOffsets: [Int32: Int64] { deliveries.stateOffsets }

  public mutating func committed(
    _ partitions: [Int32], timeoutMilliseconds: Int32
  ) throws(TransactionError) -> [Int32: String?] {
    do throws(KafkaError) {
      if reader == nil {
        reader = try Consumer(
          properties: options.properties, group: options.group, callbacks: options.callbacks)
      }
      let places = partitions.map { TopicPartition(options.inputTopic, $0) }
      var texts: [Int32: String?] = [:]
      for entry in try reader!.committed(places, timeoutMilliseconds: timeoutMilliseconds) {
        texts[entry.partition.partition] = .some(entry.nextOffset == nil ? nil : entry.metadata)
      }
      return texts
    } catch {
      throw judged(error)
    }
  }

  // MARK: Errors

  private mutating func nextGeneration() {
    generation += 1
    deliveries.expect(generation)
  }

  private mutating func call(_ body: (borrowing Producer) throws(KafkaError) -> Void) throws(TransactionError)
  {
    do throws(KafkaError) {
      try body(producer!)
    } catch {
      throw judged(error)
    }
    told()
  }

  /// Commits or aborts. An answer that does not come within the transaction's timeout is not waited for any longer:
  /// by then the brokers have ended it one way or the other.
  private mutating func end(_ body: (borrowing Producer) throws(KafkaError) -> Void) throws(TransactionError)
  {
    let since = endingSince ?? .now
    endingSince = since
    do throws(KafkaError) {
      try body(producer!)
    } catch {
      var error = judged(error)
      if error.class == .retriable {
        if since + .milliseconds(options.transactionTimeoutMilliseconds) <= .now {
          error.class = .unknownOutcome
          endingSince = nil
        }
      } else {
        endingSince = nil
      }
      throw error
    }
    endingSince = nil
    told()
  }

  /// Why the transaction has failed in the background; nil: it has not. The library tells it to a call that does
  /// not fit, and that does nothing then: a transaction is open.
  private func hiddenError() -> KafkaError? {
    do throws(KafkaError) {
      try producer!.beginTransaction()
      return nil
    } catch {
      return error.class == .abortable || error.class == .fatal ? error : nil
    }
  }

  private mutating func lookForTrouble() throws(TransactionError) {
    for error in producer!.takeTroubles() {
      if error.class == .fatal { throw judged(error) }
      if repeated.mayTell(error.code) { options.notice(KafkaNotice(.warning, "\(error)")) }
    }
  }

  /// A call has succeeded.
  private mutating func told() {
    if repeated.clear() { options.notice(KafkaNotice(.info, "the brokers take transactions again")) }
  }

  /// A single record was refused: the transaction cannot be committed without it.
  private mutating func judged(refusal error: KafkaError) -> TransactionError {
    var error = error
    if error.class != .fatal { error.class = .abortable }
    return judged(error)
  }

  private mutating func judged(_ error: KafkaError) -> TransactionError {
    var error = error.doing(.commit(group: options.group)).doing(.transact(id: options.transactionalID))
    // The library says of which topic only in its own words, where it says it at all.
    if error.message.hasSuffix(" the transaction") { error = error.doing(.writeOutputs) }
    let judged = TransactionError(error, passing: &passing)
    if judged.class != .fatal, repeated.mayTell(error.code) {
      options.notice(KafkaNotice(.warning, "\(error); trying again"))
    }
    // The group's news come to the lane within moments, and end the cut.
    if error.isOfOldGeneration { pause(milliseconds: 100) }
    return judged
  }
}

extension TransactionError {
  /// - Parameter passing: how many errors there have been that pass by themselves.
  init(_ error: KafkaError, passing: inout Int) {
    var sentence = PipelineError(error)
    if sentence.code == .input { sentence.code = .output }
    let errorClass: Class
    switch error.class {
    case .retriable: errorClass = .retriable
    case .abortable: errorClass = .abortable
    // Who waited beyond the transaction's timeout finds it ended and the id still his: a new producer under it goes on.
    case .fatal, .other: errorClass = error.code == .invalidTransactionState ? .unknownOutcome : .fatal
    }
    var name = error.code.name
    if errorClass == .abortable,
      error.isOfOldGeneration || KafkaError.usualClass(of: error.code) == .retriable
    {
      passing += 1
      name += " #\(passing)"
    }
    self.init(
      errorClass, name: name, sentence: sentence,
      isTooLarge: error.code == .messageTooLarge || error.code == .recordListTooLarge)
  }
}

extension KafkaError {
  /// Whether the coordinator refused because the group has another generation by now, or is about to.
  var isOfOldGeneration: Bool {
    switch code {
    case .illegalGeneration, .unknownMember, .rebalanceInProgress, .assignmentLost: true
    default: false
    }
  }
}

/// What became of the records of the present transaction; told on the producer's thread, read on the driver's.
private final class Deliveries: Sendable {
  private struct State: Sendable {
    var generation: UInt = 0
    var failure: KafkaError?
    var stateOffsets: [Int32: Int64] = [:]
  }

  private let shared = Mutex(State())

  static func tag(_ generation: UInt, isState: Bool) -> UInt { generation << 1 | (isState ? 1 : 0) }

  func expect(_ generation: UInt) {
    shared.withLock { $0 = State(generation: generation) }
  }

  /// The first record that was not written, unless others were only dropped with it.
  var failure: KafkaError? { shared.withLock { $0.failure } }

  var stateOffsets: [Int32: Int64] { shared.withLock { $0.stateOffsets } }

  func note(_ report: DeliveryReport) {
    shared.withLock { state in
      guard report.tag >> 1 == state.generation else { return }
      if let error = report.error {
        let wasDropped = state.failure?.code == .purgedInQueue || state.failure?.code == .purgedInFlight
        if state.failure == nil || wasDropped { state.failure = error }
      } else if report.tag & 1 == 1, report.offset >= 0 {
        state.stateOffsets[report.partition] = max(state.stateOffsets[report.partition] ?? -1, report.offset)
      }
    }
  }
}
