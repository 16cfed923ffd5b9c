extension Session {
  func encode(into writer: inout StateWriter, base: Int64) {
    writer.time(last, from: base)
    writer.time(start, from: last)
    writer.unsigned(UInt64(bitPattern: pages) << 1 | (hasCartAction ? 1 : 0))
    writer.signed(dwellMilliseconds)
  }

  init(from reader: inout StateReader, base: Int64) throws(StateError) {
    let last = try reader.time(from: base)
    let start = try reader.time(from: last)
    if start > last { throw reader.malformed("a session ends before it starts") }
    let head = try reader.unsigned()
    self.init(start: start, last: last)
    pages = Int64(head >> 1)
    hasCartAction = head & 1 != 0
    dwellMilliseconds = try reader.signed()
  }
}

extension Sessions {
  private enum Flag {
    static let open: UInt64 = 1
    static let closedUntil: UInt64 = 2
    static let end: UInt64 = 4
  }

  func encode(into writer: inout StateWriter, base: Int64) {
    writer.unsigned((open == nil ? 0 : Flag.open) | (closedUntil == .min ? 0 : Flag.closedUntil))
    open?.encode(into: &writer, base: base)
    if closedUntil != .min { writer.span(closedUntil, from: base) }
  }

  init(from reader: inout StateReader, base: Int64) throws(StateError) {
    self.init()
    let flags = try reader.unsigned(below: Flag.end)
    if flags & Flag.open != 0 { open = try Session(from: &reader, base: base) }
    if flags & Flag.closedUntil != 0 { closedUntil = try reader.span(from: base) }
  }
}

// In a user's block.
extension Session {
  func write(into writer: inout BlockWriter) {
    writer.time(start)
    writer.amount(last &- start)
    writer.small(pages << 1 | (hasCartAction ? 1 : 0))
    writer.amount(dwellMilliseconds)
  }

  init(from reader: inout BlockReader) {
    let start = reader.time()
    self.init(start: start, last: start &+ reader.amount())
    let head = reader.small()
    pages = head >> 1
    hasCartAction = head & 1 != 0
    dwellMilliseconds = reader.amount()
  }
}
