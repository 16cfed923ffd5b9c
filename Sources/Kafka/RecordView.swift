import CRdKafka
import Pipeline

/// A record as the library holds it: valid only during the call that hands it over. Copy what is kept.
@safe public struct RecordView {
  let message: UnsafeMutablePointer<rd_kafka_message_t>
  /// Index into the topics that the consumer subscribed to, in that order.
  public let topicIndex: Int
  public let partition: Int32
  public let offset: Int64

  /// Milliseconds since 1970 UTC; −1: none.
  public var timestamp: Int64 {
    var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
    let timestamp = unsafe rd_kafka_message_timestamp(message, &kind)
    return kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1 : timestamp
  }

  /// nil: a null key.
  public var key: UnsafeRawBufferPointer? {
    guard let start = unsafe message.pointee.key else { return nil }
    return unsafe UnsafeRawBufferPointer(start: start, count: message.pointee.key_len)
  }

  /// nil: a null value. An empty value is not null.
  public var value: UnsafeRawBufferPointer? {
    guard let start = unsafe message.pointee.payload else { return nil }
    return unsafe UnsafeRawBufferPointer(start: start, count: message.pointee.len)
  }

  /// The headers, copied; parsed on demand by the library. A null value is nil.
  public func headers() -> [(name: String, value: [UInt8]?)] { unsafe Self.headers(of: message) }

  /// The same, from the library's own message.
  static func headers(
    of message: UnsafePointer<rd_kafka_message_t>
  ) -> [(name: String, value: [UInt8]?)] {
    var list: OpaquePointer?
    guard unsafe rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR else { return [] }
    var headers: [(name: String, value: [UInt8]?)] = []
    let count = unsafe rd_kafka_header_cnt(list)
    for index in 0..<count {
      var name: UnsafePointer<CChar>?
      var start: UnsafeRawPointer?
      var length = 0
      guard
        unsafe rd_kafka_header_get_all(list, index, &name, &start, &length) == RD_KAFKA_RESP_ERR_NO_ERROR,
        let name = unsafe name
      else { break }
      let value = unsafe start.map { unsafe [UInt8](UnsafeRawBufferPointer(start: $0, count: length)) }
      unsafe headers.append((String(cString: name), value))
    }
    return headers
  }
}

/// Reads the headers of the library's messages for an `InputRecord`. A header without a value becomes one with an
/// empty value.
enum MessageHeaders: HeaderReader {
  static func headers(of source: UnsafeRawPointer) -> [OutputRecord.Header] {
    let message = unsafe source.assumingMemoryBound(to: rd_kafka_message_t.self)
    return unsafe RecordView.headers(of: message).map {
      OutputRecord.Header(name: $0.name, value: $0.value ?? [])
    }
  }
}

extension InputRecord {
  /// A record of the library's, valid as long as the view.
  @inline(__always)
  init(_ view: RecordView) {
    unsafe self.init(
      partition: view.partition, offset: view.offset, timestamp: view.timestamp, key: view.key,
      value: view.value, source: UnsafeRawPointer(view.message), reader: MessageHeaders.self)
  }
}

/// One thing from a consumer's batch.
public enum ConsumedItem {
  case record(RecordView)
  /// The reader has seen everything that the partition holds now, up to `nextOffset`.
  case endOfPartition(topicIndex: Int, partition: Int32, nextOffset: Int64)
  /// A partition cannot be read, or the whole topic or group (`partition` nil).
  case failure(KafkaError, TopicPartition?)
}
