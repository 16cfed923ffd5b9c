import CRdKafka
import Pipeline

/// Reads what recovery needs beside the lane's own consumer: nobody's member, so that reading it moves nothing.
///
/// Two clients: one reads committed records and positions, as everything that recovery takes in must be; the other
/// only asks for high watermarks, open transactions included, which a committed reader never learns of.
public struct KafkaRecoverySource: RecoverySource, ~Copyable {
  /// Where to read, and what is configured about it.
  public struct Options: Sendable {
    public var properties: ClientProperties
    /// Whose committed positions are asked for.
    public var group: String
    public var inputTopic: String
    public var stateTopic: String
    public var start: StartPosition
    public var lostOffset: LostOffsetPolicy
    public var callbacks: ClientCallbacks
    public var notice: @Sendable (KafkaNotice) -> Void
    /// How long one question to the brokers may take: about as long as giving a recovery up takes.
    public var requestTimeoutMilliseconds: Int32 = 2_000

    /// How much may be read ahead, bytes; between 1 MiB and 64 MiB, which is as fast as any more.
    public var queueBytes: Int64 = 64 << 20

    public init(
      properties: ClientProperties, group: String, inputTopic: String, stateTopic: String,
      start: StartPosition = .earliest, lostOffset: LostOffsetPolicy = .stop,
      callbacks: ClientCallbacks = .init(), notice: @escaping @Sendable (KafkaNotice) -> Void
    ) {
      self.properties = properties
      self.group = group
      self.inputTopic = inputTopic
      self.stateTopic = stateTopic
      self.start = start
      self.lostOffset = lostOffset
      self.callbacks = callbacks
      self.notice = notice
    }
  }

  private let options: Options
  private var reader: Consumer
  private var watcher: Consumer
  private var repeated = RepeatedNotices()

  /// For throughput: one partition is read at a time, from its beginning to its end. The end of a partition is told
  /// when a fetch has found nothing more, which then must not wait for long.
  private static func fetching(queue bytes: Int64) -> ClientProperties {
    let bytes = min(max(bytes, 1 << 20), 64 << 20)
    return ClientProperties([
      "fetch.max.bytes": "\(bytes / 4)", "max.partition.fetch.bytes": "\(bytes / 8)",
      "queued.min.messages": "200000", "queued.max.messages.kbytes": "\(bytes / 1_024)",
      "fetch.wait.max.ms": "10",
      "fetch.error.backoff.ms": "100",
    ])
  }

  public init(_ options: Options) throws(PipelineError) {
    let properties = options.properties.overridden(by: Self.fetching(queue: options.queueBytes))
    var reader = try endingLane { () throws(KafkaError) in
      try Consumer(properties: properties, group: options.group, callbacks: options.callbacks)
    }
    let watcher = try endingLane { () throws(KafkaError) in
      try Consumer(
        properties: properties, group: options.group, callbacks: options.callbacks,
        invariants: .watcherInvariants)
    }
    reader.prepare(RecoveryTopic.allCases.map { Self.name(of: $0, options) })
    self.options = options
    self.reader = reader
    self.watcher = watcher
  }

  private static func name(of topic: RecoveryTopic, _ options: Options) -> String {
    switch topic {
    case .input: options.inputTopic
    case .state: options.stateTopic
    }
  }

  private func place(_ topic: RecoveryTopic, _ partition: Int32) -> TopicPartition {
    TopicPartition(Self.name(of: topic, options), partition)
  }

  // MARK: Questions

  public mutating func committed(_ partition: Int32) throws(PipelineError) -> CommittedPosition?? {
    do throws(KafkaError) {
      let answer = try askForCommit(place(.input, partition))
      answered()
      guard let entry = answer.first, let nextOffset = entry.nextOffset else {
        return .some(nil)
      }
      return .some(CommittedPosition(nextOffset: nextOffset, metadata: entry.metadata))
    } catch {
      try wait(for: error)
      return nil
    }
  }

  /// In slices that grow: a client that does not know its coordinator yet only goes on looking for it when it is
  /// asked something, or once a second.
  private func askForCommit(_ place: TopicPartition) throws(KafkaError) -> [CommittedOffset] {
    var left = options.requestTimeoutMilliseconds
    var slice: Int32 = 50
    while slice * 2 < left {
      do throws(KafkaError) {
        return try reader.committed([place], timeoutMilliseconds: slice)
      } catch {
        guard error.code == .timedOut || error.code == .waitingForCoordinator else { throw error }
      }
      left -= slice
      slice *= 2
    }
    return try reader.committed([place], timeoutMilliseconds: left)
  }

  public mutating func bounds(
    _ topic: RecoveryTopic, _ partition: Int32
  ) throws(PipelineError) -> (low: Int64, high: Int64)? {
    do throws(KafkaError) {
      let bounds = try watcher.watermarks(
        of: place(topic, partition), timeoutMilliseconds: options.requestTimeoutMilliseconds)
      answered()
      return bounds
    } catch {
      try wait(for: error)
      return nil
    }
  }

