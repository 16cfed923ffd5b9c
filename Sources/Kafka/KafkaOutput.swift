import Dispatch
import Pipeline
import Synchronization

/// The output port, at least once: the records of a cut are sent by an idempotent producer, and its offsets are
/// committed when every one of them is acknowledged.
///
/// ```
///          begin                 acknowledged           acknowledged            committed
///   idle ─────────► alerts and ─────────────► state ───────────────► committing ─────────► idle
///    ▲              dead letters                │                      │    ▲
///    │     abandon     │                        │                      │    └─ the coordinator is away: again
///    └─────────────────┴────────────────────────┴──────────────────────┘
/// ```
///
/// Each follows when all sections' of the step before are safe, so that stored state is never ahead of what was told,
/// and an offset never ahead of either. While the brokers are away a cut stays pending and nothing is lost; a record
/// that can never be written ends the lane. After `abandon` late acknowledgements and answers of the old cut count
/// for nothing.
public struct KafkaOutput: OutputLog, ~Copyable {
  /// What a lane's output is to be.
  public struct Options: Sendable {
    public var properties: ClientProperties
    /// Whose offsets are committed.
    public var inputTopic: String
    public var topics: [OutputTopic: String]
    public var callbacks: ClientCallbacks
    /// Called on the lane's thread.
    public var notice: @Sendable (KafkaNotice) -> Void

    public init(
      properties: ClientProperties, inputTopic: String, topics: [OutputTopic: String],
      callbacks: ClientCallbacks = .init(), notice: @escaping @Sendable (KafkaNotice) -> Void
    ) {
      self.properties = properties
      self.inputTopic = inputTopic
      self.topics = topics
      self.callbacks = callbacks
      self.notice = notice
    }
  }

  private enum Part: UInt {
    case records, state
  }

  private enum Stage {
    case idle
    /// `section` and `record` name the next record to hand over.
    case sending(Part, section: Int, record: Int)
    /// `since`: when the commit in flight was sent; nil: none is, and one may be sent at `retryAt`.
    case committing(inFlight: Bool, retryAt: ContinuousClock.Instant)
  }

  /// How long to wait before a commit that the coordinator could not take is sent again.
  private static let commitRetry = Duration.milliseconds(100)

  private let options: Options
  private let committer: OffsetCommitter
  private let acknowledgements: Acknowledgements
  private var producer: Producer
  private var cut: Cut?
  private var stage = Stage.idle
  /// Counts begun cuts: late acknowledgements of an abandoned one bear an older number.
  private var generation: UInt = 0
  private var repeated = RepeatedNotices()

  /// - Parameter committer: of the lane's input.
  public init(_ options: Options, committer: consuming OffsetCommitter) throws(PipelineError) {
    for topic in OutputTopic.allCases {
      precondition(options.topics[topic] != nil, "every output topic needs a name")
    }
    let acknowledgements = Acknowledgements()
    // An outage of the brokers holds the lane up and loses nothing: no record expires.
    let properties = options.properties.overridden(by: ClientProperties(["message.timeout.ms": "0"]))
    let producer = try endingLane { () throws(KafkaError) in
      try Producer(
        properties: properties, callbacks: options.callbacks,
        compression: [options.topics[.state]!: ClientProperties.stateCompression]
      ) { acknowledgements.note($0) }
    }
    self.options = options
    self.committer = committer
    self.acknowledgements = acknowledgements
    self.producer = producer
  }

  /// Always: nothing of a predecessor is left open where there are no transactions.
  public mutating func isReady() -> Bool { true }

  public mutating func begin(_ cut: Cut) throws(PipelineError) {
    guard case .idle = stage else { preconditionFailure("a cut is in flight already") }
    generation += 1
    acknowledgements.forget()
    self.cut = cut
    try send(.records, of: cut)
  }

  private mutating func send(_ part: Part, of cut: Cut) throws(PipelineError) {
    acknowledgements.expect(
      cut.sections.reduce(0) { $0 + Self.records(part, of: $1).count }, tag: tag(part))
    stage = .sending(part, section: 0, record: 0)
    try handOver()
  }

