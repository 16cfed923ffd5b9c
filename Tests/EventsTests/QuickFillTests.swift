import Settings
import TestSupport
import Testing

@testable import Events

/// Plain records are filled without a search, all others by one: both tell the same of every record.
@Suite struct QuickFillTests {
  /// Keys of a format, at the top and inside `properties`, and the texts that its event's name may be.
  struct Form: Sendable, CustomTestStringConvertible {
    var preset: String
    var top: [String]
    var properties: [String]
    var names: [String]
    var testDescription: String { preset }
  }

  static let forms = [
    Form(
      preset: "native",
      top: [
        "ts", "user_id", "anonymous_id", "event_id", "session_id", "dwell_ms", "item_id", "category", "brand",
        "price_minor", "currency", "quantity", "cart_id", "order_id", "value_minor", "url", "element",
        "referrer", "rating", "text", "lang", "items", "traits",
      ], properties: [],
      names: ["page_view", "page_dwell", "cart_add", "purchase", "review", "profile", "nobody"]),
    Form(
      preset: "segment",
      top: ["event", "userId", "anonymousId", "messageId", "timestamp", "originalTimestamp", "traits"],
      properties: [
        "product_id", "sku", "id", "category", "brand", "price", "currency", "quantity", "cart_id",
        "order_id",
        "revenue", "total", "value", "url", "query", "coupon_id", "step", "referrer", "rating", "review_body",
      ], names: ["page", "identify", "Product Added", "Order Completed", "Product Viewed", "nobody"]),
    Form(
      preset: "sensorsdata",
      top: ["event", "login_id", "distinct_id", "anonymous_id", "time", "_track_id"],
      properties: [
        "$is_login_id", "$session_id", "event_duration", "product_id", "product_price", "currency",
        "product_quantity", "cart_id", "order_id", "order_amount", "$url", "$screen_name", "$element_content",
        "key_word", "rating", "comment",
      ], names: ["$pageview", "$WebPageLeave", "AddToShoppingCart", "PayOrder", "profile_set", "nobody"]),
    Form(
      preset: "posthog",
      top: ["distinct_id", "timestamp", "uuid"],
      properties: ["product_id", "price", "quantity", "currency", "$current_url", "$session_id", "order_id"],
      names: ["$pageview", "Product Added", "Order Completed", "nobody"]),
  ]

  private struct Writer {
    var random: SeededGenerator

    mutating func pick(_ list: [String]) -> String { list.randomElement(using: &random) ?? "" }

    /// Mostly what a field takes, and everything that it does not.
    mutating func value(_ key: String) -> String {
      if Int.random(in: 0..<30, using: &random) == 0 {
        return pick([
          "null", "\"\"", "true", "-1", "0", "1e3", "1.5", "[]", "{}", "\"3.14\"", "\" 7 \"", "-0.0",
        ])
      }
      switch key {
      case "ts", "time":
        return pick(["1772359200000", "1772359200001", "\"1772359200000\"", "1772359200000.7", "1e12"])
      case "timestamp", "originalTimestamp":
        return pick(["\"2026-03-01T12:00:00.123Z\"", "\"2026-03-01T12:00:00+02:00\"", "null"])
      case "currency": return pick(["\"EUR\"", "\"jpy\"", "\"KWD\""])
      case "dwell_ms", "event_duration": return pick(["3", "3.14", "0.5", "\"12\"", "1e3"])
      case "items": return pick([#"[{"item_id":"a","price_minor":5}]"#, "[]", #"[{"price_minor":5}]"#])
      case "traits": return pick([#"{"a":1,"b":"x"}"#, "{}"])
      case "$is_login_id": return pick(["true", "\"true\"", "false"])
      case "rating": return pick(["4.5", "\"4\"", "5"])
      default:
        if !["price", "quantity", "value", "revenue", "total", "amount"].contains(where: key.contains) {
          return pick(["\"u1\"", "\"\\u00e9\"", "12", "-7", "\"a b\"", "\"\""])
        }
        return pick(["1999", "3", "3", "\"25\"", "2.0", "19.99", "0.30000000000000004"])
      }
    }

    mutating func members(_ keys: [String]) -> String {
      keys.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }.shuffled(using: &random)
        .map { "\"\($0)\":\(value($0))" }.joined(separator: ",")
    }

    mutating func record(_ form: Form) -> String {
      var parts = [
        "\"\(form.preset == "native" ? "type" : pick(["event", "event", "type"]))\":\"\(pick(form.names))\""
      ]
      // Enough of them are events.
      if Int.random(in: 0..<4, using: &random) > 0 {
        parts.append(#""\#(form.top.first { $0.lowercased().contains("id") }!)":"u1""#)
      }
      let time = ["ts", "time", "timestamp"].first(where: form.top.contains)!
      parts.append("\"\(time)\":\(value(time))")
      let all = [members(form.top.filter { key in !parts.contains { $0.hasPrefix("\"\(key)\"") } })]
      parts += all.filter { !$0.isEmpty }
      if !form.properties.isEmpty { parts.append("\"properties\":{\(members(form.properties))}") }
      return "{\(parts.shuffled(using: &random).joined(separator: ","))}"
    }
  }

  @Test(arguments: forms)
  func `Both ways tell the same of records in which anything may stand anywhere`(form: Form) throws {
    var pair = try QuickWalkTests.Pair(preset: form.preset)
    pair.plain.usesQuickFill(false)
    pair.plain.usesQuickWalk(true)
    var writer = Writer(random: SeededGenerator(seed: 0xF111 ^ UInt64(form.preset.utf8.count)))
    var events = 0
    for round in 0..<20_000 {
      let record = writer.record(form)
      let (quick, plain) = pair.answers(Array(record.utf8))
      try #require(quick == plain, "round \(round): \(record)")
      if quick.first?.outcome == .event { events += 1 }
    }
    print(
      "\(form.preset): \(events) of 20000 records are events, \(pair.quick.quicklyFilled) filled without a search"
    )
    #expect(events > 500 && pair.quick.quicklyFilled > 500)
  }

  @Test(arguments: [
    ("native", #"{"type":"page_view","ts":1772359200000,"user_id":"u1","referrer":null,"url":"/a"}"#),
    (
      "segment",
      #"{"type":"page","userId":"u1","timestamp":"2026-03-01T12:00:00Z","properties":{"url":"/a","price":"1.50"}}"#
    ),
    (
      "sensorsdata",
      #"{"event":"$WebPageLeave","distinct_id":"d1","time":1772359200000,"properties":{"event_duration":3.14}}"#
    ),
  ])
  func `What shops send goes the quick way`(preset: String, record: String) throws {
    var decoding = try Decoding(preset: preset)
    let outcome = decoding.outcome(record)
    #expect(outcome == .event)
    let filled = decoding.decoder.quicklyFilled
    #expect(filled == 1)
  }
}
