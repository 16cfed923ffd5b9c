import Events
import Settings
import Testing

/// Everything that a record can have wrong: each is refused with its reason and place, and the next record is
/// read as if nothing had been.
@Suite struct BadInputTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var record: [UInt8]
    var reason: RejectReason
    /// Part of the place that has to be named.
    var place: String

    init(_ name: String, _ record: String, _ reason: RejectReason, at place: String = "") {
      self.init(name, bytes: Array(record.utf8), reason, at: place)
    }

    init(_ name: String, bytes: [UInt8], _ reason: RejectReason, at place: String = "") {
      self.name = name
      record = bytes
      self.reason = reason
      self.place = place
    }

    var testDescription: String { name }

    /// A good event but for one field, written as given.
    static func field(
      _ name: String, _ field: String, _ reason: RejectReason, at place: String = ""
    ) -> Case {
      Case(
        name, #"{"type":"cart_add","ts":1772359200000,"user_id":"u1","item_id":"i1",\#(field)}"#, reason,
        at: place)
    }
  }

  static let good = #"{"type":"cart_add","ts":1772359200000,"user_id":"u1","item_id":"i1"}"#

  static let broken: [Case] = [
    Case("nothing", "", .empty),
    Case("white space", " \n\t ", .empty),
    Case("null", "null", .nullValue),
    Case("no JSON", "hello", .notJSON, at: "byte 0"),
    Case("a list", "[1,2]", .wrongType, at: "$"),
    Case("a text", #""x""#, .wrongType, at: "$"),
    Case("a number", "12", .wrongType, at: "$"),
    Case("NaN alone", "NaN", .notJSON),
    Case("cut in a text", #"{"type":"cart_add","user_id":"u"#, .truncated),
    Case("cut in a number", #"{"type":"cart_add","ts":17723"#, .truncated),
    Case("cut after a colon", #"{"type":"#, .truncated),
    Case("cut in a list", #"{"type":"cart_add","items":[{"item_id":"a"}"#, .truncated),
    Case("an inner object open", #"{"a":{"b":1}"#, .truncated),
    Case("text behind", good + " x", .notJSON, at: "byte 69"),
    Case("a second object", good + good, .notJSON),
    Case("a brace too many", good + "}", .notJSON),
    Case("no comma", #"{"a":1 "b":2}"#, .notJSON),
    Case("a comma too many", #"{"a":1,}"#, .notJSON),
    Case("no colon", #"{"a" 1}"#, .notJSON),
    Case("a key without quotes", "{a:1}", .notJSON),
    Case("single quotes", "{'a':1}", .notJSON),
    Case("a comment", #"{"a":1 /* x */}"#, .notJSON),
    Case("a wrong bracket", #"{"a":[1}"#, .notJSON),
    Case("a control character in a text", "{\"a\":\"x\u{01}\"}", .notJSON),
    Case("an unknown escape", #"{"a":"\x"}"#, .notJSON, at: "$.a"),
    Case("a short escape", #"{"a":"\u12"}"#, .notJSON, at: "$.a"),
    Case("a misspelt atom", #"{"a":nul}"#, .notJSON, at: "$.a"),
    Case("a long atom", #"{"a":truefalse}"#, .notJSON, at: "$.a"),
    Case("NaN", #"{"a":NaN}"#, .notJSON, at: "$.a"),
    Case("Infinity", #"{"a":-Infinity}"#, .notJSON, at: "$.a"),
    Case("a leading zero", #"{"a":01}"#, .notJSON, at: "$.a"),
    Case("a plus", #"{"a":+1}"#, .notJSON, at: "$.a"),
    Case("a bare point", #"{"a":1.}"#, .notJSON, at: "$.a"),
    Case("a hexadecimal number", #"{"a":0x10}"#, .notJSON, at: "$.a"),
    Case("a number beyond all types, unmapped", #"{"x":{"y":[1,1e400]}}"#, .numberOutOfRange, at: "$.x.y[1]"),
    Case("a lone high surrogate", #"{"a":"\ud800"}"#, .loneSurrogate, at: "$.a"),
    Case("a high surrogate before a letter", #"{"a":"\ud800\u0041"}"#, .loneSurrogate, at: "$.a"),
    Case("a lone low surrogate", #"{"a":"\udc00"}"#, .loneSurrogate, at: "$.a"),
    Case("a lone surrogate in a key", #"{"\ud800":1}"#, .loneSurrogate),
    Case(
      "invalid UTF-8", bytes: Array(#"{"a":""#.utf8) + [0xFF] + Array(#""}"#.utf8), .invalidUTF8, at: "byte 6"
    ),
    Case(
      "a surrogate in UTF-8", bytes: Array(#"{"a":""#.utf8) + [0xED, 0xA0, 0x80] + Array(#""}"#.utf8),
      .invalidUTF8),
    Case("overlong UTF-8", bytes: Array(#"{"a":""#.utf8) + [0xC0, 0xAF] + Array(#""}"#.utf8), .invalidUTF8),
    Case("a key twice", #"{"type":"cart_add","type":"purchase"}"#, .duplicateKey, at: "$.type"),
    Case(
      "a key twice, once escaped", #"{"type":"cart_add","\u0074ype":"purchase"}"#, .duplicateKey, at: "$.type"
    ),
    Case(
      "an item's key twice", #"{"items":[{"item_id":1,"item_id":2}]}"#, .duplicateKey,
      at: "$.items[0].item_id"),
    Case(
      "too deep", #"{"a":"# + String(repeating: "[", count: 32) + String(repeating: "]", count: 32) + "}",
      .tooDeep),
    Case(
      "absurdly deep",
      String(repeating: #"{"a":"#, count: 100_000) + "1" + String(repeating: "}", count: 100_000), .tooDeep),
    Case("10 MB", #"{"a":""# + String(repeating: "x", count: 10_000_000) + #""}"#, .tooLarge),
  ]

  static let values: [Case] = [
    Case("no name", #"{"ts":1772359200000,"user_id":"u"}"#, .missingName, at: "type"),
    Case("a name that is a list", #"{"type":[],"ts":1772359200000,"user_id":"u"}"#, .wrongType, at: "type"),
    Case("no user", #"{"type":"click","ts":1772359200000}"#, .missingUser, at: "user_id, anonymous_id"),
    Case("a user that is null", #"{"type":"click","ts":1772359200000,"user_id":null}"#, .missingUser),
    Case("a user that is empty", #"{"type":"click","ts":1772359200000,"user_id":""}"#, .missingUser),
    Case(
      "a user that is an object", #"{"type":"click","ts":1772359200000,"user_id":{}}"#, .wrongType,
      at: "user_id"),
    Case(
      "a user that is true", #"{"type":"click","ts":1772359200000,"user_id":true}"#, .wrongType, at: "user_id"
    ),
    Case(
      "a user with a fraction", #"{"type":"click","ts":1772359200000,"user_id":1.5}"#, .wrongType,
      at: "user_id"),
    Case(
      "a long user",
      #"{"type":"click","ts":1772359200000,"user_id":"\#(String(repeating: "é", count: 257))"}"#,
      .identifierTooLong, at: "user_id"),
    Case("no time", #"{"type":"click","user_id":"u"}"#, .missingTime, at: "ts"),
    Case("a time that is true", #"{"type":"click","ts":true,"user_id":"u"}"#, .wrongType, at: "ts"),
    Case("a time that is no number", #"{"type":"click","ts":"soon","user_id":"u"}"#, .invalidTime, at: "ts"),
    Case("1970", #"{"type":"click","ts":0,"user_id":"u"}"#, .timeTooOld, at: "ts"),
    Case("before 1970", #"{"type":"click","ts":-1772359200000,"user_id":"u"}"#, .timeTooOld, at: "ts"),
    Case(
      "seconds for milliseconds", #"{"type":"click","ts":1772359200,"user_id":"u"}"#, .timeTooOld, at: "ts"),
    Case(
      "the last millisecond before 10⁹ s", #"{"type":"click","ts":999999999999,"user_id":"u"}"#, .timeTooOld),
    Case("2099", #"{"type":"click","ts":4083955200000,"user_id":"u"}"#, .timeInFuture, at: "ts"),
    Case("a time beyond Int64", #"{"type":"click","ts":1e30,"user_id":"u"}"#, .outOfRange, at: "ts"),
    Case(
      "an ignored event in 2099", #"{"type":"unheard_of","ts":4083955200000,"user_id":"u"}"#, .timeInFuture),
    .field("a negative price", #""price_minor":-1"#, .negativePrice, at: "price_minor"),
    .field("a price beyond all money", #""price_minor":10000000000001"#, .outOfRange, at: "price_minor"),
    .field("a price beyond Int64", #""price_minor":99999999999999999999999"#, .outOfRange, at: "price_minor"),
    .field("a price that is a list", #""price_minor":[1]"#, .wrongType, at: "price_minor"),
    .field("a price that is no number", #""price_minor":"free""#, .invalidNumber, at: "price_minor"),
    .field("a price in major units", #""price_minor":35.79"#, .fractionalMinorUnits, at: "price_minor"),
    .field("a negative value", #""value_minor":-100"#, .negativeValue, at: "value_minor"),
    .field("a negative quantity", #""quantity":-1"#, .negativeQuantity, at: "quantity"),
    .field("a quantity of nothing", #""quantity":0"#, .outOfRange, at: "quantity"),
    .field("a huge quantity", #""quantity":1000001"#, .outOfRange, at: "quantity"),
    .field("half a unit", #""quantity":0.5"#, .fractionalQuantity, at: "quantity"),
    .field(
      "price times quantity beyond all money", #""price_minor":10000000000000,"quantity":2"#, .outOfRange),
    .field("a negative dwell", #""dwell_ms":-5"#, .negativeDwell, at: "dwell_ms"),
    .field("a dwell of a year", #""dwell_ms":31536000000"#, .outOfRange, at: "dwell_ms"),
    .field("a currency of four letters", #""currency":"EURO""#, .unknownCurrency, at: "currency"),
    .field("a currency of digits", #""currency":"978""#, .unknownCurrency, at: "currency"),
    .field("a currency that is a number", #""currency":978"#, .wrongType, at: "currency"),
    .field("a rating that is no number", #""rating":"good""#, .invalidNumber, at: "rating"),
    .field("a rating beyond all scales", #""rating":1e300"#, .outOfRange, at: "rating"),
    .field("items that are a text", #""items":"a,b""#, .wrongType, at: "items"),
    .field(
      "an item without a name", #""items":[{"item_id":"a"},{"quantity":1}]"#, .missingItem, at: "items[1]"),
    .field("an item that is null", #""items":[null]"#, .missingItem, at: "items[0]"),
    .field(
      "an item with a negative price", #""items":[{"item_id":"a"},{"item_id":"b","price_minor":-2}]"#,
      .negativePrice, at: "items[1].price_minor"),
    .field(
      "201 items", #""items":[\#(Array(repeating: #"{"item_id":"a"}"#, count: 201).joined(separator: ","))]"#,
      .tooManyItems, at: "items"),
    Case(
      "a set without items", #"{"type":"cart_set","ts":1772359200000,"user_id":"u"}"#, .missingItems,
      at: "items"),
    Case(
      "an add of nothing", #"{"type":"cart_add","ts":1772359200000,"user_id":"u"}"#, .missingItem,
      at: "item_id"),
    Case(
      "a removal of nothing", #"{"type":"cart_remove","ts":1772359200000,"user_id":"u","items":[]}"#,
      .missingItem),
    Case(
      "65 traits",
      #"{"type":"profile","ts":1772359200000,"user_id":"u","traits":{\#((0..<65).map { "\"t\($0)\":1" }.joined(separator: ","))}}"#,
      .tooManyTraits, at: "traits"),
    Case(
      "a trait twice", #"{"type":"profile","ts":1772359200000,"user_id":"u","traits":{"a":1,"a":2}}"#,
      .duplicateKey, at: "$.traits.a"),
  ]

  @Test(arguments: broken + values)
  func `A bad record is refused with its reason and place, and the next one is read`(bad: Case) throws {
    var decoding = try Decoding(preset: "native")
    let outcome = decoding.outcome(bad.record, recordTimestamp: 1_772_359_200_000)
    guard case .rejected(let rejection) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(rejection.reason == bad.reason, "\(rejection)")
    #expect(bad.place.isEmpty || rejection.place.contains(bad.place), "\(rejection)")
    #expect(rejection.place.utf8.count <= 300)
    #expect(decoding.slot.bytes.isEmpty)
    let next = try decoding.event(Self.good, recordTimestamp: 1_772_359_200_000)
    #expect(next == Event(type: .cartAdd, ts: 1_772_359_200_000, userID: "u1", itemID: "i1"))
  }

  @Test func `A record without a value is refused`() throws {
    var decoding = try Decoding(preset: "native")
    #expect(decoding.outcome(nil as [UInt8]?) == .rejected(Rejection(.nullValue, at: "")))
  }

  @Test func `The bound of the skew is allowed, and without a clock nothing lies in the future`() throws {
    var decoding = try Decoding(preset: "native")
    let record = #"{"type":"click","ts":1772359500000,"user_id":"u"}"#
    #expect(throws: Never.self) { try decoding.event(record, recordTimestamp: 1_772_359_200_000) }
    #expect(decoding.rejection(record, recordTimestamp: 1_772_359_199_999)?.reason == .timeInFuture)
    #expect(throws: Never.self) { try decoding.event(record, recordTimestamp: -1) }
  }

  @Test(arguments: [
    "line\\nbreak", "<script>alert(1)</script>", "\\u0000", "\\\"quoted\\\"", "\\ud83d\\ude00", "名前", " ",
    "a/b?c=d&e",
  ])
  func `An identifier is data, whatever it holds`(identifier: String) throws {
    var decoding = try Decoding(preset: "native")
    let event = try decoding.event(#"{"type":"click","ts":1772359200000,"user_id":"\#(identifier)"}"#)
    let plain = [
      "line\\nbreak": "line\nbreak", "\\u0000": "\0", "\\\"quoted\\\"": "\"quoted\"", "\\ud83d\\ude00": "😀",
    ]
    #expect(event.userID == plain[identifier, default: identifier])
  }

  @Test(arguments: ["541312140", "0", "-7", "123456789012345678901234567890"])
  func `A user that is a number is its digits`(number: String) throws {
    var decoding = try Decoding(preset: "native")
    let event = try decoding.event(
      #"{"type":"cart_add","ts":1772359200000,"user_id":\#(number),"item_id":\#(number)}"#)
    #expect(event.userID == number)
    #expect(event.itemID == number)
  }

  @Test func `Nesting of 32 and an identifier of 512 bytes are allowed`() throws {
    var decoding = try Decoding(preset: "native")
    let deep = String(repeating: "[", count: 31) + String(repeating: "]", count: 31)
    let user = String(repeating: "u", count: 512)
    let event = try decoding.event(#"{"type":"click","ts":1772359200000,"user_id":"\#(user)","x":\#(deep)}"#)
    #expect(event.userID == user)
  }

  @Test func `A key that stands twice where nothing is read is no error`() throws {
    var decoding = try Decoding(preset: "native")
    #expect(throws: Never.self) {
      try decoding.event(#"{"type":"click","ts":1772359200000,"user_id":"u","x":1,"x":2}"#)
    }
  }

  @Test func `A place shows no more of a hostile key than is safe to print`() throws {
    var decoding = try Decoding(preset: "native")
    let key = "<b>\\n" + String(repeating: "k", count: 500)
    let rejection = decoding.rejection(#"{"\#(key)":1e400}"#)
    #expect(rejection?.reason == .numberOutOfRange)
    #expect(rejection?.place.hasPrefix("$.<b>?kkk") == true)
    #expect(rejection?.place.utf8.count ?? 1000 < 80)
  }

  @Test func `Every reason has a hint, and its own name`() {
    for reason in RejectReason.allCases { #expect(reason.hint.hasSuffix(".")) }
    #expect(Set(RejectReason.allCases.map(\.rawValue)).count == RejectReason.allCases.count)
  }
}
