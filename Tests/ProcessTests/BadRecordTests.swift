import Foundation
import TestSupport
import Testing

/// Records that nobody can use: each comes out as one dead letter with its reason, and the next one is read.
@Suite(.timeLimit(.minutes(10)), .daemonLogs) struct `Bad records` {
  struct Bad: Sendable {
    var reason: String
    var value: Data

    init(_ reason: String, _ text: String) { self.init(reason, Data(text.utf8)) }

    init(_ reason: String, _ value: Data) {
      self.reason = reason
      self.value = value
    }

    /// A cart event that is good but for one field.
    static func field(_ reason: String, _ field: String) -> Bad {
      Bad(reason, #"{"type":"cart_add","ts":\#(Native.start),"user_id":"bad","item_id":"i",\#(field)}"#)
    }

    /// A click that lacks nothing but what is left out of these fields.
    static func click(_ reason: String, _ fields: String) -> Bad {
      Bad(reason, #"{"type":"click",\#(fields)}"#)
    }
  }

  static let all: [Bad] = [
    Bad("not_json", "hello"),
    Bad("not_json", #"{"type":"click",}"#),
    Bad("truncated", #"{"type":"cart_add","ts":15778"#),
    Bad("wrong_type", "[1,2]"),
    Bad("null_value", "null"),
    Bad("empty", " "),
    .field("wrong_type", #""price_minor":[1]"#),
    Bad("invalid_utf8", Data(#"{"type":""#.utf8) + Data([0xFF, 0xFE]) + Data(#""}"#.utf8)),
    Bad("not_json", Data([0, 0x80, 0xC3, 0x28, 0xF0])),
    .field("lone_surrogate", #""brand":"\ud800""#),
    .field("number_out_of_range", #""x":1e400"#),
    .field("not_json", #""price_minor":NaN"#),
    .field("out_of_range", #""price_minor":99999999999999999999999"#),
    .field("out_of_range", #""quantity":1000001"#),
    .field("negative_price", #""price_minor":-1"#),
    .field("negative_quantity", #""quantity":-1"#),
    .field("negative_value", #""value_minor":-1"#),
    .field("duplicate_key", #""user_id":"somebody else""#),
    .field("too_deep", #""x":\#(String(repeating: "[", count: 40))\#(String(repeating: "]", count: 40))"#),
    .field("identifier_too_long", #""brand":"\#(String(repeating: "b", count: 513))""#),
    .click("missing_user", #""ts":\#(Native.start)"#),
    .click("missing_user", #""ts":\#(Native.start),"user_id":"""#),
    .click("missing_time", #""user_id":"bad""#),
    .click("invalid_time", #""user_id":"bad","ts":"soon""#),
    .click("time_too_old", #""user_id":"bad","ts":0"#),
    .click("time_in_future", #""user_id":"bad","ts":4083955200000"#),
    Bad("missing_name", #"{"ts":\#(Native.start),"user_id":"bad"}"#),
  ]

  /// Ids are data, whatever they hold: as JSON writes them, and as they are.
  static let strange: [(json: String, plain: String)] = [
    ("line\\nbreak", "line\nbreak"), ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ("\\u0000", "\0"), ("\\\"quoted\\\"", "\"quoted\""), ("名前", "名前"), ("a/b?c=d&e", "a/b?c=d&e"),
  ]

  @Test func `Each is one dead letter, unchanged and with its reason, and the good record behind it counts`()
    async throws
  {
    let cluster = try await Cluster.start()
    try await withTemporaryDirectory { directory in
      let daemon = try Daemon.start(
        TestConfiguration(bootstrap: cluster.bootstrap).write(into: directory))
      // Bad and good in turn; each good one is a cart of its own, and each cart an alert.
      var values: [Data] = []
      for (index, bad) in Self.all.enumerated() {
        values += [bad.value, Data(Native.cartAdd("good-\(index)").utf8)]
      }
      values += Self.strange.map { Data(Native.cartAdd($0.json).utf8) }
      try await cluster.send(values: values, key: "k")
      // No value at all, and one of no bytes, which a file cannot say.
      try await cluster.send(["k\t"], ["-H", "shop=de"])
      try await cluster.send(["k\t"], ["-Z"])
      try await cluster.send(["k\t\(Native.view("last", at: 2 * Native.hour))"])

      let expected = Self.all + [Bad("empty", Data()), Bad("null_value", Data())]
      let letters = try await cluster.readByPython(Cluster.deadLetters, count: expected.count)
      #expect(letters.map { $0.headers["ebb_reason"] } == expected.map(\.reason))
      #expect(letters.dropLast().map(\.value) == expected.dropLast().map(\.value))
      #expect(letters.last.map { $0.value == nil } == true)
      // The headers that a record came with stay with it.
      #expect(letters[Self.all.count].headers["shop"] == "de")
      #expect(letters.allSatisfy { $0.keyText == "k" && $0.headers["ebb_topic"] == Cluster.input })
      #expect(
        letters.prefix(Self.all.count).map { $0.headers["ebb_offset"] }
          == Self.all.indices.map { "\(2 * $0)" })

      let users = Set(Self.all.indices.map { "good-\($0)" } + Self.strange.map(\.plain))
      let alerts = try await cluster.readByPython(Cluster.cart, count: users.count)
      #expect(Set(alerts.map(\.keyText)) == users)

      let stopped = try await daemon.stop()
      #expect(stopped.status == 0)
      #expect(try await cluster.readByPython(Cluster.deadLetters, count: nil).count == expected.count)
      #expect(try await cluster.readByPython(Cluster.cart, count: nil).count == users.count)
      // The log says so a few times, with the place and without the payload.
      #expect(stopped.error.contains("refused a record"))
      #expect(!stopped.error.contains("somebody else"))
    }
  }

  /// The embedded broker keeps 5 MiB a partition, so this is not the 10 MB of a record that only a real one takes.
  @Test func `A record of 4 MB is one dead letter, unchanged, and the next one is read`() async throws {
    let cluster = try await Cluster.start()
    try await withTemporaryDirectory { directory in
      let daemon = try Daemon.start(
        TestConfiguration(bootstrap: cluster.bootstrap).write(into: directory))
      let huge = #"{"type":"click","user_id":"u","pad":"\#(String(repeating: "x", count: 4_000_000))"}"#
      try await cluster.send(values: [huge, Native.cartAdd("u")].map { Data($0.utf8) }, key: "u")
      try await cluster.send(["v\t\(Native.view("v", at: 2 * Native.hour))"])
      let letter = try await cluster.readByPython(Cluster.deadLetters, count: 1)
      #expect(letter.first?.headers["ebb_reason"] == "too_large")
      #expect(letter.first?.value == Data(huge.utf8))
      #expect(try await cluster.read(Cluster.cart, count: 1).first?.keyText == "u")
      #expect(try await daemon.stop().status == 0)
    }
  }
}
