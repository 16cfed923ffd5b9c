import Pipeline

/// Something to tell the operator.
public struct KafkaNotice: Sendable, Hashable {
  public enum Level: String, Sendable, Hashable, CaseIterable {
    case info, warning, error
  }

  public var level: Level
  public var text: String

  public init(_ level: Level, _ text: String) {
    self.level = level
    self.text = text
  }
}

/// The input port: one member of a consumer group that reads one topic.
///
/// ```
///  rebalance: assigned ─► who this member is, taken in the callback ─► visitor ─► nothing is read yet
///                                                                        start ─► all started partitions, each
///                                                                                 at its next offset
/// ```
/// Partitions that wait for their state are left out of the client's assignment, since pausing is not safe in
/// librdkafka 2.0.2: beginning with another one assigns those that run anew, where they are.
public struct KafkaInput: InputLog, ~Copyable {
  /// What a lane's input is to be.
  public struct Options: Sendable {
    public var properties: ClientProperties
    public var topic: String
    public var group: String
    /// See `Consumer.init`.
    public var instance: String?
    /// When retention passes a partition while it is read.
    public var lostOffset: LostOffsetPolicy
    public var callbacks: ClientCallbacks
    /// Called on the lane's thread.
    public var notice: @Sendable (KafkaNotice) -> Void
    /// Whether the lane is to end: asked while an answer of the brokers is waited for.
    public var isStopping: @Sendable () -> Bool = { false }
    /// How long one question to the brokers may take.
    public var requestTimeoutMilliseconds: Int32 = 10_000
    /// How long leaving the group may take.
    public var closeTimeoutMilliseconds: Int32 = 5_000

    public init(
      properties: ClientProperties, topic: String, group: String, instance: String? = nil,
      lostOffset: LostOffsetPolicy = .stop, callbacks: ClientCallbacks = .init(),
      notice: @escaping @Sendable (KafkaNotice) -> Void
    ) {
      self.properties = properties
      self.topic = topic
      self.group = group
      self.instance = instance
      self.lostOffset = lostOffset
      self.callbacks = callbacks
      self.notice = notice
    }
  }

  private static let maximumAttempts = 30

  private let options: Options
  private var consumer: Consumer
  /// Partitions that the visitor owns, started or not.
  private var owned: [TopicPartition] = []
  private var health = InputHealth()
  private var repeated = RepeatedNotices()

  /// Joins the group.
  public init(_ options: Options) throws(PipelineError) {
    let consumer = try endingLane { () throws(KafkaError) in
      var consumer = try Consumer(
        properties: options.properties, group: options.group, instance: options.instance,
        callbacks: options.callbacks)
      consumer.isNudging = consumer.hasLargeQueue
      try consumer.subscribe([options.topic])
      return consumer
    }
    self.options = options
    self.consumer = consumer
  }

  /// For the output port, which commits offsets as this group's member.
  public func makeCommitter() -> OffsetCommitter { consumer.makeCommitter() }

  /// Records dropped because they were not of the present assignment.
  public var staleRecords: Int { consumer.staleRecords }

  public var isHealthy: Bool { health.isHealthy }

  public var isInDoubt: Bool { health.isInDoubt }

  public func knownEnds() -> [PartitionOffset] {
    consumer.knownEnds.map { PartitionOffset($0.partition.partition, $0.end) }
  }

  public var fetchedRecords: Int { consumer.queued }

  public mutating func poll<Visitor: InputVisitor & ~Copyable>(
    into visitor: inout Visitor, timeoutMilliseconds: Int32
  ) throws(PipelineError) -> Int {
    if health.wantsProbe { probe() }
    switch consumer.poll(timeoutMilliseconds: timeoutMilliseconds) {
    case .nothing: return 0
    case .trouble(let error):
      try tell(error)
      return 0
    case .assigned(let partitions, let membership):
      try take(partitions, membership, into: &visitor)
      return 0
    case .revoked(let partitions):
      owned = []
      if !partitions.isEmpty { try visitor.revoked(partitions.map(\.partition)) }
      try unassign()
      return 0
    case .lost(let partitions):
      owned = []
      try unassign()
      if !partitions.isEmpty { try visitor.lost(partitions.map(\.partition)) }
      return 0
    case .batch: return try drain(into: &visitor)
    }
  }

