import CRdKafka

/// Who this member is in its group, for transactions. Taken when partitions are assigned, and good for that
/// assignment only: one taken later could name a member that owns nothing.
///
/// `@unchecked`: the library only reads it.
@safe public struct GroupMetadata: ~Copyable, @unchecked Sendable {
  let pointer: OpaquePointer

  /// Takes the object over; nil for nil.
  init?(taking pointer: OpaquePointer?) {
    guard let pointer = unsafe pointer else { return nil }
    unsafe self.pointer = unsafe pointer
  }

  deinit { unsafe rd_kafka_consumer_group_metadata_destroy(pointer) }
}
