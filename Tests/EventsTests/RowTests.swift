import Events
import Settings
import Testing

/// Rows, of files and of records.
@Suite struct RowTests {
  @Test func `A REES46 row keeps its columns, and empty ones are absent`() throws {
    var decoding = try Decoding(preset: "rees46")
    let event = try decoding.event(
      "2019-10-01 00:00:00 UTC,cart,44600062,2103807459595387724,,shiseido,35.79,541312140,72d76fde\r\n")
    #expect(
      event
        == Event(
          type: .cartAdd, ts: 1_569_888_000_000, userID: "541312140", sessionID: "72d76fde",
          itemID: "44600062", category: "2103807459595387724", brand: "shiseido", priceMinor: 3579))
  }

  @Test func `A record that repeats the header is no event`() throws {
    var decoding = try Decoding(preset: "rees46")
    let header = "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session"
    #expect(decoding.outcome(header) == .ignored)
    #expect(decoding.slot.ts == 0)
  }

  @Test func `A file's header may order the columns anew and leave some out`() throws {
    var decoding = try Decoding(preset: "rees46")
    let header = Array("\u{FEFF}user_id,event_type,\"event_time\",product_id,extra\r\n".utf8)
    try unsafe header.withUnsafeBytes { try unsafe decoding.decoder.useHeader($0) }
    let event = try decoding.event(#"7,view,2019-10-01 00:00:00 UTC,"a ""b"", c",x"#)
    #expect(event.userID == "7")
    #expect(event.itemID == #"a "b", c"#)
    #expect(event.priceMinor == nil)
    #expect(decoding.rejection("7,view,2019-10-01 00:00:00 UTC,1")?.reason == .tooFewColumns)
    #expect(decoding.rejection("7,view,2019-10-01 00:00:00 UTC,1,x,y")?.reason == .tooManyColumns)
  }

  @Test func `A header without the time cannot be used`() throws {
    var decoding = try Decoding(preset: "rees46")
    let header = Array("user_id,event_type,product_id".utf8)
    let error = #expect(throws: Rejection.self) {
      try unsafe header.withUnsafeBytes { try unsafe decoding.decoder.useHeader($0) }
    }
    #expect(error == Rejection(.missingColumn, at: "column event_time"))
  }

  @Test(arguments: [
    ("", RejectReason.empty), ("\n", .empty), ("1,2,3,pv", .tooFewColumns),
    ("1,2,3,pv,1511544070,", .tooManyColumns),
    ("301780,543546,4181361,pv,15", .timeTooOld), ("1,2,3,pv,", .missingTime),
    (",2,3,pv,1511544070", .missingUser),
    ("1,2,3,,1511544070", .missingName), ("1,2,3,pv,abc", .invalidTime),
    ("1,,3,cart,1511544070", .missingItem),
  ])
  func `A bad row is refused with its reason, and the next one is read`(row: String, reason: RejectReason)
    throws
  {
    var decoding = try Decoding(preset: "taobao")
    #expect(decoding.rejection(row)?.reason == reason)
    #expect(try decoding.event("1,2,3,pv,1511544070").userID == "1")
  }

  @Test(arguments: [#""open"#, #""a"b,1"#])
  func `Quotes that do not fit are refused`(row: String) throws {
    var decoding = try Decoding(preset: "rees46")
    #expect(decoding.rejection(row)?.reason == .brokenQuoting)
  }

  @Test func `A row ends at a line feed outside quotes`() {
    let layout = RowLayout(hasHeader: false, columns: ["a", "b"])
    let text = Array("1,\"x\ny\"\"\n\"\n2,3".utf8)
    unsafe text.withUnsafeBytes { text in
      let first = unsafe layout.endOfRow(in: text, from: 0)
      #expect(first == 10)
      #expect(unsafe layout.endOfRow(in: text, from: 11) == nil)
    }
  }

  @Test func `A line of Otto is a session with all its events`() throws {
    var decoding = try Decoding(preset: "otto")
    let line = Array(
      """
      {"session":42,"events":[{"aid":0,"ts":1661200010000,"type":"clicks"},{"aid":1,"ts":1661200020000,"type":"carts"},
       {"aid":1,"ts":99,"type":"orders"},{"aid":1,"ts":1661200030000,"type":"orders"},{"aid":2,"ts":1661200030000,"type":"hm"}]}
      """.utf8)
    var events: [Event] = []
    var other: [DecodeOutcome] = []
    unsafe line.withUnsafeBytes { line in
      unsafe decoding.decoder.decodeEach(payload: line, recordTimestamp: -1, into: &decoding.slot) {
        slot, outcome in
        if outcome == .event { events.append(slot.event()) } else { other.append(outcome) }
      }
    }
    #expect(
      events == [
        Event(type: .pageView, ts: 1_661_200_010_000, userID: "42", itemID: "0"),
        Event(type: .cartAdd, ts: 1_661_200_020_000, userID: "42", itemID: "1"),
        Event(type: .purchase, ts: 1_661_200_030_000, userID: "42", itemID: "1"),
      ])
    #expect(other == [.rejected(Rejection(.timeTooOld, at: "events[2].ts")), .ignored])
  }

  @Test func `A record of Kafka cannot be split`() throws {
    var decoding = try Decoding(preset: "otto")
    #expect(decoding.rejection(#"{"session":1,"events":[]}"#)?.reason == .filesOnly)
    #expect(try MappingFile.preset(named: "otto").isFilesOnly)
  }
}
