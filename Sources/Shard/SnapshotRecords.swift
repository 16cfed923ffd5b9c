import Portrait

/// How state records lie one behind the other in a snapshot: length and bytes of the key, length and bytes of the
/// value, which is the state topic's to the byte.
public enum SnapshotRecords {
  /// Appends one record.
  public static func append(
    key: some Collection<UInt8>, value: some Collection<UInt8>, to writer: inout StateWriter
  ) {
    writer.count(key.count)
    writer.raw(key)
    writer.count(value.count)
    writer.raw(value)
  }

  /// Calls `body` with key and value of every record, in order.
  ///
  /// - Returns: how many there are.
  /// - Throws: what `body` throws, or that `bytes` do not end with a record.
  public static func read<Failure: Error>(
    _ bytes: UnsafeRawBufferPointer,
    damaged: (StateError) -> Failure,
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) -> Int {
    var reader = unsafe StateReader(bytes)
    var records = 0
    while reader.rest > 0 {
      let key: UnsafeRawBufferPointer
      let value: UnsafeRawBufferPointer
      do throws(StateError) {
        unsafe key = try reader.slice(try reader.count(.max - 1))
        unsafe value = try reader.slice(try reader.count(.max - 1))
      } catch {
        throw damaged(error)
      }
      try unsafe body(key, value)
      records += 1
    }
    return records
  }
}
