import CRdKafka
import Pipeline

/// A member of a consumer group. Owned by one thread, which polls it.
///
/// Rebalances come as results of `poll` and must be answered: `assigned` by `assign`, `revoked` and `lost` by
/// `unassign`. Nothing is read in between.
///
/// `@unchecked`: the raw pointers are only used through `mutating` calls or library calls that any thread may
/// make.
@safe public struct Consumer: ~Copyable, @unchecked Sendable {
  /// What a poll brought.
  public enum Poll: Sendable {
    case nothing
    /// So many items wait to be drained.
    case batch(Int)
    /// These partitions are this member's from now on; read them with `assign`. Who the member is for that
    /// assignment; nil: it is somebody else by now, and another rebalance follows.
    case assigned([TopicPartition], Membership?)
    /// These must be given up with `unassign`; what is done may be committed before.
    case revoked([TopicPartition])
    /// These belong to somebody else already; answer with `unassign`.
    case lost([TopicPartition])
    /// The client reports trouble. It goes on by itself unless the class is fatal.
    case trouble(KafkaError)
  }

  /// Messages taken from the library at a time.
  public static let batchCapacity = 1024

  let client: ClientHandle
  let group: String
  private let queue: OpaquePointer
  /// As subscribed; `topicIndex` counts in it.
  public private(set) var topics: [String] = []
  /// No topic's address.
  private static let noHandle = -1
  /// Topic handles seen, by address, and the last of them, since records of one topic come together.
  private var handles: [Int: Int] = [:]
  private var lastHandle = Self.noHandle
  private var lastIndex = 0
  private var table = AssignmentTable()
  private let buffer: UnsafeMutablePointer<UnsafeMutablePointer<rd_kafka_message_t>?>
  private var waiting = 0
  private var troubles: [KafkaError] = []
  private var closed = false
  private(set) var nudge: FetchNudge
  /// Whether a queue that has run dry is seen to at once: for who reads without end, and not for who is soon gone again.
  var isNudging = false
  /// Records dropped because they were not of the present assignment or lay before its position.
  public private(set) var staleRecords = 0

  /// - Parameters:
  ///   - properties: passed through, over our defaults and under what must hold.
  ///   - instance: `group.instance.id`: under the same name a restarted member gets its partitions back
  ///     without a rebalance. nil: a member like any other, which leaves when it closes.
  public init(
    properties: ClientProperties, group: String, instance: String? = nil, callbacks: ClientCallbacks = .init()
  ) throws(KafkaError) {
    try self.init(
      properties: properties, group: group, instance: instance, callbacks: callbacks,
      invariants: .consumerInvariants)
  }

  /// - Parameter invariants: over everything else.
  init(
    properties: ClientProperties, group: String, instance: String? = nil,
    callbacks: ClientCallbacks = .init(),
    invariants: ClientProperties
  ) throws(KafkaError) {
    var all = ClientProperties.forEveryClient.overridden(by: .consumerDefaults)
      .overridden(by: .fetching(with: .current))
      .overridden(by: properties.relevant(to: .consumer)).overridden(by: invariants)
    all["group.id"] = group
    self.group = group
    if let instance { all["group.instance.id"] = instance }
    nudge = FetchNudge(all)
    client = try unsafe ClientHandle(.consumer, properties: all, callbacks: callbacks) { conf in
      unsafe rd_kafka_conf_set_rebalance_cb(conf, Self.rebalanced)
      unsafe rd_kafka_conf_set_error_cb(conf) { client, code, reason, opaque in
        unsafe ClientHandle.failed(client, code, reason, opaque)
      }
      unsafe rd_kafka_conf_set_stats_cb(conf) { client, text, length, opaque in
        unsafe ClientHandle.measured(client, text, length, opaque)
      }
    }
    // Errors and statistics then come with the records, on the polling thread.
    unsafe rd_kafka_poll_set_consumer(client.pointer)
    unsafe queue = rd_kafka_queue_get_consumer(client.pointer)
    unsafe buffer = .allocate(capacity: Self.batchCapacity)
    unsafe buffer.initialize(repeating: nil, count: Self.batchCapacity)
  }