  private static func records(_ part: Part, of section: CutSection) -> [OutputRecord] {
    part == .records ? section.records : section.state
  }

  private func tag(_ part: Part) -> UInt { generation << 1 | part.rawValue }

  fileprivate static func isState(_ tag: UInt) -> Bool { tag & 1 == Part.state.rawValue }

  public mutating func progress(timeoutMilliseconds: Int32) throws(PipelineError) -> CutProgress {
    let deadline = ContinuousClock.now + .milliseconds(Int64(timeoutMilliseconds))
    while true {
      try lookForTrouble()
      guard let cut else { return .idle }
      switch stage {
      case .idle: return .idle
      case .sending(let part, _, _):
        try handOver()
        let state = acknowledgements.state()
        if let error = state.failure {
          if error.code == .badMessage {
            // Its connection has ended over a damaged answer: nobody knows whether it was written.
            if repeated.mayTell(error.code) {
              options.notice(KafkaNotice(.warning, "\(error); trying again"))
            }
            pause(milliseconds: max(0, min(milliseconds(until: deadline), 100)))
            stage = .idle
            try begin(cut)
          } else if try !shorten(after: error) {
            throw refused(error)
          }
          continue
        }
        if state.outstanding == 0 {
          if part == .records {
            try send(.state, of: cut)
          } else {
            stage = .committing(inFlight: false, retryAt: .now)
          }
          continue
        }
        let left = milliseconds(until: deadline)
        if left <= 0 { return .pending }
        acknowledgements.wait(milliseconds: min(left, 100))
      case .committing(let inFlight, let retryAt):
        if try commit(cut, inFlight: inFlight, retryAt: retryAt, deadline: deadline) {
          self.cut = nil
          stage = .idle
          return .committed(cut.number, stateOffsets: acknowledgements.state().stateOffsets)
        }
        if milliseconds(until: deadline) <= 0 { return .pending }
      }
    }
  }

  /// What dead letters are cut down to, one after the other, when the brokers refuse a cut for its size, bytes.
  private static let shorterDeadLetters = [768 << 10, 64 << 10, 1 << 10]

  /// The dead-letter topic may take smaller records than the input's: then the head of a payload has to do, or one
  /// record would hold everything up. The whole cut is sent again; what was written already comes twice.
  private mutating func shorten(after error: KafkaError) throws(PipelineError) -> Bool {
    guard error.code == .messageTooLarge || error.code == .recordListTooLarge, var shorter = cut else {
      return false
    }
    guard let bytes = Self.shorterDeadLetters.first(where: { shorter.shortenDeadLetters(to: $0) }) else {
      return false
    }
    options.notice(
      KafkaNotice(
        .warning,
        "topic \(options.topics[.deadLetters]!) refuses a dead letter for its size; keeping its first \(bytes) bytes"
          + " (raise max.message.bytes of the topic to that of \(options.inputTopic))"))
    stage = .idle
    try begin(shorter)
    return true
  }

  public mutating func abandon() {
    generation += 1
    acknowledgements.forget()
    acknowledgements.expect(0, tag: tag(.records))
    cut = nil
    stage = .idle
  }

  /// Hands over records until the send queue is full.
  private mutating func handOver() throws(PipelineError) {
    guard let cut, case .sending(let part, var section, var record) = stage else { return }
    while section < cut.sections.count {
      let records = Self.records(part, of: cut.sections[section])
      while record < records.count {
        guard try send(records[record], part, cut.sections[section].partition) else {
          stage = .sending(part, section: section, record: record)
          return
        }
        record += 1
      }
      section += 1
      record = 0
    }
    stage = .sending(part, section: section, record: 0)
  }

  private mutating func send(
    _ record: OutputRecord, _ part: Part, _ partition: Int32
  ) throws(PipelineError) -> Bool {
    let headers = HeaderList(record.headers.map { RecordHeader($0.name, $0.value) })
    do throws(KafkaError) {
      return try producer.tryProduce(
        topic: options.topics[record.topic]!, key: record.key, value: record.value, headers: headers,
        partition: record.topic == .state ? partition : nil, tag: tag(part))
    } catch {
      throw refused(error)
    }
  }

