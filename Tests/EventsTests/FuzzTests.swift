import Events
import Settings
import Testing

/// Damaged records: whatever comes, a decoder answers, and goes on.
@Suite struct FuzzTests {
  /// SplitMix64: the same seed makes the same records everywhere.
  struct Random: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }

  static let seeds: [(String, String)] = [
    (
      "native",
      #"{"type":"purchase","ts":1772359200000,"user_id":"u1","currency":"EUR","items":[{"item_id":"a\n\ud83d\ude00","price_minor":1999,"quantity":2},{"item_id":7}],"value_minor":3998,"traits":{"a":true,"b":1.5e3}}"#
    ),
    (
      "segment",
      #"{"type":"track","event":"Order Completed","userId":"u1","timestamp":"2026-03-01T12:00:00.123+02:00","properties":{"revenue":25.00,"currency":"USD","products":[{"product_id":"x","price":19.99,"quantity":1},{"sku":"y"}]}}"#
    ),
    (
      "ga4",
      #"{"event_name":"purchase","event_timestamp":"1772359200123456","user_pseudo_id":"1.2","event_params":[{"key":"value","value":{"double_value":3000.5}},{"value":{"string_value":"x"},"key":"page_location"}],"items":[{"item_id":"S","price":1e1,"quantity":"3"}]}"#
    ),
    (
      "sensorsdata",
      #"{"distinct_id":"123456","time":1434556935000,"type":"profile_set","properties":{"$is_login_id":true,"age":33,"名":"王","x":null}}"#
    ),
    (
      "rees46",
      #"2019-10-01 00:00:00 UTC,cart,44600062,2103807459595387724,"a ""b"", c",shiseido,35.79,541312140,72d76fde"#
    ),
    ("taobao", "520403,1715,1464116,pv,1511658000"),
    (
      "otto",
      #"{"session":42,"events":[{"aid":0,"ts":1661200010000,"type":"clicks"},{"aid":1,"ts":1661200020000,"type":"carts"}]}"#
    ),
  ]

  /// Pieces that parsers have stumbled over.
  static let pieces: [[UInt8]] =
    [
      "{", "}", "[", "]", "\"", "\\", ":", ",", "\\u", "\\ud800", "\\udc00", "null", "true", "NaN", "1e400",
      "-", "0",
      "1e-400", "99999999999999999999", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "{\"a\":", "\"\"", "\u{FEFF}",
      "\n", "\r\n", "\0",
      "9223372036854775808", "-1", "1.", "\"key\":\"value\"",
    ].map { Array($0.utf8) } + [
      [0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82],
    ]

  static func mutate(_ record: inout [UInt8], _ random: inout Random) {
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      let place = Int.random(in: 0...record.count, using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0 where place < record.count: record[place] = UInt8.random(in: .min ... .max, using: &random)
      case 1 where place < record.count: record[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 2: record.removeSubrange(place..<min(record.count, place + Int.random(in: 1...8, using: &random)))
      case 3: record.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: place)
      case 4: record.removeSubrange(place...)
      default:
        let from = Int.random(in: 0...record.count, using: &random)
        record.insert(contentsOf: Array(record[from..<min(record.count, from + 12)]), at: place)
      }
    }
  }

  @Test(arguments: seeds)
  func `Damaged records are decoded or refused, and never disturb the next one`(preset: String, seed: String)
    throws
  {
    var decoding = try Decoding(preset: preset)
    let original = Array(seed.utf8)
    var random = Random(state: 0xEBB ^ UInt64(preset.utf8.count))
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
      for count in 0..<bytes.count {
        let outcome = decoding.outcome(Array(bytes[..<count]))
        // Rows have no end of their own: all columns but a shorter last one make an event.
        if preset != "rees46", preset != "taobao" {
          #expect(outcome != .event && outcome != .ignored, "\(preset), \(count) bytes")
        }
      }
    }
  }
}
