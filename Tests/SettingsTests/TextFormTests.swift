import Events
import TestSupport
import Testing
import Yams

@testable import Settings

@Suite struct TextFormTests {
  @Test(arguments: [
    ("0s", 0), ("1ms", 1), ("500ms", 500), ("90s", 90_000), ("60s", 60_000), ("30m", 1_800_000),
    ("24h", 86_400_000), ("72h", 259_200_000), ("4d", 345_600_000), ("400d", 34_560_000_000),
  ])
  func `A span of time reads as it is written`(text: String, milliseconds: Int64) throws {
    #expect(try Durations.parse(text) == milliseconds)
    #expect(Durations.show(milliseconds) == text)
  }

  @Test func `Every span that is written reads back`() throws {
    var random = SeededGenerator(announcedAs: "spans")
    for _ in 0..<2000 {
      let value =
        Int64.random(in: 0...40_000_000_000, using: &random) / [1, 1000, 60_000, 3_600_000].randomElement(
          using: &random)!
        * [1, 1000, 60_000].randomElement(using: &random)!
      #expect(try Durations.parse(Durations.show(value)) == value)
    }
  }

  @Test(arguments: [
    ("1970-01-01T00:00:00Z", 0), ("2001-09-09T01:46:40Z", 1_000_000_000_000),
    ("2024-02-29T12:00:00Z", 1_709_208_000_000), ("2026-11-01T00:00:00Z", 1_793_491_200_000),
    ("2099-12-31T23:59:59Z", 4_102_444_799_000),
  ])
  func `A time reads as it is written`(text: String, milliseconds: Int64) {
    #expect(Timestamps.parse(text) == milliseconds)
    #expect(Timestamps.show(milliseconds) == text)
  }

  @Test func `A time may have an offset`() {
    #expect(Timestamps.parse("2026-11-01T01:30:00+01:30") == 1_793_491_200_000)
    #expect(Timestamps.parse("2026-10-31T19:00:00-0500") == 1_793_491_200_000)
  }

  @Test(arguments: [
    "", "2026-11-01", "2026-11-01T00:00:00", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
    "2026-11-01T24:00:00Z",
    "1969-12-31T23:59:59Z", "2026-11-01T00:00:00Zx", "yesterday", "2026-11-01T00:00:00+1",
  ])
  func `What is no time with a zone is none`(text: String) {
    #expect(Timestamps.parse(text) == nil)
  }

  @Test func `Any text survives being written into a file`() throws {
    var random = SeededGenerator(announcedAs: "texts")
    let alphabet = Array("aZ09 :#,[]{}\"'\\\n\t~-&*!|>%@`?é漢\u{7F}/.=")
    for _ in 0..<2000 {
      let text = String(
        (0..<Int.random(in: 0...8, using: &random)).map { _ in alphabet.randomElement(using: &random)! })
      let node = try #require(try Yams.compose(yaml: "a: {b: \(yamlText(text))}"))
      #expect(node["a"]?["b"]?.scalar?.string == text)
      #expect(node["a"]?["b"]?.isEmptyValue == false)
    }
  }
}
