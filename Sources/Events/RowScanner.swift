/// Takes one row of delimited text apart: RFC 4180 quoting or none, any one-byte delimiter.
///
/// The row is copied while its quotes are resolved, so that every column is one stretch of the scanner's own
/// memory, valid until the next row.
@safe struct RowScanner: ~Copyable {
  private var text: UnsafeMutablePointer<UInt8>
  private var capacity = 4096
  private var columns = PlainValues(count: 64)
  private(set) var count = 0

  /// Bytes that can be read behind every column.
  private static let slack = 32

  init() {
    unsafe text = .allocate(capacity: capacity + Self.slack)
  }

  deinit { unsafe text.deallocate() }

  /// A column, by its place in the row.
  @inline(__always) func value(_ index: Int) -> FoundValue {
    precondition(index < count)
    return columns[index]
  }

  /// Reads a row (without its line end).
  mutating func scan(_ row: RawText, delimiter: UInt8, quoted: Bool) throws(Rejection) {
    count = 0
    let end = row.count
    if end > capacity {
      while capacity < end { capacity *= 2 }
      unsafe text.deallocate()
      unsafe text = .allocate(capacity: capacity + Self.slack)
    }
    if let base = unsafe row.base { unsafe text.update(from: base, count: end) }
    // Places stay below `end`, which is at most `capacity`.
    let bytes = unsafe text
    var position = 0
    while true {
      if quoted, position < end, unsafe bytes[position] == UInt8(ascii: "\"") {
        try scanQuoted(&position, end, delimiter)
      } else {
        let start = position
        while position < end, unsafe bytes[position] != delimiter { position += 1 }
        unsafe add(RawText(bytes + start, count: position - start))
      }
      guard position < end else { return }
      guard count < 1_024 else { throw Rejection(.tooManyColumns, at: "byte \(position)") }
      position += 1
    }
  }

  /// Resolves the quotes of one column in place; leaves `position` at its delimiter.
  private mutating func scanQuoted(_ position: inout Int, _ end: Int, _ delimiter: UInt8) throws(Rejection) {
    let bytes = unsafe text
    position += 1
    let start = position
    var written = position
    while true {
      guard position < end else {
        throw Rejection(.brokenQuoting, at: "column \(count + 1) (byte \(end))")
      }
      if unsafe bytes[position] == UInt8(ascii: "\"") {
        position += 1
        guard position < end, unsafe bytes[position] == UInt8(ascii: "\"") else { break }
      }
      unsafe bytes[written] = bytes[position]
      written += 1
      position += 1
    }
    guard unsafe position == end || bytes[position] == delimiter else {
      throw Rejection(.brokenQuoting, at: "column \(count + 1) (byte \(position))")
    }
    unsafe add(RawText(bytes + start, count: written - start))
  }

  private mutating func add(_ column: RawText) {
    if count == columns.count { grow() }
    columns.set(count, column)
    count += 1
  }

  /// Room for more columns; those that were read are kept.
  private mutating func grow() {
    var more = PlainValues(count: columns.count * 2)
    for index in 0..<count { more.set(index, columns[index].text) }
    columns = more
  }
}

extension RowLayout {
  /// Where the row that begins at `start` ends: the index of its line feed, or nil if the text ends first.
  /// A line feed inside quotes belongs to its column.
  public func endOfRow(in text: UnsafeRawBufferPointer, from start: Int) -> Int? {
    let text = unsafe RawText(text)
    var isInQuotes = false
    var isAtColumnStart = true
    var hasJustLeft = false
    var position = start
    while position < text.count {
      let byte = text[position]
      if byte == 0x0A, !isInQuotes { return position }
      if quoted, byte == UInt8(ascii: "\"") {
        // A doubled quote leaves and enters again.
        let enters = !isInQuotes && (isAtColumnStart || hasJustLeft)
        hasJustLeft = isInQuotes
        isInQuotes = enters
        isAtColumnStart = false
      } else if !isInQuotes {
        hasJustLeft = false
        isAtColumnStart = byte == delimiter
      }
      position += 1
    }
    return nil
  }
}
