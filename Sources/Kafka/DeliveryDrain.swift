import CRdKafka
import Dispatch
import Synchronization

/// The thread that takes a producer's delivery reports, errors and statistics out of the library.
///
/// `@unchecked`: the queue belongs to the thread once it runs; everything shared stands under a lock.
@safe final class DeliveryDrain: @unchecked Sendable {
  struct Counts: Sendable {
    var produced = 0
    var reported = 0
    var failed = 0
    var waiting = 0
  }

  let counts = Mutex(Counts())
  private let client: ClientHandle
  private let queue: OpaquePointer
  private let onDelivery: (@Sendable (DeliveryReport) -> Void)?
  private let stopping = Atomic(false)
  private let ended = DispatchSemaphore(value: 0)
  private let arrived = DispatchSemaphore(value: 0)

  init(client: ClientHandle, onDelivery: (@Sendable (DeliveryReport) -> Void)?) {
    self.client = client
    self.onDelivery = onDelivery
    unsafe queue = rd_kafka_queue_get_main(client.pointer)
  }

  func start() {
    detachThread { [self] in
      while !stopping.load(ordering: .acquiring) {
        guard let event = unsafe rd_kafka_queue_poll(queue, 200) else { continue }
        let (reported, failed) = unsafe handle(event)
        unsafe rd_kafka_event_destroy(event)
        // Only now does the library count the records as done, and a flush of its own find nothing to wait for.
        if reported > 0 { note(reported, failed) }
      }
      ended.signal()
    }
  }

  /// Ends the thread; what it has not drained is never reported.
  func stop() {
    stopping.store(true, ordering: .releasing)
    unsafe rd_kafka_queue_yield(queue)
    ended.wait()
    unsafe rd_kafka_queue_destroy(queue)
  }

  /// Waits at most so long for a report.
  func wait(timeoutMilliseconds: Int32) {
    counts.withLock { $0.waiting += 1 }
    _ = arrived.wait(timeout: .now() + .milliseconds(Int(timeoutMilliseconds)))
    counts.withLock { $0.waiting -= 1 }
  }

  /// Waits at most so long until every record is reported on; whether that is so.
  func waitForAll(timeoutMilliseconds: Int32) -> Bool {
    let deadline = DispatchTime.now() + .milliseconds(Int(timeoutMilliseconds))
    while true {
      // Looked at and noted under one lock, so that no report comes in between unheard.
      let isDone = counts.withLock { counts in
        if counts.reported >= counts.produced { return true }
        counts.waiting += 1
        return false
      }
      if isDone { return true }
      let result = arrived.wait(timeout: deadline)
      counts.withLock { $0.waiting -= 1 }
      if result == .timedOut { return counts.withLock { $0.reported >= $0.produced } }
    }
  }

  /// How many records it reports on, and how many of them failed.
  private func handle(_ event: OpaquePointer) -> (reported: Int, failed: Int) {
    switch unsafe rd_kafka_event_type(event) {
    case RD_KAFKA_EVENT_DR: return unsafe report(event)
    case RD_KAFKA_EVENT_ERROR:
      let code = unsafe KafkaError.Code(rd_kafka_event_error(event))
      let fatal = unsafe rd_kafka_event_error_is_fatal(event) != 0
      client.inbox.add(
        code, cause: unsafe rd_kafka_event_error_string(event).map { unsafe String(cString: $0) },
        class: fatal ? .fatal : nil)
    case RD_KAFKA_EVENT_STATS:
      guard let statistics = client.inbox.callbacks.statistics, let text = unsafe rd_kafka_event_stats(event)
      else { break }
      unsafe statistics(String(cString: text))
    default: break
    }
    return (0, 0)
  }

  private func report(_ event: OpaquePointer) -> (reported: Int, failed: Int) {
    var reported = 0
    var failed = 0
    while let message = unsafe rd_kafka_event_message_next(event) {
      reported += 1
      let code = unsafe message.pointee.err
      if code.rawValue != 0 { failed += 1 }
      guard let onDelivery else { continue }
      var error: KafkaError?
      if code.rawValue != 0 {
        let topic = unsafe String(cString: rd_kafka_topic_name(message.pointee.rkt))
        error = KafkaError(code, subject: "topic \(topic)")?.doing(.write(topic: topic))
      }
      unsafe onDelivery(
        DeliveryReport(
          tag: UInt(bitPattern: message.pointee._private), partition: message.pointee.partition,
          offset: message.pointee.offset, error: error))
    }
    return (reported, failed)
  }

  private func note(_ reported: Int, _ failed: Int) {
    let waiting = counts.withLock { counts in
      counts.reported += reported
      counts.failed += failed
      return counts.waiting
    }
    for _ in 0..<waiting { arrived.signal() }
  }
}
