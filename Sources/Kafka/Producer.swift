import CRdKafka
import Dispatch
import Synchronization

/// What became of one record.
public struct DeliveryReport: Sendable {
  /// What the producer of the record gave with it.
  public var tag: UInt
  public var partition: Int32
  /// −1: unknown (the acknowledgement was of a retry).
  public var offset: Int64
  /// nil: all replicas in sync have it.
  public var error: KafkaError?
}

/// One header of a record to write.
public struct RecordHeader: Sendable, Hashable {
  public var name: String
  /// nil: a null value.
  public var value: [UInt8]?

  public init(_ name: String, _ value: [UInt8]?) {
    self.name = name
    self.value = value
  }

  public init(_ name: String, _ value: String) { self.init(name, Array(value.utf8)) }
}

/// Headers made once and given to many records.
@safe public struct HeaderList: ~Copyable {
  let pointer: OpaquePointer
  public let isEmpty: Bool

  public init(_ headers: [RecordHeader]) {
    isEmpty = headers.isEmpty
    let list = unsafe rd_kafka_headers_new(headers.count)!
    unsafe pointer = list
    for header in headers {
      // Fails only for lists that belong to a record of a consumer.
      if let value = header.value {
        unsafe value.withUnsafeBytes { bytes in
          // A nil start would write a null value.
          let start = unsafe bytes.baseAddress ?? UnsafeRawPointer(list)
          _ = unsafe rd_kafka_header_add(list, header.name, -1, start, bytes.count)
        }
      } else {
        _ = unsafe rd_kafka_header_add(list, header.name, -1, nil, 0)
      }
    }
  }

  deinit { unsafe rd_kafka_headers_destroy(pointer) }
}

/// An idempotent producer, transactional if its properties name a `transactional.id`.
///
/// Delivery reports are drained on a thread of its own, so that flushing and committing need not poll.
///
/// `@unchecked`: librdkafka's clients may be used from any thread; topic handles change in `mutating` calls only.
@safe public struct Producer: ~Copyable, @unchecked Sendable {
  let client: ClientHandle
  private let drain: DeliveryDrain
  private var topics: [String: TopicHandle] = [:]
  private let compression: [String: String]

  /// - Parameters:
  ///   - properties: passed through, over our defaults and under what must hold.
  ///   - compression: a codec by topic, where the properties leave it to us.
  ///   - onDelivery: called for every record on the producer's own thread; must be quick.
  public init(
    properties: ClientProperties, callbacks: ClientCallbacks = .init(), compression: [String: String] = [:],
    onDelivery: (@Sendable (DeliveryReport) -> Void)? = nil
  ) throws(KafkaError) {
    let all = ClientProperties.forEveryClient.overridden(by: .producerDefaults)
      .overridden(by: properties.relevant(to: .producer)).overridden(by: .producerInvariants)
    client = try unsafe ClientHandle(.producer, properties: all, callbacks: callbacks) { conf in
      unsafe rd_kafka_conf_set_events(
        conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_STATS)
    }
    let isTold = properties["compression.type"] != nil || properties["compression.codec"] != nil
    self.compression = isTold ? [:] : compression
    drain = DeliveryDrain(client: client, onDelivery: onDelivery)
    drain.start()
  }

  deinit {
    drain.stop()
    for topic in topics.values { unsafe rd_kafka_topic_destroy(topic.pointer) }
  }

  /// Hands a copy of a record to the library, which sends it in the background.
  ///
  /// - Parameters:
  ///   - key: nil: a null key; the record then goes to a random partition.
  ///   - partition: nil: chosen by the key as the Java client does.
  ///   - timestamp: milliseconds since 1970 UTC; 0: now.
  ///   - tag: comes back with the delivery report.
  /// - Returns: false if the send queue is full; nothing was taken then, and the same call succeeds once records
  ///   have been acknowledged.
  /// - Throws: a record that can never be sent, or a client that is of no use any more.
  public mutating func produce(
    topic: String, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?,
    headers: borrowing HeaderList, partition: Int32? = nil, timestamp: Int64 = 0, tag: UInt = 0
  ) throws(KafkaError) -> Bool {
    let handle = try unsafe self.handle(topic)
    // The library takes the list that it is given.
    var copy: OpaquePointer?
    if !headers.isEmpty { unsafe copy = rd_kafka_headers_copy(headers.pointer) }
    // An empty buffer may start nowhere, which would write a null.
    let somewhere = unsafe UnsafeRawPointer(handle)
    let keyStart = unsafe key.map { unsafe $0.baseAddress ?? somewhere }
    let valueStart = unsafe value.map { unsafe $0.baseAddress ?? somewhere }
    let code = unsafe ebb_produce(
      client.pointer, handle, partition ?? -1, keyStart, key?.count ?? 0, valueStart, value?.count ?? 0,
      timestamp, copy, UnsafeMutableRawPointer(bitPattern: tag))
    if code == RD_KAFKA_RESP_ERR_NO_ERROR {
      drain.counts.withLock { $0.produced += 1 }
      return true
    }
    if let copy = unsafe copy { unsafe rd_kafka_headers_destroy(copy) }
    if code == RD_KAFKA_RESP_ERR__QUEUE_FULL { return false }
    throw clientError(KafkaError.Code(code), subject: "topic \(topic)").doing(.write(topic: topic))
  }