  /// Whether the offsets are committed.
  private mutating func commit(
    _ cut: Cut, inFlight: Bool, retryAt: ContinuousClock.Instant, deadline: ContinuousClock.Instant
  ) throws(PipelineError) -> Bool {
    if !inFlight {
      guard ContinuousClock.now >= retryAt else {
        pause(milliseconds: max(0, min(milliseconds(until: deadline), milliseconds(until: retryAt), 100)))
        return false
      }
      let offsets = cut.sections.map {
        OffsetCommit(
          partition: TopicPartition(options.inputTopic, $0.partition), nextOffset: $0.nextOffset,
          metadata: $0.metadata)
      }
      if offsets.isEmpty { return true }
      committer.begin(offsets, tag: generation)
      stage = .committing(inFlight: true, retryAt: retryAt)
    }
    guard let outcome = committer.wait(timeoutMilliseconds: Int32(max(0, milliseconds(until: deadline)))),
      outcome.tag == generation
    else { return false }
    guard let error = outcome.error else { return true }
    switch error.code {
    // Partitions that are being taken away: a revocation or a loss follows, and ends the cut.
    case .illegalGeneration, .unknownMember, .rebalanceInProgress, .assignmentLost: break
    default:
      guard error.class == .retriable else { throw PipelineError(error) }
      if repeated.mayTell(error.code) { options.notice(KafkaNotice(.warning, "\(error); trying again")) }
    }
    stage = .committing(inFlight: false, retryAt: .now + Self.commitRetry)
    return false
  }

  private mutating func lookForTrouble() throws(PipelineError) {
    for error in producer.takeTroubles() {
      if error.class == .fatal { throw refused(error) }
      if repeated.mayTell(error.code) { options.notice(KafkaNotice(.warning, "\(error)")) }
    }
  }

  private func refused(_ error: KafkaError) -> PipelineError {
    var ended = PipelineError(error)
    if ended.code == .input { ended.code = .output }
    return ended
  }

  private func milliseconds(until instant: ContinuousClock.Instant) -> Int {
    let left = ContinuousClock.now.duration(to: instant).components
    return Int(left.seconds) * 1_000 + Int((left.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
  }
}

/// Counts the acknowledgements of the cut in flight; told on the producer's thread, read on the lane's.
private final class Acknowledgements: Sendable {
  struct State: Sendable {
    /// Of the records that are waited for.
    var tag: UInt = 0
    var outstanding = 0
    /// Last record written, by partition of the state topic.
    var stateOffsets: [Int32: Int64] = [:]
    /// The first record that can never be written.
    var failure: KafkaError?
    var waiting = false
  }

  private let shared = Mutex(State())
  private let arrived = DispatchSemaphore(value: 0)

  /// Another cut begins.
  func forget() { shared.withLock { $0.stateOffsets = [:] } }

  func expect(_ count: Int, tag: UInt) {
    shared.withLock { state in
      state.tag = tag
      state.outstanding = count
      state.failure = nil
    }
  }

  func state() -> State { shared.withLock { $0 } }

  func note(_ report: DeliveryReport) {
    let wake = shared.withLock { state in
      guard report.tag == state.tag else { return false }
      if let error = report.error {
        state.failure = state.failure ?? error
      } else {
        state.outstanding -= 1
        if KafkaOutput.isState(report.tag), report.offset >= 0 {
          state.stateOffsets[report.partition] = max(
            state.stateOffsets[report.partition] ?? -1, report.offset)
        }
      }
      guard state.waiting, state.outstanding == 0 || state.failure != nil else { return false }
      state.waiting = false
      return true
    }
    if wake { arrived.signal() }
  }

  /// Until all are there or one has failed, at most so long.
  func wait(milliseconds: Int) {
    let needed = shared.withLock { state in
      state.waiting = state.outstanding > 0 && state.failure == nil
      return state.waiting
    }
    guard needed else { return }
    _ = arrived.wait(timeout: .now() + .milliseconds(milliseconds))
    shared.withLock { $0.waiting = false }
  }
}
