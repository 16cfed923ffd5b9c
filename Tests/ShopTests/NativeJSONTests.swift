import Events
import Foundation
import Shop
import Testing

@Suite struct NativeJSONTests {
  static func text(_ event: Event) -> String {
    String(decoding: NativeJSON.bytes(of: event), as: UTF8.self)
  }

  @Test func `An event is one flat object with the canonical names`() {
    let event = Event(
      type: .purchase, ts: 1_700_000_000_123, userID: "u1", eventID: "e1", sessionID: "s1", cartID: "c1",
      orderID: "o1",
      items: [
        Event.Item(itemID: "a", priceMinor: 250, quantity: 2), Event.Item(itemID: "b"),
      ], valueMinor: 500)
    #expect(
      Self.text(event) == """
        {"event_id":"e1","user_id":"u1","session_id":"s1","ts":1700000000123,"type":"purchase",\
        "cart_id":"c1","order_id":"o1","items":[{"item_id":"a","price_minor":250,"quantity":2},\
        {"item_id":"b"}],"value_minor":500}
        """)
  }

  @Test func `Traits are a flat object of texts and numbers, in order of name`() {
    let event = Event(
      type: .profile, ts: 1, userID: "u",
      traits: ["timezone": .text("Europe/Berlin"), "age": .number(41.5), "nothing": .number(.nan)])
    #expect(
      Self.text(event) == """
        {"user_id":"u","ts":1,"type":"profile","traits":{"age":41.5,"timezone":"Europe/Berlin"}}
        """)
  }

  @Test(arguments: [
    ("plain", "plain"), ("say \"hi\"", "say \\\"hi\\\""), ("back\\slash", "back\\\\slash"),
    ("line\nfeed\r\t", "line\\nfeed\\r\\t"), ("\u{0}\u{1}\u{1F}\u{7F}", "\\u0000\\u0001\\u001f\u{7F}"),
    ("<b>ünïcödé 神策 🛒</b>", "<b>ünïcödé 神策 🛒</b>"), ("", ""),
  ])
  func `Text is escaped as JSON asks and otherwise left alone`(text: String, escaped: String) {
    let event = Event(type: .search, ts: 1, userID: "u", text: text)
    #expect(Self.text(event) == "{\"user_id\":\"u\",\"ts\":1,\"type\":\"search\",\"text\":\"\(escaped)\"}")
  }

  @Test(arguments: [0.0, -0.5, 4.5, 1e300, 2.5e-300, 123_456_789_012_345_680.0])
  func `A number reads back as itself`(number: Double) throws {
    let event = Event(type: .review, ts: 1, userID: "u", rating: number)
    let object = try JSONSerialization.jsonObject(with: Data(NativeJSON.bytes(of: event)))
    #expect((object as? [String: Any])?["rating"] as? Double == number)
  }

  @Test func `Every event of the shop is valid JSON with the fields it has`() throws {
    for item in StreamTests.stream(seed: 2, count: 5_000) {
      let event = item.event
      let parsed = try JSONSerialization.jsonObject(with: Data(NativeJSON.bytes(of: event)))
      let object = try #require(parsed as? [String: Any])
      #expect(object["ts"] as? Int64 == event.ts)
      #expect(object["type"] as? String == event.type.name)
      #expect(object["user_id"] as? String == event.userID)
      #expect(object["anonymous_id"] as? String == event.anonymousID)
      #expect(object["currency"] as? String == event.currency?.text)
      #expect((object["items"] as? [[String: Any]])?.count == event.items?.count)
    }
  }

  @Test func `The key is the user as Ebb knows it`() {
    #expect(NativeJSON.key(of: Event(type: .click, ts: 1, userID: "u1")) == Array("u1".utf8))
    #expect(NativeJSON.key(of: Event(type: .click, ts: 1, anonymousID: "x")) == Array("anon:x".utf8))
    #expect(NativeJSON.key(of: Event(type: .click, ts: 1)) == nil)
  }
}
