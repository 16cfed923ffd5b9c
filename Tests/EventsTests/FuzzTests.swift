import Events
import Settings
import TestSupport
import Testing

/// Damaged records: whatever comes, a decoder answers, and goes on.
@Suite struct FuzzTests {
  static let seeds = SampleRecords.texts.map { ($0.preset, $0.text) }
  private static let mutator = Mutator(
    pieces: SampleRecords.pieces.map { Array($0.utf8) } + Mutator.binaryPieces)

  static func mutate(_ record: inout [UInt8], _ random: inout SeededGenerator) {
    mutator.mutate(&record, &random)
  }

  @Test(arguments: seeds)
  func `Damaged records are decoded or refused, and never disturb the next one`(preset: String, seed: String)
    throws
  {
    var decoding = try Decoding(preset: preset)
    let original = Array(seed.utf8)
    var random = SeededGenerator(seed: 0xEBB ^ UInt64(preset.utf8.count))
    var counts = (events: 0, ignored: 0, refused: 0)
    func decode(_ decoding: inout Decoding, _ record: [UInt8], _ body: (Event?, DecodeOutcome) -> Void) {
      unsafe record.withUnsafeBytes { bytes in
        unsafe decoding.decoder.decodeEach(payload: bytes, recordTimestamp: -1, into: &decoding.slot) {
          slot, outcome in body(outcome == .event ? slot.event() : nil, outcome)
        }
      }
    }
    var expected: [Event] = []
    decode(&decoding, original) { event, _ in if let event { expected.append(event) } }
    #expect(!expected.isEmpty)
    for round in 0..<8_000 {
      var record = original
      Self.mutate(&record, &random)
      decode(&decoding, record) { event, outcome in
        switch outcome {
        case .event:
          counts.events += 1
          if let event, let user = event.userKey { precondition(user.utf8.count <= 517 && event.ts > 0) }
        case .ignored: counts.ignored += 1
        case .rejected: counts.refused += 1
        }
      }
      if round % 1_000 == 0 {
        var again: [Event] = []
        decode(&decoding, original) { event, _ in if let event { again.append(event) } }
        #expect(again == expected)
      }
    }
    print(
      "\(preset): of 8000 damaged records \(counts.events) events, \(counts.ignored) ignored, \(counts.refused) refused"
    )
    #expect(counts.events > 0 && counts.refused > 0)
  }

  @Test func `Every beginning of a record is refused or is no event of another user`() throws {
    for (preset, seed) in Self.seeds where preset != "otto" {
      var decoding = try Decoding(preset: preset)
      let bytes = Array(seed.utf8)
      // A record that ends in white space is whole without it.
      let end = bytes.lastIndex { $0 != UInt8(ascii: " ") } ?? 0
      for count in 0...end {
        let outcome = decoding.outcome(Array(bytes[..<count]))
        // Rows have no end of their own: all columns but a shorter last one make an event.
        if preset != "rees46", preset != "taobao" {
          #expect(outcome != .event && outcome != .ignored, "\(preset), \(count) bytes")
        }
      }
    }
  }
}