  private mutating func drain<Visitor: InputVisitor & ~Copyable>(
    into visitor: inout Visitor
  ) throws(PipelineError) -> Int {
    var records = 0
    var failures: [(KafkaError, TopicPartition?)] = []
    try consumer.drain { item throws(PipelineError) in
      switch item {
      case .record(let view):
        records += 1
        try visitor.record(InputRecord(view))
      case .endOfPartition(_, let partition, let nextOffset):
        try visitor.reachedEnd(partition: partition, nextOffset: nextOffset)
      case .failure(let error, let partition): failures.append((error, partition))
      }
    }
    try visitor.batchEnded()
    for (error, partition) in failures { try recover(from: error, at: partition) }
    return records
  }

  public mutating func close<Visitor: InputVisitor & ~Copyable>(
    into visitor: inout Visitor
  ) throws(PipelineError) {
    if !owned.isEmpty {
      let partitions = owned.map(\.partition)
      owned = []
      try visitor.revoked(partitions)
    }
    if !consumer.close(timeoutMilliseconds: options.closeTimeoutMilliseconds) {
      options.notice(
        KafkaNotice(
          .warning,
          "leaving group \(options.group) took longer than \(options.closeTimeoutMilliseconds) ms; "
            + "its coordinator will notice by session.timeout.ms"))
    }
  }

  private mutating func unassign() throws(PipelineError) {
    try endingLane { () throws(KafkaError) in try consumer.unassign() }
  }

  // MARK: Assignment

  private mutating func take<Visitor: InputVisitor & ~Copyable>(
    _ partitions: [TopicPartition], _ membership: Membership?, into visitor: inout Visitor
  ) throws(PipelineError) {
    // The answer that lets the group go on; records come from `start` on.
    try endingLane { () throws(KafkaError) in try consumer.assign([]) }
    // The group has moved on already. What it says next is a loss, of which the visitor need not hear.
    guard let membership else { return }
    owned = partitions
    try visitor.assigned(partitions.map(\.partition), as: membership)
  }

  public mutating func start(_ positions: [PartitionOffset]) throws(PipelineError) {
    let running = consumer.assignment.map { (partition: $0.partition, offset: Offset.at($0.nextOffset)) }
    var starts = running.filter { entry in
      !positions.contains { $0.partition == entry.partition.partition }
    }
    for position in positions {
      let partition = TopicPartition(options.topic, position.partition)
      precondition(owned.contains(partition), "a partition is started that is not assigned")
      starts.append((partition, .at(position.nextOffset)))
    }
    try endingLane { () throws(KafkaError) in try consumer.assign(starts) }
    // Whether their leaders can be reached is yet to be seen.
    health.asked()
  }

  public mutating func hold(_ partitions: [Int32]) throws(PipelineError) {
    let running = consumer.assignment.filter { !partitions.contains($0.partition.partition) }
      .map { (partition: $0.partition, offset: Offset.at($0.nextOffset)) }
    try endingLane { () throws(KafkaError) in try consumer.assign(running) }
  }

  /// A partition or the whole topic cannot be read at the moment, or at all.
  private mutating func recover(from error: KafkaError, at partition: TopicPartition?) throws(PipelineError) {
    guard error.code == .offsetReset || error.code == .offsetOutOfRange, let partition else {
      return try tell(error)
    }
    guard owned.contains(partition) else { return }
    guard let expected = consumer.assignment.first(where: { $0.partition == partition })?.nextOffset else {
      return
    }
    let there = "partition \(partition.partition) of topic \(partition.topic)"
    let next: Int64
    switch options.lostOffset {
    case .stop: throw PipelineError(KafkaError.lostPosition(there, cause: error.cause))
    // A number, not a word: where several are lost, each is assigned anew with the others.
    case .earliest: next = try kept(of: partition).low
    case .latest: next = try kept(of: partition).high
    }
    guard next >= expected else {
      throw PipelineError(
        .offsetLost, "\(there) ends at \(next), and was read up to \(expected)",
        hint: "the topic was made anew, or its log was truncated; to begin anew with it, delete the group's "
          + "offsets and the state topic's records")
    }
    options.notice(
      KafkaNotice(
        .warning, "the position to read \(there) from is gone; going on at the \(options.lostOffset)"))
    let starts = consumer.assignment.map { entry in
      (partition: entry.partition, offset: Offset.at(entry.partition == partition ? next : entry.nextOffset))
    }
    try endingLane { () throws(KafkaError) in try consumer.assign(starts) }
  }

