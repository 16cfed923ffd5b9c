import Shard
import Testing

@testable import Pipeline

/// What stands beside a committed offset, as text and back.
@Suite struct CommitMetadataTests {
  static func metadata(entries: Int = 3) -> CommitMetadata {
    var log = ClockLog(base: 1_772_442_000_000)
    for index in 0..<Int64(entries) {
      log.append(
        ClockEntry(
          index % 4 == 0 ? .resume : .advance, offset: 1_000 + index,
          watermark: 1_772_441_000_000 + index * 977,
          clock: 1_772_442_100_000 + index * 1_000))
    }
    return CommitMetadata(
      cut: CutNumber(owner: 0xFEDC_BA98_7654_3210, sequence: 12),
      recoveryPoint: Position(offset: 900, watermark: .min),
      watermark: 1_772_441_999_999, latestEvent: 1_772_442_059_999, epochHash: 0x0123_4567_89AB_CDEF,
      storedCount: 123_456, stateOffset: 987_654, clockLog: log)
  }

  @Test(arguments: [0, 1, 3, 200]) func `It reads back as it was written, in printable ASCII`(entries: Int)
    throws
  {
    let metadata = Self.metadata(entries: entries)
    let text = metadata.text
    #expect(try CommitMetadata(text) == metadata)
    #expect(text.utf8.allSatisfy { $0 > 32 && $0 < 127 })
    #expect(text.utf8.count <= CommitMetadata.maximumBytes)
  }

  @Test func `A partition that has seen nothing has metadata too`() throws {
    let empty = CommitMetadata(
      cut: CutNumber(owner: 1, sequence: 1), recoveryPoint: Position(offset: 0, watermark: .min),
      watermark: .min,
      latestEvent: nil, epochHash: 0, storedCount: 0, stateOffset: -1, clockLog: ClockLog())
    #expect(try CommitMetadata(empty.text) == empty)
    #expect(empty.text.utf8.count < 100)
  }

  @Test(arguments: ["", "someone's own", "{}"]) func `A text that is not ours is told apart`(text: String)
    throws
  {
    #expect(try CommitMetadata(text) == nil)
  }

  @Test func `Every damaged character is noticed`() throws {
    let text = Array(Self.metadata().text.utf8)
    for index in 3..<text.count {
      var damaged = text
      damaged[index] = damaged[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
      let changed = String(decoding: damaged, as: UTF8.self)
      #expect(throws: PipelineError.self, "character \(index)") { try CommitMetadata(changed) }
    }
    for length in 5..<text.count {
      let cut = String(decoding: text.prefix(length), as: UTF8.self)
      #expect(throws: PipelineError.self, "cut at \(length)") { try CommitMetadata(cut) }
    }
  }

  @Test func `An entry takes no more room than is kept for it`() {
    var metadata = Self.metadata(entries: 0)
    let empty = metadata.text.utf8.count
    metadata.clockLog.append(ClockEntry(.advance, offset: .max, watermark: .max, clock: .min))
    #expect(metadata.text.utf8.count - empty <= CommitMetadata.entryBytes)
  }

  @Test func `Only a membership that names somebody can be sent`() {
    #expect(Membership(generation: -1, memberID: "m") == nil)
    #expect(Membership(generation: 3, memberID: "") == nil)
    #expect(Membership(generation: 0, memberID: "m") != nil)
  }
}

/// Which users have waited long enough.
@Suite struct FlushLadderTests {
  @Test func `Users whom a replay has changed are due at once`() {
    var ladder = FlushLadder(due: 7)
    #expect(ladder.ordinal(now: 0, after: 1_600, queued: 9) == 7)
    #expect(ladder.ordinal(now: 1_600, after: 1_600, queued: 9) == 9)
  }

  @Test func `Users are due when they have waited, and not before`() {
    var ladder = FlushLadder()
    #expect(ladder.ordinal(now: 0, after: 1_600, queued: 5) == 0)
    #expect(ladder.ordinal(now: 1_599, after: 1_600, queued: 9) == 0)
    #expect(ladder.ordinal(now: 1_600, after: 1_600, queued: 9) == 5)
    #expect(ladder.ordinal(now: 3_199, after: 1_600, queued: 20) == 9)
    #expect(ladder.ordinal(now: 100_000, after: 1_600, queued: 20) == 20)
  }
}