  deinit {
    for index in 0..<waiting { unsafe rd_kafka_message_destroy(buffer[index]) }
    unsafe buffer.deallocate()
    unsafe rd_kafka_queue_destroy(queue)
  }

  /// Joins the group for these topics. Returns at once; the first assignment takes seconds.
  public mutating func subscribe(_ topics: [String]) throws(KafkaError) {
    self.topics = topics
    let list = PartitionList(topics.map { TopicPartition($0, -1) })
    if let error = KafkaError(unsafe rd_kafka_subscribe(client.pointer, list.pointer)) { throw error }
  }

  /// Names the topics that will be read by `assign` alone, without joining the group.
  public mutating func prepare(_ topics: [String]) { self.topics = topics }

  /// Waits at most so long for something to happen. Items of the batch before that were not drained are dropped.
  public mutating func poll(timeoutMilliseconds: Int32, maximum: Int = batchCapacity) -> Poll {
    discardBatch()
    if !troubles.isEmpty { return .trouble(troubles.removeFirst()) }
    let maximum = min(max(maximum, 1), Self.batchCapacity)
    // The batch call waits until the batch is full. So: what is there; else wait for one, then what is there.
    take(maximum, timeoutMilliseconds: 0)
    if waiting == 0, !hasNews, timeoutMilliseconds != 0 {
      if isNudging, nudge.ranDry() {
        take(1, timeoutMilliseconds: min(timeoutMilliseconds, FetchNudge.patienceMilliseconds))
        if waiting == 0, !hasNews { wakeFetchers() }
      }
      if waiting == 0, !hasNews { take(1, timeoutMilliseconds: timeoutMilliseconds) }
      if waiting == 1, maximum > 1 { take(maximum, timeoutMilliseconds: 0) }
    }
    let (rebalance, errors) = client.inbox.contents.withLock { contents in
      let news = (contents.rebalance, contents.errors)
      contents.rebalance = nil
      contents.errors.removeAll()
      return news
    }
    troubles.append(contentsOf: errors)
    if let rebalance {
      // Records in the same batch are from before: they would be read again, or are somebody else's by now.
      discardBatch()
      forgetHandles()
      if rebalance.assigned { return .assigned(rebalance.partitions, rebalance.membership) }
      return rebalance.lost ? .lost(rebalance.partitions) : .revoked(rebalance.partitions)
    }
    if waiting > 0 { return .batch(waiting) }
    return troubles.isEmpty ? .nothing : .trouble(troubles.removeFirst())
  }

  private var hasNews: Bool {
    client.inbox.contents.withLock { $0.rebalance != nil || !$0.errors.isEmpty }
  }

  private mutating func take(_ maximum: Int, timeoutMilliseconds: Int32) {
    let taken = unsafe rd_kafka_consume_batch_queue(
      queue, timeoutMilliseconds, buffer + waiting, maximum - waiting)
    if taken > 0 { waiting += taken }
  }

  private mutating func discardBatch() {
    for index in 0..<waiting { unsafe rd_kafka_message_destroy(buffer[index]) }
    waiting = 0
  }

  /// Hands over the items of the batch in order; each is gone when the call for it returns. Stale records are
  /// dropped and counted.
  ///
  /// - Throws: what `body` throws; the rest of the batch is then dropped, and the consumer must be closed or
  ///   assigned anew, since those records will not come again.
  public mutating func drain<Failure: Error>(
    _ body: (ConsumedItem) throws(Failure) -> Void
  ) throws(Failure) {
    let count = waiting
    waiting = 0
    var index = 0
    var bytes = 0
    defer {
      nudge.took(records: index, bytes: bytes)
      while index < count { destroy(&index) }
    }
    while index < count {
      let message = unsafe buffer[index]!
      unsafe bytes += message.pointee.len
      if let record = unsafe admitRecord(message) {
        try body(.record(record))
      } else if let item = unsafe admitOther(message) {
        try body(item)
      }
      destroy(&index)
    }
  }

