import Events

/// The rows of a file as they stand, each with the user and the time that its mapping finds in it: for sending a
/// file through a broker.
public enum FileRows {
  /// One row.
  public struct Row {
    /// The user's id, as a record's key; nil where the row does not tell.
    public var key: [UInt8]?
    /// Event time, milliseconds since 1970 UTC; nil where the row does not tell.
    public var time: Int64?
    public var value: [UInt8]
  }

  /// Hands over every row in order, the refused ones too. A header row is left out.
  public static func read(
    _ path: String, mapping: Mapping, maximumRecordBytes: Int = 1 << 20, _ body: (Row) -> Void
  ) throws(ReplayError) {
    var reader = try LineReader(path: path, maximumLineBytes: maximumRecordBytes)
    var decoder = Decoder(mapping: mapping, limits: DecoderLimits(maximumRecordBytes: maximumRecordBytes))
    var slot = EventSlot()
    let hasHeader = mapping.rows?.hasHeader ?? false
    var more = true
    while more {
      let isHeader = hasHeader && reader.line == 0
      more = try unsafe reader.next { bytes, _ in
        if isHeader { return }
        if unsafe bytes.isEmpty { return }
        var row = Row(key: nil, time: nil, value: unsafe Array(bytes))
        let outcome = unsafe decoder.decode(payload: bytes, recordTimestamp: -1, into: &slot)
        if case .rejected = outcome { return body(row) }
        if slot.ts > 0 { row.time = slot.ts }
        if let id = slot.userID ?? slot.anonymousID { row.key = Array(slot.slice(id)) }
        body(row)
      }
    }
  }
}