  /// As the other `produce`, from arrays; waits for room in the send queue, at most so long.
  ///
  /// - Throws: `queueFull` after that time.
  public mutating func produce(
    topic: String, key: [UInt8]?, value: [UInt8]?, headers: [RecordHeader] = [], partition: Int32? = nil,
    timestamp: Int64 = 0, tag: UInt = 0, timeoutMilliseconds: Int32 = 10_000
  ) throws(KafkaError) {
    let clock = ContinuousClock()
    let deadline = clock.now + .milliseconds(Int64(timeoutMilliseconds))
    let list = HeaderList(headers)
    while true {
      let taken = try tryProduce(
        topic: topic, key: key, value: value, headers: list, partition: partition, timestamp: timestamp,
        tag: tag)
      if taken { return }
      guard clock.now < deadline else { throw KafkaError(code: .queueFull) }
      // Room comes with acknowledgements; any poll interval serves.
      drain.wait(timeoutMilliseconds: 10)
    }
  }

  /// As the first `produce`, from arrays: false if the send queue is full.
  public mutating func tryProduce(
    topic: String, key: [UInt8]?, value: [UInt8]?, headers: borrowing HeaderList, partition: Int32? = nil,
    timestamp: Int64 = 0, tag: UInt = 0
  ) throws(KafkaError) -> Bool {
    try unsafe withBytes(key) { key throws(KafkaError) in
      try unsafe withBytes(value) { value throws(KafkaError) in
        try unsafe produce(
          topic: topic, key: key, value: value, headers: headers, partition: partition, timestamp: timestamp,
          tag: tag)
      }
    }
  }

  /// Records handed over and not yet reported on.
  public var outstanding: Int { drain.counts.withLock { $0.produced - $0.reported } }

  /// Records reported on so far that failed.
  public var failed: Int { drain.counts.withLock { $0.failed } }

  /// Sends what waits without lingering, and waits at most so long until everything is reported on.
  ///
  /// - Throws: `timedOut` if it is not.
  public func flush(timeoutMilliseconds: Int32) throws(KafkaError) {
    let clock = ContinuousClock()
    let deadline = clock.now + .milliseconds(Int64(timeoutMilliseconds))
    if let error = KafkaError(unsafe rd_kafka_flush(client.pointer, timeoutMilliseconds)) { throw error }
    // The library counts a record as done when its report is queued; ours is counted when it is drained.
    while outstanding > 0 {
      guard clock.now < deadline else { throw KafkaError(code: .timedOut) }
      drain.wait(timeoutMilliseconds: 1)
    }
  }

  /// Waits at most so long for a delivery report.
  public func waitForDeliveries(timeoutMilliseconds: Int32) {
    drain.wait(timeoutMilliseconds: timeoutMilliseconds)
  }

  /// Waits at most so long until every record is reported on, without hurrying them; whether that is so.
  public func waitForAllDeliveries(timeoutMilliseconds: Int32) -> Bool {
    drain.waitForAll(timeoutMilliseconds: timeoutMilliseconds)
  }

  /// Drops what has not been sent yet; each record is reported on as purged.
  public func purge() {
    _ = unsafe rd_kafka_purge(client.pointer, Int32(RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT))
  }

  /// Trouble that the client told of since the last call. It goes on by itself unless the class is fatal.
  public func takeTroubles() -> [KafkaError] { client.inbox.takeErrors() }

  private mutating func handle(_ topic: String) throws(KafkaError) -> OpaquePointer {
    if let handle = topics[topic] { return unsafe handle.pointer }
    var conf: OpaquePointer?
    if let codec = compression[topic] {
      unsafe conf = rd_kafka_default_topic_conf_dup(client.pointer)
      // A library that is built without this codec goes on with that of the other topics.
      _ = unsafe rd_kafka_topic_conf_set(conf, "compression.codec", codec, nil, 0)
    }
    guard let handle = unsafe rd_kafka_topic_new(client.pointer, topic, conf) else {
      let code = KafkaError.Code(rd_kafka_last_error())
      if let conf = unsafe conf { unsafe rd_kafka_topic_conf_destroy(conf) }
      throw KafkaError(code: code, subject: "topic \(topic)")
    }
    unsafe topics[topic] = TopicHandle(pointer: handle)
    return unsafe handle
  }

  /// The error of a code; for a client that has failed for good the reason of that.
  private func clientError(_ code: KafkaError.Code, subject: String) -> KafkaError {
    guard code == .fatal else { return KafkaError(code: code, subject: subject) }
    var text = [CChar](repeating: 0, count: 512)
    let reason = unsafe rd_kafka_fatal_error(client.pointer, &text, text.count)
    return KafkaError(code: KafkaError.Code(reason), subject: subject, cause: text.text, class: .fatal)
  }
}

/// A topic as the library knows it; destroyed by the producer that made it.
@safe private struct TopicHandle {
  let pointer: OpaquePointer
}

private func withBytes<Result>(
  _ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws(KafkaError) -> Result
) throws(KafkaError) -> Result {
  guard let bytes else { return try body(nil) }
  return try unsafe bytes.span.withUnsafeBytes { buffer throws(KafkaError) in try unsafe body(buffer) }
}