  /// The first offset that is kept, and the one behind the last record.
  private func kept(of partition: TopicPartition) throws(PipelineError) -> (low: Int64, high: Int64) {
    var attempts = 0
    while true {
      do throws(KafkaError) {
        return try consumer.watermarks(of: partition, timeoutMilliseconds: options.requestTimeoutMilliseconds)
      } catch {
        attempts += 1
        guard error.class == .retriable, attempts < Self.maximumAttempts, !options.isStopping() else {
          throw PipelineError(error)
        }
        pause(milliseconds: 200)
      }
    }
  }

  // MARK: Trouble

  private mutating func tell(_ error: KafkaError) throws(PipelineError) {
    switch error.code {
    // The group: a rebalance follows, and says the rest.
    case .illegalGeneration, .unknownMember, .rebalanceInProgress, .notCoordinator, .coordinatorLoading,
      .coordinatorNotAvailable, .waitingForCoordinator:
      return
    case .topicAuthorizationFailed, .groupAuthorizationFailed:
      throw PipelineError(error.doing(.read(topic: options.topic)).doing(.join(group: options.group)))
    default: break
    }
    if error.class == .fatal { throw PipelineError(error) }
    if error.class == .retriable || error.isRefusal || error.code == .unknownTopicOrPartition {
      health.doubted()
    }
    if repeated.mayTell(error.code) { options.notice(KafkaNotice(.warning, "\(error)")) }
  }

  /// Asks each partition's leader for its watermarks: an answer from all is the proof that silence is silence. Who has
  /// no partitions, having lost them perhaps, asks for one as anybody may.
  private mutating func probe() {
    let timeout = health.probed()
    let assignment = consumer.assignment.map(\.partition)
    for partition in assignment.isEmpty ? [TopicPartition(options.topic, 0)] : assignment {
      do throws(KafkaError) {
        _ = try consumer.watermarks(of: partition, timeoutMilliseconds: timeout)
      } catch {
        return
      }
    }
    health.proven(withPartitions: !assignment.isEmpty)
    if repeated.clear() {
      options.notice(KafkaNotice(.info, "the brokers of topic \(options.topic) answer again"))
    }
  }
}

/// Whether the brokers can be reached, as far as is known.
///
/// Trouble casts doubt, as does a new assignment; a probe of every leader ends it. Records do not: those of one
/// broker say nothing of the partitions that another leads. Probes are asked for at most once a second, and only in
/// doubt. Each waits twice as long for an answer as the one before, since brokers may be far away, and so much more
/// seldom: a lane waits with it.
struct InputHealth {
  private(set) var isHealthy = false
  /// Whether there was trouble that no proof has followed.
  private(set) var isInDoubt = false
  private var doubtedBefore = false
  private var lastProbe: ContinuousClock.Instant?
  private var timeoutMilliseconds = Self.firstTimeout

  private static let firstTimeout: Int32 = 200
  private static let longestTimeout: Int32 = 3_200

  var wantsProbe: Bool {
    guard doubtedBefore, !isHealthy else { return false }
    guard let lastProbe else { return true }
    return lastProbe + .milliseconds(max(1_000, 2 * Int64(timeoutMilliseconds))) <= .now
  }

  mutating func doubted() {
    isHealthy = false
    isInDoubt = true
    doubtedBefore = true
  }

  /// A proof is wanted that does not exist yet.
  mutating func asked() { if !isHealthy { doubtedBefore = true } }

  /// How long the probe may wait for an answer, milliseconds.
  mutating func probed() -> Int32 {
    lastProbe = .now
    defer { timeoutMilliseconds = min(2 * timeoutMilliseconds, Self.longestTimeout) }
    return timeoutMilliseconds
  }

  /// - Parameter withPartitions: whether the leaders of all partitions have answered, of which there are some.
  mutating func proven(withPartitions: Bool = true) {
    isHealthy = withPartitions
    isInDoubt = false
    doubtedBefore = false
    timeoutMilliseconds = Self.firstTimeout
  }
}

/// Keeps the same complaint from being told more than once a minute.
struct RepeatedNotices {
  private var told: [KafkaError.Code: ContinuousClock.Instant] = [:]

  mutating func mayTell(_ code: KafkaError.Code) -> Bool {
    let now = ContinuousClock.now
    if let last = told[code], now - last < .seconds(60) { return false }
    told[code] = now
    return true
  }

  /// Forgets; whether there was anything.
  mutating func clear() -> Bool {
    defer { told.removeAll() }
    return !told.isEmpty
  }
}
