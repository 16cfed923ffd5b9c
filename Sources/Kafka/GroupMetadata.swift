import CRdKafka
import Pipeline

/// Who a member is in its group, as the library wants it for transactions. Taken when partitions are assigned, and
/// good for that assignment only: one taken later could name a member that owns nothing.
///
/// `@unchecked`: the library only reads it.
@safe public struct GroupMetadata: ~Copyable, @unchecked Sendable {
  let pointer: OpaquePointer

  /// Takes the object over; nil for nil.
  init?(taking pointer: OpaquePointer?) {
    guard let pointer = unsafe pointer else { return nil }
    unsafe self.pointer = unsafe pointer
  }

  /// From what `bytes` gave, in this process.
  ///
  /// - Throws: they are not such bytes.
  public init(bytes: [UInt8]) throws(KafkaError) {
    var metadata: OpaquePointer?
    let error = unsafe bytes.withUnsafeBytes {
      unsafe rd_kafka_consumer_group_metadata_read(&metadata, $0.baseAddress, $0.count)
    }
    if let error = unsafe KafkaError(taking: error, subject: "the group's metadata") { throw error }
    guard let metadata = unsafe metadata else {
      throw KafkaError(code: .invalidArgument, subject: "the group's metadata")
    }
    unsafe pointer = metadata
  }

  deinit { unsafe rd_kafka_consumer_group_metadata_destroy(pointer) }

  /// The library's own encoding of it; nil: there is no memory for it.
  public var bytes: [UInt8]? {
    var buffer: UnsafeMutableRawPointer?
    var size = 0
    if unsafe KafkaError(taking: rd_kafka_consumer_group_metadata_write(pointer, &buffer, &size)) != nil {
      return nil
    }
    guard let buffer = unsafe buffer else { return nil }
    defer { unsafe rd_kafka_mem_free(nil, buffer) }
    return unsafe [UInt8](UnsafeRawBufferPointer(start: buffer, count: size))
  }
}

extension Membership {
  /// As librdkafka writes group metadata (since 1.6 and in every version up to 2.12 at least):
  /// `CGMDv2:`, the generation in four bytes of this machine's order, and as C strings the group, the member's id,
  /// and behind a byte that says whether it is missing the instance's name.
  private static let mark = Array("CGMDv2:".utf8)

  /// nil: the bytes are of a kind that is not known here, or name nobody: then they must not be sent, since the
  /// brokers would not check them.
  init?(metadata bytes: [UInt8]) {
    guard bytes.starts(with: Self.mark), bytes.count >= Self.mark.count + 4 else { return nil }
    var generation: UInt32 = 0
    for (shift, byte) in bytes.dropFirst(Self.mark.count).prefix(4).enumerated() {
      #if _endian(little)
        generation |= UInt32(byte) << UInt32(8 * shift)
      #else
        generation |= UInt32(byte) << UInt32(8 * (3 - shift))
      #endif
    }
    let strings = bytes.dropFirst(Self.mark.count + 4).split(
      separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
    guard strings.count == 3 else { return nil }
    self.init(
      generation: Int32(bitPattern: generation), memberID: String(decoding: strings[1], as: UTF8.self),
      bytes: bytes)
  }
}
