import Foundation
import Testing
import Triggers

@Suite struct DeadLetterTests {
  func letter(key: [UInt8]? = [1, 0, 255], value: [UInt8]? = [0xFF, 0]) -> DeadLetter {
    DeadLetter(
      topic: "clickstream", partition: 3, offset: 42, reason: "invalid_utf8", place: "byte 7",
      key: key,
      value: value)
  }

  @Test func `A refused record keeps its bytes and says where it was refused`() {
    let record = letter().record()
    #expect(record.key == [1, 0, 255])
    #expect(record.value == [0xFF, 0])
    #expect(
      record.headers.map { "\($0.name)=\($0.text)" } == [
        "ebb_reason=invalid_utf8", "ebb_topic=clickstream", "ebb_partition=3", "ebb_offset=42",
        "ebb_place=byte 7",
      ])
  }

  @Test func `Null and empty stay apart`() {
    #expect(letter(key: nil, value: nil).record().key == nil)
    #expect(letter(key: nil, value: nil).record().value == nil)
    #expect(letter(key: [], value: []).record().key == [])
    #expect(letter(key: [], value: []).record().value == [])
  }

  @Test func `Headers that the record came with are kept, but an older refusal gives way`() {
    var letter = letter()
    letter.place = nil
    letter.original = [
      WireHeader(name: "trace", value: [0xFF]), WireHeader(name: "ebb_reason", value: Array("old".utf8)),
      WireHeader(name: "trace", value: [1]),
    ]
    let record = letter.record()
    #expect(
      record.headers.map(\.name) == [
        "trace", "trace", "ebb_reason", "ebb_topic", "ebb_partition", "ebb_offset",
      ])
    #expect(record.header("ebb_reason") == "invalid_utf8")
    #expect(record.headers[0].value == [0xFF])
  }

  @Test func `A header is bounded and holds no control characters`() throws {
    var letter = letter()
    letter.place = "a\n\u{1b}[2Jb\u{2028}"
    letter.reason = String(repeating: "é", count: 1000)
    let record = letter.record()
    #expect(record.header("ebb_place") == "a\u{FFFD}\u{FFFD}[2Jb\u{FFFD}")
    #expect(record.header("ebb_reason") == String(repeating: "é", count: 256))
  }

  @Test func `Its headers keep to their schema`() throws {
    let schema = try #require(Schemas.all().first { $0.fileName == "dead-letter.headers.schema.json" })
    let parsed = try SchemaTests.parse(schema.text)
    var letter = letter()
    for place in ["byte 7", nil] {
      letter.place = place
      let headers = Dictionary(uniqueKeysWithValues: letter.record().headers.map { ($0.name, $0.text) })
      #expect(SchemaValidator.findings(headers, parsed) == [])
    }
  }
}
