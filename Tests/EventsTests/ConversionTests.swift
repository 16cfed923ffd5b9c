import Events
import Testing

/// Money, time and quantities: what a text becomes.
@Suite struct ConversionTests {
  @Test(arguments: [
    ("35.79", "EUR", 3579), ("\"35.79\"", "EUR", 3579), ("33.20", "EUR", 3320), ("0", "EUR", 0),
    ("-0", "EUR", 0),
    ("19", "EUR", 1900), ("1e2", "EUR", 10_000), ("1E+2", "EUR", 10_000), ("1.5e-1", "EUR", 15),
    // Binary fractions would make 28, 114 and 100414 of these.
    ("0.29", "EUR", 29), ("1.15", "EUR", 115), ("1004.15", "EUR", 100_415),
    // 0.1 + 0.2 and its like, as JavaScript writes them.
    ("0.30000000000000004", "EUR", 30), ("4.3500000000000005", "EUR", 435),
    ("2.2199999999999998", "EUR", 222),
    // More digits than the currency has: half a minor unit is rounded up.
    ("1.005", "EUR", 101), ("1.0049", "EUR", 100), ("0.004999999999999999999999999", "EUR", 0),
    ("1000", "JPY", 1000), ("1000.00", "JPY", 1000), ("999.5", "JPY", 1000), ("1.234", "KWD", 1234),
    ("0.0005", "KWD", 1), ("\" 12.30 \"", "EUR", 1230), ("\".5\"", "EUR", 50), ("\"+5\"", "EUR", 500),
    ("99999999999.99", "EUR", 9_999_999_999_999), ("100000000000.00", "EUR", 10_000_000_000_000),
    ("0.00000000000000000000000000000000001", "EUR", 0), ("1e-400", "EUR", 0),
  ])
  func `A decimal price becomes minor units exactly`(price: String, currency: String, minor: Int64) throws {
    var decoding = try Decoding(smallMapping())
    let event = try decoding.event(
      #"{"type":"add","ts":1772359200000,"user":"u","item":"i","currency":"\#(currency)","price":\#(price)}"#)
    #expect(event.priceMinor == minor)
  }

  @Test(arguments: [
    ("\"$5\"", RejectReason.invalidNumber), ("\"1,234.50\"", .invalidNumber), ("\"1e\"", .invalidNumber),
    ("\"1.2.3\"", .invalidNumber), ("\"--1\"", .invalidNumber), ("\"NaN\"", .invalidNumber),
    ("\" \"", .invalidNumber),
    ("100000000000.01", .outOfRange), ("1e30", .outOfRange), ("-0.01", .negativePrice),
    ("-1e-9", .negativePrice),
    ("true", .wrongType), ("{}", .wrongType), ("\"0x10\"", .invalidNumber),
    ("\"1e999999999999\"", .outOfRange),
  ])
  func `A price that is none is refused`(price: String, reason: RejectReason) throws {
    var decoding = try Decoding(smallMapping())
    let record = #"{"type":"add","ts":1772359200000,"user":"u","item":"i","price":\#(price)}"#
    #expect(decoding.rejection(record) == Rejection(reason, at: "price"))
  }

  @Test func `A record without a currency is in the mapping's, and its digits count`() throws {
    var decoding = try Decoding(smallMapping(currency: Currency("JPY")))
    let event = try decoding.event(#"{"type":"buy","ts":1772359200000,"user":"u","value":3000}"#)
    #expect(event.currency == Currency("JPY"))
    #expect(event.valueMinor == 3000)
  }

  @Test(arguments: [
    ("2026-03-01T10:00:00Z", 1_772_359_200_000), ("2026-03-01T10:00:00.123Z", 1_772_359_200_123),
    ("2026-03-01T10:00:00.1Z", 1_772_359_200_100), ("2026-03-01T10:00:00.123999999Z", 1_772_359_200_123),
    ("2026-03-01T12:00:00+02:00", 1_772_359_200_000), ("2026-03-01T12:00:00+0200", 1_772_359_200_000),
    ("2026-03-01T12:00:00+02", 1_772_359_200_000), ("2026-03-01T04:30:00-05:30", 1_772_359_200_000),
    ("2026-03-01 10:00:00 UTC", 1_772_359_200_000), ("2026-03-01 10:00:00 GMT", 1_772_359_200_000),
    ("2026-03-01 10:00:00", 1_772_359_200_000), ("2026-03-01T10:00Z", 1_772_359_200_000),
    ("2026-03-01", 1_772_323_200_000), ("2026-03-01t10:00:00z", 1_772_359_200_000),
    ("2026-03-01 18:00:00 +08:00", 1_772_359_200_000), ("2024-02-29T00:00:00Z", 1_709_164_800_000),
    ("2016-12-31T23:59:60Z", 1_483_228_800_000), ("2001-09-09T01:46:40Z", 1_000_000_000_000),
    ("9999-12-31T23:59:59.999Z", 253_402_300_799_999), ("2019-10-01 00:00:00 UTC", 1_569_888_000_000),
  ])
  func `A time of ISO 8601 is read`(text: String, time: Int64) throws {
    var decoding = try Decoding(smallMapping(timeUnit: .iso8601))
    #expect(try decoding.event(#"{"type":"view","ts":"\#(text)","user":"u"}"#).ts == time)
  }

  @Test(arguments: [
    "2026-13-01T10:00:00Z", "2026-02-29T10:00:00Z", "2026-00-01", "2026-01-00", "2026-03-01T24:00:00Z",
    "2026-03-01T10:60:00Z", "2026-03-01T10:00:61Z", "2026-03-01T10:00:00.Z", "2026-03-01T10:00:00+25:00",
    "2026-03-01T10:00:00+02:60", "2026-03-01T10:00:00 CET", "2026-03-01T10", "2026-3-1", "20260301T100000Z",
    "yesterday", "2026-03-01T10:00:00Zx", "2026-03-01T10:00:00+02:00x", "0000-01-01", "1772359200000",
    "+026-03-01",
  ])
  func `A text that is no time is refused`(text: String) throws {
    var decoding = try Decoding(smallMapping(timeUnit: .iso8601))
    let record = #"{"type":"view","ts":"\#(text)","user":"u"}"#
    #expect(decoding.rejection(record) == Rejection(.invalidTime, at: "ts"))
  }

  @Test(arguments: [
    (SourceUnit.seconds, "1772359200", 1_772_359_200_000), (.seconds, "1772359200.5", 1_772_359_200_500),
    (.seconds, "\"1772359200\"", 1_772_359_200_000), (.seconds, "1.7723592e9", 1_772_359_200_000),
    (.milliseconds, "1772359200000", 1_772_359_200_000),
    (.milliseconds, "1772359200000.9", 1_772_359_200_000),
    (.microseconds, "1772359200123999", 1_772_359_200_123),
    (.microseconds, "\"1772359200123456\"", 1_772_359_200_123),
  ])
  func `A time is read in its unit, and less than a millisecond is dropped`(
    unit: SourceUnit, number: String, time: Int64
  ) throws {
    var decoding = try Decoding(smallMapping(timeUnit: unit))
    #expect(try decoding.event(#"{"type":"view","ts":\#(number),"user":"u"}"#).ts == time)
  }

  @Test(arguments: [("2", 2000), ("0.0015", 2), ("\"12.5\"", 12_500), ("0", 0)])
  func `A dwell in seconds becomes milliseconds`(dwell: String, milliseconds: Int64) throws {
    var decoding = try Decoding(smallMapping())
    let event = try decoding.event(#"{"type":"view","ts":1772359200000,"user":"u","dwell":\#(dwell)}"#)
    #expect(event.dwellMilliseconds == milliseconds)
  }

  @Test(arguments: [("1", 1), ("\"3\"", 3), ("2.0", 2), ("1e6", 1_000_000)])
  func `A quantity is a whole number, however it is written`(quantity: String, units: Int64) throws {
    var decoding = try Decoding(smallMapping())
    let event = try decoding.event(
      #"{"type":"add","ts":1772359200000,"user":"u","item":"i","quantity":\#(quantity)}"#)
    #expect(event.quantity == units)
  }

  @Test(arguments: [
    ("4.5", 4.5), ("\"5\"", 5), ("\"4.25\"", 4.25), ("-1", -1), ("0.1", 0.1),
    ("123456.789012345678", 123456.789012345678),
  ])
  func `A rating is a number or its text`(rating: String, number: Double) throws {
    var decoding = try Decoding(smallMapping())
    let event = try decoding.event(#"{"type":"view","ts":1772359200000,"user":"u","rating":\#(rating)}"#)
    #expect(event.rating == number)
  }

  @Test func `The first source that is present wins`() throws {
    var definition = smallMapping()
    definition.fields[.itemID] = [
      FieldSource(.path("a"), missing: ["(not set)"]), FieldSource(.path("b.c")),
      FieldSource(.path("l[1].id")), FieldSource(.constant("none")),
    ]
    definition.fields[.userID] = [FieldSource(.path("user")), FieldSource(.recordKey)]
    var decoding = try Decoding(definition)
    for (fields, item) in [
      (#""a":"1","b":{"c":"2"}"#, "1"), (#""a":"(not set)","b":{"c":"2"}"#, "2"),
      (#""a":null,"b":{"c":""},"l":[{"id":8},{"id":9}]"#, "9"),
      (#""b":7"#, "none"),
    ] {
      let event = try decoding.event(#"{"type":"view","ts":1772359200000,\#(fields)}"#, key: "k1")
      #expect(event.itemID == item)
      #expect(event.userID == "k1")
    }
  }

  @Test func `A time can be the record's own`() throws {
    var definition = smallMapping()
    definition.fields[.ts] = [FieldSource(.path("ts")), FieldSource(.recordTimestamp)]
    var decoding = try Decoding(definition)
    #expect(
      try decoding.event(#"{"type":"view","user":"u"}"#, recordTimestamp: 1_772_359_200_000).ts
        == 1_772_359_200_000)
    #expect(decoding.rejection(#"{"type":"view","user":"u"}"#)?.reason == .missingTime)
  }

  @Test func `A name can mean different things under conditions`() throws {
    var definition = smallMapping()
    definition.names = [
      NameRule("cart", .cartClear, if: MappingCondition(.path("total"), equals: "0")),
      NameRule("cart", .cartSet, if: MappingCondition(.path("items[0].id"))),
      NameRule("cart", .click, if: MappingCondition(.path("opened"), equals: "true")),
    ]
    var decoding = try Decoding(definition)
    let record = { (fields: String) in #"{"type":"cart","ts":1772359200000,"user":"u",\#(fields)}"# }
    #expect(try decoding.event(record(#""total":0"#)).type == .cartClear)
    #expect(try decoding.event(record(#""items":[{"id":"a"}]"#)).type == .cartSet)
    #expect(try decoding.event(record(#""opened":true"#)).type == .click)
    #expect(decoding.outcome(record(#""opened":false"#)) == .ignored)
  }
}
