/// Takes one row of delimited text apart: RFC 4180 quoting or none, any one-byte delimiter.
///
/// The row is copied while its quotes are resolved, so that every column is one stretch of the scanner's own
/// memory, valid until the next row.
@safe struct RowScanner: ~Copyable {
  private var text: UnsafeMutablePointer<UInt8>
  private var capacity = 4096
  private var ends: [Int] = []

  init() {
    unsafe text = .allocate(capacity: capacity)
    ends.reserveCapacity(64)
  }

  deinit { unsafe text.deallocate() }

  var count: Int { ends.count }

  subscript(index: Int) -> RawText {
    let start = index == 0 ? 0 : ends[index - 1]
    return unsafe RawText(text + start, count: ends[index] - start)
  }

  /// Reads a row (without its line end).
  mutating func scan(_ row: RawText, delimiter: UInt8, quoted: Bool) throws(Rejection) {
    ends.removeAll(keepingCapacity: true)
    if row.count > capacity {
      while capacity < row.count { capacity *= 2 }
      unsafe text.deallocate()
      unsafe text = .allocate(capacity: capacity)
    }
    var position = 0
    var written = 0
    while true {
      if quoted, position < row.count, row[position] == UInt8(ascii: "\"") {
        position += 1
        while true {
          guard position < row.count else {
            throw Rejection(.brokenQuoting, at: "column \(ends.count + 1) (byte \(row.count))")
          }
          if row[position] == UInt8(ascii: "\"") {
            position += 1
            guard position < row.count, row[position] == UInt8(ascii: "\"") else { break }
          }
          unsafe text[written] = row[position]
          written += 1
          position += 1
        }
        guard position == row.count || row[position] == delimiter else {
          throw Rejection(.brokenQuoting, at: "column \(ends.count + 1) (byte \(position))")
        }
      } else {
        while position < row.count, row[position] != delimiter {
          unsafe text[written] = row[position]
          written += 1
          position += 1
        }
      }
      ends.append(written)
      guard position < row.count else { return }
      guard ends.count < 1_024 else { throw Rejection(.tooManyColumns, at: "byte \(position)") }
      position += 1
    }
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