  private func destroy(_ index: inout Int) {
    unsafe rd_kafka_message_destroy(buffer[index])
    index += 1
  }

  /// A record of the present assignment; nil: something else.
  @inline(__always)
  private mutating func admitRecord(_ message: UnsafeMutablePointer<rd_kafka_message_t>) -> RecordView? {
    guard unsafe message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
    let partition = unsafe message.pointee.partition
    let offset = unsafe message.pointee.offset
    let address = unsafe Int(bitPattern: message.pointee.rkt)
    var isKnown = address == lastHandle
    if !isKnown { isKnown = unsafe makeLast(message.pointee.rkt) }
    guard isKnown, table.admit(topic: lastIndex, partition: partition, offset: offset) else {
      staleRecords += 1
      return nil
    }
    return unsafe RecordView(message: message, topicIndex: lastIndex, partition: partition, offset: offset)
  }

  /// Makes a topic the last one; whether it is one that was subscribed to.
  private mutating func makeLast(_ handle: OpaquePointer?) -> Bool {
    guard let index = unsafe index(ofTopic: handle) else { return false }
    lastHandle = Int(bitPattern: handle)
    lastIndex = index
    return true
  }

  private mutating func forgetHandles() {
    handles.removeAll()
    lastHandle = Self.noHandle
  }

  /// What is no record: an end, or a failure.
  private mutating func admitOther(_ message: UnsafeMutablePointer<rd_kafka_message_t>) -> ConsumedItem? {
    if unsafe message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR { return nil }
    let partition = unsafe message.pointee.partition
    let offset = unsafe message.pointee.offset
    let topicIndex = unsafe index(ofTopic: message.pointee.rkt)
    let code = unsafe KafkaError.Code(message.pointee.err)
    if code == .partitionEnd {
      guard let topicIndex, table.admitsEnd(topic: topicIndex, partition: partition, offset: offset) else {
        return nil
      }
      return .endOfPartition(topicIndex: topicIndex, partition: partition, nextOffset: offset)
    }
    let topic = unsafe topicIndex.map { topics[$0] } ?? topicName(message.pointee.rkt)
    let cause = unsafe rd_kafka_message_errstr(message).map { unsafe String(cString: $0) }
    let place: String? = topic.map {
      partition >= 0 ? "partition \(partition) of topic \($0)" : "topic \($0)"
    }
    return .failure(
      KafkaError(code: code, subject: place, cause: cause),
      topic.flatMap { partition >= 0 ? TopicPartition($0, partition) : nil })
  }

  private func topicName(_ handle: OpaquePointer?) -> String? {
    guard let handle = unsafe handle else { return nil }
    return unsafe String(cString: rd_kafka_topic_name(handle))
  }

  private mutating func index(ofTopic handle: OpaquePointer?) -> Int? {
    guard let handle = unsafe handle else { return nil }
    let address = Int(bitPattern: handle)
    if let known = handles[address] { return known }
    guard let name = unsafe topicName(handle), let index = topics.firstIndex(of: name) else { return nil }
    handles[address] = index
    return index
  }

  /// Begins to read these partitions, each at its offset. Replaces any earlier assignment.
  public mutating func assign(_ starts: [(partition: TopicPartition, offset: Offset)]) throws(KafkaError) {
    table.clear()
    forgetHandles()
    let list = PartitionList(capacity: starts.count)
    for start in starts {
      guard let index = topics.firstIndex(of: start.partition.topic) else {
        preconditionFailure("assigned a topic that is not subscribed to")
      }
      list.add(start.partition, offset: start.offset.library)
      table.assign(topic: index, partition: start.partition.partition, nextOffset: start.offset.library)
    }
    if let error = KafkaError(unsafe rd_kafka_assign(client.pointer, list.pointer)) {
      table.clear()
      throw error
    }
  }

