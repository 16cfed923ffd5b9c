import CRdKafka

/// Owns the topics of one request until it has been sent.
@safe struct TopicRequest: ~Copyable {
  @safe private final class Topics {
    var pointers: [OpaquePointer?] = unsafe []
  }

  private let topics = Topics()

  deinit { unsafe topics.pointers.forEach { unsafe rd_kafka_NewTopic_destroy($0) } }

  func add(_ topic: NewTopic) throws(KafkaError) {
    var text = [CChar](repeating: 0, count: 512)
    guard
      let pointer = unsafe rd_kafka_NewTopic_new(
        topic.name, Int32(topic.partitions), Int32(topic.replicas ?? -1), &text, text.count)
    else {
      throw KafkaError(code: .invalidArgument, subject: "topic \(topic.name)", cause: text.text)
    }
    unsafe topics.pointers.append(pointer)
    for (name, value) in topic.configuration.sorted(by: { $0.key < $1.key }) {
      if let error = KafkaError(
        unsafe rd_kafka_NewTopic_set_config(pointer, name, value), subject: "topic \(topic.name)")
      {
        throw error
      }
    }
  }

  func withPointers(_ body: (UnsafeMutablePointer<OpaquePointer?>, Int) -> Void) {
    unsafe topics.pointers.withUnsafeMutableBufferPointer {
      unsafe body($0.baseAddress!, $0.count)
    }
  }
}

/// The answer to an administrative request.
@safe struct AdminEvent: ~Copyable {
  let pointer: OpaquePointer

  deinit { unsafe rd_kafka_event_destroy(pointer) }

  /// Sends a request and waits for its answer.
  static func ask(
    _ client: ClientHandle, timeoutMilliseconds: Int32,
    send: (_ options: OpaquePointer?, _ queue: OpaquePointer?) -> Void
  ) throws(KafkaError) -> AdminEvent {
    let queue = unsafe rd_kafka_queue_new(client.pointer)
    defer { unsafe rd_kafka_queue_destroy(queue) }
    let options = unsafe rd_kafka_AdminOptions_new(client.pointer, RD_KAFKA_ADMIN_OP_ANY)
    defer { unsafe rd_kafka_AdminOptions_destroy(options) }
    var text = [CChar](repeating: 0, count: 512)
    unsafe rd_kafka_AdminOptions_set_request_timeout(options, timeoutMilliseconds, &text, text.count)
    unsafe send(options, queue)
    // The library answers at the latest at its own timeout; the second is for threads to come round.
    guard let pointer = unsafe rd_kafka_queue_poll(queue, timeoutMilliseconds + 1_000) else {
      throw KafkaError(code: .timedOut)
    }
    let event = unsafe AdminEvent(pointer: pointer)
    if let error = unsafe KafkaError(
      rd_kafka_event_error(pointer),
      cause: rd_kafka_event_error_string(pointer).map { unsafe String(cString: $0) })
    {
      throw error
    }
    return event
  }
}
