import Portrait
import Shard
import Testing
import Triggers

/// The envelope of what is stored.
@Suite struct RecordTests {
  static let user = UserState(
    isIdentified: true, firstSeen: 1_700_000_000_000, EpochConstants(Rules()))

  static func bytes(_ record: StateRecord) -> [UInt8] {
    var writer = StateWriter()
    record.encode(into: &writer)
    return writer.bytes
  }

  /// A value with this first byte and a checksum that fits.
  static func value(format: UInt8, kind: UInt8, key: [UInt8]) -> [UInt8] {
    var value: [UInt8] = [format, kind, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]
    let sum = StateRecord.checksum(key, value)
    for shift in [UInt32(0), 8, 16, 24] { value.append(UInt8(truncatingIfNeeded: sum >> shift)) }
    return value
  }

  static func code(key: [UInt8], value: [UInt8]) -> StateError.Code? {
    do {
      _ = try StateRecord(key: key, value: value)
      return nil
    } catch {
      return error.code
    }
  }

  @Test(arguments: [
    StateRecord.Content.user("ä-17", user), .gone("anon:x"), .gone(""), .epoch("rules: ü\n"), .epoch(""),
  ])
  func `Every kind of record is read as it was written`(content: StateRecord.Content) throws {
    for position in [
      Position(offset: 0, watermark: .min), Position(offset: .max, watermark: .max),
      Position(offset: 5_000_000_000, watermark: 1_700_000_000_000),
    ] {
      for epoch in [0, 1, 0xfedc_ba98_7654_3210, UInt64.max] {
        let record = StateRecord(epoch: epoch, position: position, content: content)
        #expect(try StateRecord(key: record.key, value: Self.bytes(record)) == record)
      }
    }
  }

  @Test(arguments: [nil, .min, -1, 0, 1_700_000_086_400_000, .max] as [Int64?])
  func `A user's record tells his next deadline`(deadline: Int64?) throws {
    for watermark in [.min, 0, 1_700_000_000_000, .max] as [Int64] {
      let record = StateRecord(
        epoch: 1, position: Position(offset: 3, watermark: watermark), deadline: deadline,
        content: .user("ä-17", Self.user))
      let bytes = Self.bytes(record)
      #expect(try StateRecord(key: record.key, value: bytes) == record)
      try unsafe record.key.withUnsafeBytes { key in
        try unsafe bytes.withUnsafeBytes { value in
          let stored = try unsafe StoredRecord(key: key, value: value)
          #expect(stored.deadline == deadline)
        }
      }
    }
  }

  @Test func `Only a user's record has a deadline`() throws {
    for content in [StateRecord.Content.gone("u"), .epoch("text")] {
      let position = Position(offset: 3, watermark: 4)
      let told = StateRecord(epoch: 1, position: position, deadline: 5, content: content)
      let plain = StateRecord(epoch: 1, position: position, content: content)
      #expect(Self.bytes(told) == Self.bytes(plain))
    }
  }

  @Test func `Records follow one another in one writer`() throws {
    let one = StateRecord(epoch: 3, position: Position(offset: 1, watermark: 2), content: .gone("a"))
    let other = StateRecord(
      epoch: 3, position: Position(offset: 1, watermark: 2), content: .user("ä-17", Self.user))
    var writer = StateWriter()
    one.encode(into: &writer)
    let middle = writer.count
    other.encode(into: &writer)
    #expect(Array(writer.bytes[..<middle]) == Self.bytes(one))
    #expect(Array(writer.bytes[middle...]) == Self.bytes(other))
  }

  @Test func `The key of an epoch is no user's`() {
    #expect(
      StateRecord.key(ofEpoch: 0x0123_4567_89ab_cdef) == [0xFF, UInt8(ascii: "e")] + "0123456789abcdef".utf8)
  }

  @Test func `A record under the key of another is refused`() {
    let record = StateRecord(
      epoch: 3, position: Position(offset: 1, watermark: 2), content: .user("ä-17", Self.user))
    #expect(Self.code(key: Array("other".utf8), value: Self.bytes(record)) == .checksum)
    let gone = Self.value(format: 1, kind: 2, key: StateRecord.key(ofEpoch: 0))
    #expect(Self.code(key: StateRecord.key(ofEpoch: 0), value: gone) == .foreign)
    let epoch = Self.value(format: 1, kind: 3, key: StateRecord.key(ofEpoch: 1))
    #expect(Self.code(key: StateRecord.key(ofEpoch: 1), value: epoch) == .foreign)
  }

  @Test func `A record of a later release is refused with the way out`() throws {
    let key = Array("u".utf8)
    let error = try #require(throws: StateError.self) {
      try StateRecord(key: key, value: Self.value(format: 9, kind: 1, key: key))
    }
    #expect(error.code == .format)
    #expect(error.description.contains("format 9"))
    #expect(error.description.contains("start the release that wrote it"))
  }

  @Test(arguments: [0, 4, 255] as [UInt8])
  func `A kind that there is not is refused`(kind: UInt8) {
    let key = Array("u".utf8)
    #expect(Self.code(key: key, value: Self.value(format: 1, kind: kind, key: key)) == .malformed)
  }

  @Test func `A record that is too short is refused`() {
    for count in 0..<16 {
      #expect(Self.code(key: [], value: [UInt8](repeating: 1, count: count)) == .truncated)
    }
  }

  @Test func `Positions go by offset, then by watermark`() {
    let ordered = [
      Position(offset: 1, watermark: 9), Position(offset: 2, watermark: .min),
      Position(offset: 2, watermark: 3),
      Position(offset: 3, watermark: 0),
    ]
    #expect(ordered.shuffled().sorted() == ordered)
  }

  @Test(arguments: ["", ":", "1", "1:", "1:2:3", " 1:2", "01:2", "+1:2", "1:-0", "1:99999999999999999999"])
  func `A position is spelt in one way`(text: String) {
    #expect(Position(text: text) == nil)
  }

  @Test func `A position reads what it wrote`() {
    for position in [Position(offset: 0, watermark: .min), Position(offset: .max, watermark: -5)] {
      #expect(Position(text: position.text) == position)
    }
  }
}
