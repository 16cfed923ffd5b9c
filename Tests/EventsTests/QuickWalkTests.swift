import Settings
import TestSupport
import Testing

@testable import Events

/// Records are walked the quick way, and by the parser where that way gives up: both tell the same of every record.
@Suite struct QuickWalkTests {
  /// The mapping decoded the quick way and by the parser alone.
  struct Pair: ~Copyable {
    var quick: Decoder
    var plain: Decoder
    var slot = EventSlot()

    init(preset: String) throws {
      let mapping = try MappingFile.preset(named: preset)
      quick = Decoder(mapping: mapping)
      plain = Decoder(mapping: mapping)
      plain.reader.useQuickWalk(false)
      plain.usesQuickFill(false)
    }

    struct Answer: Equatable {
      var outcome: DecodeOutcome
      var event: Event
    }

    mutating func answers(_ record: [UInt8]) -> (quick: [Answer], plain: [Answer]) {
      var quickly: [Answer] = []
      var plainly: [Answer] = []
      unsafe record.withUnsafeBytes { bytes in
        unsafe quick.decodeEach(payload: bytes, recordTimestamp: -1, into: &slot) {
          quickly.append(Answer(outcome: $1, event: $0.event()))
        }
        unsafe plain.decodeEach(payload: bytes, recordTimestamp: -1, into: &slot) {
          plainly.append(Answer(outcome: $1, event: $0.event()))
        }
      }
      return (quickly, plainly)
    }
  }

  static let more: [(String, String)] = [
    (
      "native",
      #"{"type":"cart_set","ts":1772359200000,"user_id":"u","items":[{"tags":["a",{"b":[1]}],"item_id":"i","price_minor":3,"more":[2],"quantity":2},{"quantity":1,"item_id":"j"}]}"#
    ),
    (
      "native",
      #" { "type" : "cart_add" , "ts" : 1772359200000 , "user_id" : "\u00e9\ud83d\ude00\/x" , "item_id" : -7 , "price_minor" : 19.0 , "rating" : 4.333333333333333333 , "nothing" : [ 1 , { "a" : [ ] } , null , "\n" ] } "#
    ),
    (
      "native",
      #"{"type":"profile","ts":1772359200123,"user_id":"u","traits":{"a":1e5,"b":123456789012345678,"c":0.30000000000000004,"d":-0,"e":false,"f":"é","g":{"x":1},"h":null,"i":1e-330,"j":1234567890123456789012,"k":0.99999999999999999999}}"#
    ),
    (
      "posthog",
      #"{"event":"Product Added","distinct_id":"u","timestamp":"2026-03-01T12:00:00.5Z","properties":{"product_id":"a","price":"12.50","quantity":2,"currency":"EUR"}}"#
    ),
    (
      "rudderstack",
      #"{"type":"track","event":"Product Viewed","userId":"u","originalTimestamp":"2026-03-01T12:00:00Z","properties":{"sku":"a","price":1.005}}"#
    ),
  ]

  @Test(arguments: FuzzTests.seeds + more)
  func `Both walks tell the same of damaged records`(preset: String, seed: String) throws {
    var pair = try Pair(preset: preset)
    let original = Array(seed.utf8)
    var random = SeededGenerator(seed: 0x9D1C ^ UInt64(seed.utf8.count))
    print("\(preset): from seed \(random.seed)")
    for round in 0..<6_000 {
      var record = original
      if round > 0 { FuzzTests.mutate(&record, &random) }
      let (quick, plain) = pair.answers(record)
      try #require(quick == plain, "round \(round): \(String(decoding: record, as: UTF8.self))")
    }
  }

  /// Pieces of JSON put together at random: mostly well-formed, where damaged records mostly are not.
  struct Grammar {
    var random: SeededGenerator

    mutating func pick(_ list: [String]) -> String { list.randomElement(using: &random) ?? "" }

    mutating func space() -> String { pick(["", "", "", "", " ", "\n", " \t "]) }

    mutating func text() -> String {
      var result = "\""
      for _ in 0..<Int.random(in: 0...6, using: &random) {
        result += pick([
          "a", "cart_add", "0123456789", "\\n", "\\\"", "\\\\", "\\u0041", "\\u00e9", "\\u20ac",
          "\\ud83d\\ude00", "é",
          "😀", "\\/", "\\ud83d", "\\u12", "a long text of more than sixteen bytes", " ", "key", "}",
        ])
      }
      return result + "\""
    }

    mutating func number() -> String {
      pick(["", "-"])
        + pick(["0", "7", "1772359200000", "12345678", "123456789012345678", "9007199254740993", "00", ""])
        + pick(["", "", "", ".5", ".25", ".30000000000000004", ".", ".12345678901234567890"])
        + pick(["", "", "", "", "e5", "E-3", "e+2", "e400", "e-400", "e"])
    }

