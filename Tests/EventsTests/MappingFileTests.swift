import Events
import Settings
import Testing

/// Mapping files and definitions: what is wrong is told all at once, with place and remedy.
@Suite struct MappingFileTests {
  static func findings(_ text: String) -> [String] {
    MappingFile.parse(text, file: "m.yaml", name: "m").1.map(\.description)
  }

  static let fields = "names: {view: page_view}\nfields: {ts: ts, user_id: u}\n"

  @Test func `Everything that is wrong is told at once, each with its place`() {
    let text = """
      event: type
      nmaes: {}
      names:
        view: page_veiw
        add: cart_add
        set: cart_set
      fields:
        ts: {path: ts, unit: sec}
        user_id: {path: a..b}
        price_minor: {path: p, unit: iso8601}
        itemid: x
      currency: EURO
      """
    #expect(
      Self.findings(text) == [
        "m.yaml:2:1: error: unknown key 'nmaes' in the file; did you mean 'names'?",
        "m.yaml:4:9: error: 'page_veiw' is no event type; did you mean 'page_view'?",
        "m.yaml:6:3: error: names.set: cart_set needs `items`, and this mapping has none",
        "m.yaml:8:24: error: 'sec' is no unit; there are s, ms, us, iso8601, minor, major",
        "m.yaml:9:12: error: fields.user_id[0]: a key is missing in 'a..b'",
        "m.yaml:10:16: error: fields.price_minor[0]: the unit 'iso8601' does not fit this field: one of minor, major",
        "m.yaml:11:3: error: unknown key 'itemid' in `fields`; did you mean 'item_id'?",
        "m.yaml:12:11: error: a currency is three letters (ISO 4217), such as EUR",
      ])
  }

  @Test(arguments: [
    ("", "m.yaml:1:1: error: the file is empty"),
    ("- a\n", "m.yaml:1:1: error: a mapping file is a group of keys"),
    ("event: [type\n", "not valid YAML"),
    ("event: a\nevent: b\n", "'event' stands twice"),
    (
      "names: {view: page_view}\nfields: {ts: ts, user_id: u}\n", "nothing says where the event's name stands"
    ),
    ("event: type\nfields: {ts: ts, user_id: u}\n", "no event name is translated"),
    ("event: type\nnames: {a: click}\nfields: {user_id: u}\n", "nothing says where the time stands"),
    ("event: type\nnames: {a: click}\nfields: {ts: t}\n", "neither user_id nor anonymous_id is mapped"),
    ("event: a[*]\n" + fields, "stands for several values"),
    ("event: a[x]\n" + fields, "is none of [0], [*], [key=value]"),
    ("event: {column: x}\n" + fields, "JSON has no columns"),
    ("event: {path: a, constant: b}\n" + fields, "exactly one of path, column, constant"),
    ("event: {pth: a}\n" + fields, "unknown key 'pth' in a place; did you mean 'path'?"),
    ("event: {record_timestamp: true}\n" + fields, "the record's timestamp can only be the time"),
    ("format: xml\nevent: a\n" + fields, "'xml' is no format; json or rows"),
    ("format: rows\nevent: a\n" + fields, "needs `rows` with its columns"),
    ("format: rows\nrows: {columns: [a, ts]}\nevent: a\n" + fields, "'u' is none of the columns a, ts"),
    ("format: rows\nrows: {columns: [a, ts, u, a]}\nevent: a\n" + fields, "the column 'a' is named twice"),
    (
      "format: rows\nrows: {columns: [a, ts, u], delimiter: ab}\nevent: a\n" + fields,
      "one ASCII character, or `tab`"
    ),
    (
      "format: rows\nrows: {columns: [a, ts, u]}\nevent: 4\n" + fields,
      "column 4 does not lie between 1 and 3"
    ),
    ("event: a\nitems: {each: i, item_id: 'x[*]'}\n" + fields, "a list inside a list cannot be read"),
    ("event: a\nitems: {each: i}\n" + fields, "nothing says where the item's identifier stands"),
    ("event: a\nitems: [{each: i, item_id: x}, {each: i, item_id: y}]\n" + fields, "'i' is listed twice"),
    (
      "event: a\nnames: {v: [{type: click}, {type: search}]}\nfields: {ts: ts, user_id: u}\n",
      "is never reached"
    ),
    ("event: a\nnames: {v: {if: x}}\nfields: {ts: ts, user_id: u}\n", "needs a `type`"),
    ("event: a\ntraits: [t, t]\n" + fields, "named twice"),
  ])
  func `A mapping that cannot be meant is refused`(text: String, finding: String) {
    let findings = Self.findings(text)
    #expect(findings.contains { $0.contains(finding) }, "\(findings)")
  }

  @Test func `A mapping can take columns by number, from tabs, with a constant name`() throws {
    let text = """
      format: rows
      rows: {delimiter: tab, quotes: no, header: no, columns: [who, when, what]}
      event: {constant: bought}
      names: {bought: purchase}
      fields:
        user_id: 1
        ts: {column: 2, unit: iso8601}
        value_minor: {column: what, unit: major}
      currency: gbp
      """
    let (mapping, findings) = MappingFile.parse(text, file: "m.yaml", name: "m")
    #expect(findings.isEmpty)
    var decoder = Decoder(mapping: try #require(mapping))
    var slot = EventSlot()
    let outcome = decoder.decode(Array("12346\t2009-12-14\t90.0".utf8), recordTimestamp: -1, into: &slot)
    #expect(outcome == .event)
    #expect(
      slot.event()
        == Event(
          type: .purchase, ts: 1_260_748_800_000, userID: "12346", currency: Currency("GBP"), valueMinor: 9000
        ))
  }

  @Test func `A preset that does not exist is named, with the near miss`() {
    let error = #expect(throws: MappingFileError.self) { try MappingFile.resolve("segmnet") }
    #expect(error?.description.hasPrefix("'segmnet' is no preset; did you mean 'segment'?") == true)
  }

  @Test func `A file that does not exist is named, with the presets`() {
    let error = #expect(throws: MappingFileError.self) { try MappingFile.resolve("nowhere/shop.yaml") }
    #expect(
      error?.description.hasPrefix("there is no mapping file nowhere/shop.yaml; check the path") == true)
  }

  @Test func `No preset reaches out of its directory`() {
    #expect(throws: MappingFileError.self) { try MappingFile.preset(named: "../mappings/native") }
  }
}