  public mutating func partitionCounts() throws(PipelineError) -> (input: Int, state: Int)? {
    do throws(KafkaError) {
      let topics = try watcher.client.describeTopics(timeoutMilliseconds: options.requestTimeoutMilliseconds)
      for name in [options.inputTopic, options.stateTopic] where topics[name] == nil {
        throw KafkaError(code: .unknownTopicOrPartition, subject: "topic \(name)")
      }
      answered()
      return (topics[options.inputTopic]!.partitions, topics[options.stateTopic]!.partitions)
    } catch {
      try wait(for: error)
      return nil
    }
  }

  public mutating func start(_ partition: Int32) throws(PipelineError) -> Int64? {
    guard let kept = try bounds(.input, partition) else { return nil }
    switch options.start {
    case .earliest: return kept.low
    case .latest: return kept.high
    case .timestamp(let timestamp):
      let place = place(.input, partition)
      do throws(KafkaError) {
        let found = try watcher.offsets(
          at: timestamp, in: [place], timeoutMilliseconds: options.requestTimeoutMilliseconds)
        return (found[place] ?? nil) ?? kept.high
      } catch {
        try wait(for: error)
        return nil
      }
    }
  }

  public mutating func replacement(
    _ partition: Int32, committed: Int64, low: Int64, high: Int64
  ) throws(PipelineError) -> Int64 {
    let there = "partition \(partition) of topic \(options.inputTopic)"
    let facts = "group \(options.group) committed \(committed), the topic keeps \(low) to \(high)"
    let next: Int64
    switch options.lostOffset {
    case .stop:
      if committed < low { throw PipelineError(KafkaError.lostPosition(there, cause: facts)) }
      throw PipelineError(
        .offsetLost,
        "records of \(there) are gone that were read and whose users were not yet written to the state topic",
        hint:
          "keep the input for longer than state.flush_after and any outage (retention.ms); to go on with these "
          + "users as they were last written, set when_offset_lost to earliest or latest for one start",
        cause: facts)
    case .earliest: next = low
    case .latest: next = high
    }
    if committed < low {
      options.notice(
        KafkaNotice(.warning, "the position to read \(there) from is gone (\(facts)); going on at \(next)"))
    } else {
      options.notice(
        KafkaNotice(
          .warning,
          "records of \(there) that would be read again are gone (\(facts)); users stand as last written"))
    }
    return next
  }

  private mutating func answered() {
    if repeated.clear() {
      options.notice(KafkaNotice(.info, "the brokers answer again; recovering goes on"))
    }
  }

  /// Trouble that passes is told of once a minute, and waited for a moment so as not to ask a thousand times.
  private mutating func wait(for error: KafkaError) throws(PipelineError) {
    guard error.class == .retriable else { throw PipelineError(error.doing(.commit(group: options.group))) }
    // An open transaction is no trouble: it ends within its timeout.
    if error.code != .unstableOffset, repeated.mayTell(error.code) {
      options.notice(KafkaNotice(.warning, "recovering waits: \(error); trying again"))
    }
    pause(milliseconds: error.code == .unstableOffset ? 20 : 100)
  }

  // MARK: Records

  public mutating func open(
    _ topic: RecoveryTopic, _ partition: Int32, from offset: Int64
  ) throws(PipelineError) {
    let place = place(topic, partition)
    try endingLane { () throws(KafkaError) in try reader.assign([(place, .at(offset))]) }
  }

  public mutating func read<Visitor: RecordVisitor & ~Copyable>(
    into visitor: inout Visitor, timeoutMilliseconds: Int32
  ) throws(PipelineError) {
    switch reader.poll(timeoutMilliseconds: timeoutMilliseconds) {
    case .nothing, .assigned, .revoked, .lost: return
    case .trouble(let error): try tell(error)
    case .batch: try drain(into: &visitor)
    }
  }

  private mutating func drain<Visitor: RecordVisitor & ~Copyable>(
    into visitor: inout Visitor
  ) throws(PipelineError) {
    var failures: [KafkaError] = []
    var hasRecords = false
    try reader.drain { item throws(PipelineError) in
      switch item {
      case .record(let view):
        hasRecords = true
        try visitor.record(InputRecord(view))
      case .endOfPartition(_, let partition, let nextOffset):
        try visitor.reachedEnd(partition: partition, nextOffset: nextOffset)
      case .failure(let error, let partition):
        failures.append(partition.map { error.doing(.read(topic: $0.topic)) } ?? error)
      }
    }
    try visitor.batchEnded()
    if hasRecords { answered() }
    for error in failures { try tell(error) }
  }

  private mutating func tell(_ error: KafkaError) throws(PipelineError) {
    switch error.code {
    case .offsetReset, .offsetOutOfRange, .topicAuthorizationFailed, .groupAuthorizationFailed,
      .unknownTopicOrPartition, .unknownTopicLocally, .unknownPartitionLocally:
      throw PipelineError(error)
    default: break
    }
    if error.class == .fatal { throw PipelineError(error) }
    if repeated.mayTell(error.code) { options.notice(KafkaNotice(.warning, "\(error)")) }
  }

  public mutating func close() {
    do throws(KafkaError) {
      try reader.assign([])
    } catch {
      // Nothing is left to be read, whatever the client says of it.
      if repeated.mayTell(error.code) { options.notice(KafkaNotice(.warning, "\(error)")) }
    }
  }
}

extension ClientProperties {
  /// Of a client that asks for high watermarks and reads nothing.
  static let watcherInvariants = consumerInvariants.overridden(
    by: ClientProperties(["isolation.level": "read_uncommitted"]))
}