  /// Gives up all partitions. When it returns, none of their records will come.
  public mutating func unassign() throws(KafkaError) {
    table.clear()
    discardBatch()
    if let error = KafkaError(unsafe rd_kafka_assign(client.pointer, nil)) { throw error }
  }

  /// What is being read, each with the next offset that is expected.
  public var assignment: [(partition: TopicPartition, nextOffset: Int64)] {
    table.assigned.map { (TopicPartition(topics[$0.topic], $0.partition), $0.nextOffset) }
  }

  /// Where what is being read ends, as the last fetches told; without those of which none has come yet.
  public var knownEnds: [(partition: TopicPartition, end: Int64)] {
    assignment.compactMap { entry in
      var (low, high) = (Int64(0), Int64(0))
      let status = unsafe rd_kafka_get_watermark_offsets(
        client.pointer, entry.partition.topic, entry.partition.partition, &low, &high)
      return status == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? (entry.partition, high) : nil
    }
  }

  /// Records and events that the library holds ready.
  public var queued: Int { unsafe Int(rd_kafka_queue_length(queue)) }

  /// Leaves the group, or with an instance name keeps its place there until its session ends.
  ///
  /// - Parameter timeoutMilliseconds: after it the member is left to the session timeout.
  /// - Returns: whether it ended in time.
  @discardableResult
  public mutating func close(timeoutMilliseconds: Int32) -> Bool {
    guard !closed else { return true }
    closed = true
    discardBatch()
    table.clear()
    let events = unsafe rd_kafka_queue_new(client.pointer)
    defer { unsafe rd_kafka_queue_destroy(events) }
    if let error = unsafe KafkaError(taking: rd_kafka_consumer_close_queue(client.pointer, events)) {
      client.inbox.add(error)
      return false
    }
    let clock = ContinuousClock()
    let deadline = clock.now + .milliseconds(Int64(timeoutMilliseconds))
    while unsafe rd_kafka_consumer_closed(client.pointer) == 0 {
      guard clock.now < deadline else { return false }
      let taken = unsafe rd_kafka_consume_batch_queue(events, 20, buffer, Self.batchCapacity)
      for index in 0..<max(taken, 0) { unsafe rd_kafka_message_destroy(buffer[index]) }
      let announced = client.inbox.contents.withLock { contents in
        defer { contents.rebalance = nil }
        return contents.rebalance != nil
      }
      if announced { unsafe rd_kafka_assign(client.pointer, nil) }
    }
    return true
  }

  /// Runs on the polling thread, inside the batch call: notes what happened and makes that call return.
  private static let rebalanced:
    @convention(c) (
      OpaquePointer?, rd_kafka_resp_err_t, UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?,
      UnsafeMutableRawPointer?
    ) -> Void = { client, code, list, opaque in
      guard let client = unsafe client, let inbox = unsafe ClientInbox.of(opaque) else { return }
      let assigned = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS
      let lost = unsafe !assigned && rd_kafka_assignment_lost(client) != 0
      let partitions = unsafe PartitionList.elements(of: list).map(\.partition).sorted()
      // Here and nowhere later: the library clears generation and member id on its own thread, before the
      // application hears of a loss.
      var membership: Membership?
      if assigned, let metadata = unsafe GroupMetadata(taking: rd_kafka_consumer_group_metadata(client)) {
        membership = metadata.bytes.flatMap { Membership(metadata: $0) }
      }
      inbox.contents.withLock {
        $0.rebalance = ClientInbox.Rebalance(
          assigned: assigned, lost: lost, partitions: partitions, membership: membership)
      }
      if let queue = unsafe rd_kafka_queue_get_consumer(client) {
        unsafe rd_kafka_queue_yield(queue)
        unsafe rd_kafka_queue_destroy(queue)
      }
    }
}