    mutating func value(_ depth: Int) -> String {
      switch Int.random(in: 0..<(depth > 0 ? 9 : 6), using: &random) {
      case 0, 1: text()
      case 2, 3: number()
      case 4: pick(["true", "false", "null", "nul", "truer"])
      case 5: pick(["\"u1\"", "1772359200000", "\"cart_add\"", "\"EUR\""])
      case 6: array(depth)
      default: object(depth)
      }
    }

    mutating func array(_ depth: Int) -> String {
      var parts: [String] = []
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        parts.append(space() + value(depth - 1) + space())
      }
      return "[" + parts.joined(separator: ",") + space() + "]"
    }

    mutating func object(_ depth: Int) -> String {
      var parts: [String] = []
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        parts.append(space() + key() + space() + ":" + space() + value(depth - 1) + space())
      }
      return "{" + parts.joined(separator: ",") + space() + "}"
    }

    mutating func key() -> String {
      pick([
        "\"type\"", "\"ts\"", "\"user_id\"", "\"item_id\"", "\"items\"", "\"traits\"", "\"price_minor\"",
        "\"key\"",
        "\"value\"", "\"properties\"", "\"products\"", "\"event_params\"", "\"event\"", "\"string_value\"",
        "\"rating\"",
        "\"a key of more than sixteen bytes\"", "\"anonymous_id\"", "\"it\\u0065m_id\"", text(),
      ])
    }
  }

  @Test(arguments: ["native", "segment", "ga4", "sensorsdata"])
  func `Both walks tell the same of records made at random`(preset: String) throws {
    var pair = try Pair(preset: preset)
    let state = UInt64(0xC0FFEE ^ preset.utf8.count)
    print("\(preset): from seed \(state)")
    var grammar = Grammar(random: SeededGenerator(seed: state))
    let head = FuzzTests.seeds.first { $0.0 == preset }?.1 ?? "{}"
    var refused = 0
    for round in 0..<6_000 {
      // Half of them carry what makes an event, so that all that follows is looked at too.
      var record = grammar.object(4)
      if round % 2 == 0, record.count > 2 {
        record = "{" + head.dropFirst().dropLast() + "," + record.dropFirst()
      }
      let (quick, plain) = pair.answers(Array(record.utf8))
      try #require(quick == plain, "round \(round): \(record)")
      if case .rejected = quick.first?.outcome { refused += 1 }
    }
    #expect(refused > 0 && refused < 6_000)
  }

  @Test func `Keys of every length are told apart`() throws {
    let reader = JSONReader(maximumBytes: 1 << 16, maximumDepth: 8)
    var record = "{"
    var captures: [Int32] = []
    for length in 1...40 {
      for letter in ["a", "b"] {
        let key = String(repeating: "k", count: length - 1) + letter
        guard let node = reader.node([.key(key)], eachLimit: 0) else {
          Issue.record("no node for \(key)")
          return
        }
        captures.append(reader.capture(node))
        record += "\"\(key)\":\(captures.count),\"\(key)x\":0,"
      }
    }
    record += "\"\":0}"
    let bytes = Array(record.utf8)
    try unsafe bytes.withUnsafeBytes { try unsafe reader.extract(RawText($0)) }
    for (index, capture) in captures.enumerated() {
      let digits = reader.value(capture).decimal?.digits
      #expect(digits == UInt64(index + 1))
    }
    let present = reader.present
    #expect(present == .max)
  }

  @Test func `A number that was read with the record is the number of its text`() throws {
    var random = SeededGenerator(seed: 31)
    let reader = JSONReader(maximumBytes: 1 << 10, maximumDepth: 8)
    guard let node = reader.node([.key("n")], eachLimit: 0) else {
      Issue.record("no node")
      return
    }
    let capture = reader.capture(node)
    var exact = 0
    for _ in 0..<5_000 {
      var text = Bool.random(using: &random) ? "-" : ""
      text += String(
        UInt64.random(in: 0...UInt64(1) << UInt64.random(in: 0...63, using: &random), using: &random))
      if Bool.random(using: &random) {
        text += "."
        for _ in 0..<Int.random(in: 1...6, using: &random) {
          text += "0123456789".randomElement(using: &random).map(String.init)!
        }
      }
      let bytes = Array("{\"n\":\(text)}".utf8)
      try unsafe bytes.withUnsafeBytes { try unsafe reader.extract(RawText($0)) }
      let value = reader.value(capture)
      #expect(value.number == Double(text), "\(text)")
      guard let decimal = value.decimal else { continue }
      exact += 1
      #expect(decimal == DecimalText(text), "\(text)")
    }
    #expect(exact > 3_000)
  }
}
