import Events

extension Traits {
  private enum Flag {
    static let timezone: UInt64 = 1
    static let optOut: UInt64 = 2
    static let end: UInt64 = 4
  }

  func encode(into writer: inout StateWriter, base: Int64) {
    writer.unsigned(
      (timezoneEntry == nil ? 0 : Flag.timezone) | (optOutEntry == nil ? 0 : Flag.optOut)
        | UInt64(entries.count) << 2)
    timezoneEntry?.encode(into: &writer, base: base, named: false)
    optOutEntry?.encode(into: &writer, base: base, named: false)
    for entry in entries { entry.encode(into: &writer, base: base, named: true) }
  }

  init(from reader: inout StateReader, base: Int64) throws(StateError) {
    self.init()
    let head = try reader.unsigned(below: UInt64(Self.maximum + 1) << 2)
    if head & Flag.timezone != 0 { timezoneEntry = try Entry(from: &reader, base: base, name: "timezone") }
    if head & Flag.optOut != 0 { optOutEntry = try Entry(from: &reader, base: base, name: "ebb_opt_out") }
    entries.reserveCapacity(Int(head >> 2))
    for _ in 0..<head >> 2 {
      entries.append(try Entry(from: &reader, base: base, name: try reader.string()))
    }
  }
}

extension Traits.Entry {
  /// The value's kind stands in the lowest bit: 1 for a number, else the rest is the text's length.
  func encode(into writer: inout StateWriter, base: Int64, named: Bool) {
    if named { writer.string(name) }
    switch value {
    case .number(let number):
      writer.unsigned(1)
      writer.double(number)
    case .text(let text):
      writer.unsigned(UInt64(text.utf8.count) << 1)
      writer.raw(text.utf8)
    }
    writer.time(time, from: base)
  }

  init(from reader: inout StateReader, base: Int64, name: String) throws(StateError) {
    self.name = name
    let head = try reader.unsigned()
    if head == 1 {
      let number = try reader.double()
      guard number.isFinite else { throw reader.malformed("a trait's number is none") }
      value = .number(number)
    } else if head & 1 == 0 {
      value = .text(try reader.string(bytes: Int(head >> 1)))
    } else {
      throw reader.malformed("there is no such kind of trait")
    }
    time = try reader.time(from: base)
  }
}
