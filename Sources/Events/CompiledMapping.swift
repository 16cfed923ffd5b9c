/// One place of a compiled mapping, in plain numbers: no reference is counted when the hot path reads it.
struct CompiledSource {
  enum Place {
    /// A captured value of the record.
    case value(Int32)
    /// A column of the list element that is being read (an item, or an event of a split record).
    case row(group: Int32, column: Int32)
    /// A column of a certain element of a list whose elements are all kept.
    case element(group: Int32, column: Int32, index: Int32)
    /// A column of the mapping's layout; a file's header may put it elsewhere.
    case column(Int32)
    /// A column by its place in the row.
    case columnNumber(Int32)
    case constant(TextRange)
    case recordKey
    case recordTimestamp

    /// Its bit of `JSONReader.present`; the last for captures beyond 63, and for what is none.
    var capture: UInt64 {
      if case .value(let capture) = self, capture < 63 { 1 << UInt64(capture) } else { CompiledRange.always }
    }
  }

  var place: Place
  var unit: SourceUnit
  /// Into `CompiledMapping.missing`.
  var missing: CompiledRange
  /// Into `CompiledMapping.labels`: how errors name this place.
  var label: Int32
  /// Into `CompiledMapping.conditions`; -1: none.
  var condition: Int32 = -1

  /// Whether presence is all that its value needs to be taken.
  @inline(__always) var isPlain: Bool { condition < 0 && missing.isEmpty }
}

/// What one value of the record has to be.
struct CompiledCondition {
  /// Into `CompiledMapping.sources`.
  var source: Int32
  /// nil: the value has to be present.
  var equals: TextRange?
}

struct CompiledRange {
  var start: Int32 = 0
  var end: Int32 = 0
  /// Of sources: the bits of `JSONReader.present` of which one has to be there for any of them to be; the last one
  /// for what is no capture.
  var captures: UInt64 = 0
  /// Of sources: the capture of the first, if its presence is all that it needs to be taken; else -1.
  var direct: Int32 = -1
  var isEmpty: Bool { start == end }

  static let always: UInt64 = 1 << 63
}

/// A value that means "missing".
struct CompiledMissing {
  var text: TextRange
  var decimal: DecimalText?
}

/// One rule of an event name. Rules of one name stand together, in order.
struct CompiledRule {
  var name: TextRange
  var hash: UInt32
  /// How many rules, this one included, the name has from here on.
  var count: Int32
  var type: EventType?
  /// Into `CompiledMapping.conditions`; -1: none.
  var condition: Int32
}

struct CompiledItems {
  var group: Int32
  var itemID: CompiledRange
  var price: CompiledRange
  var quantity: CompiledRange
  var label: Int32
}

/// The sources of every field.
struct CompiledFields {
  var eventName = CompiledRange()
  var eventID = CompiledRange()
  var userID = CompiledRange()
  var anonymousID = CompiledRange()
  var sessionID = CompiledRange()
  var ts = CompiledRange()
  var dwell = CompiledRange()
  var itemID = CompiledRange()
  var category = CompiledRange()
  var brand = CompiledRange()
  var price = CompiledRange()
  var currency = CompiledRange()
  var quantity = CompiledRange()
  var cartID = CompiledRange()
  var orderID = CompiledRange()
  var value = CompiledRange()
  var url = CompiledRange()
  var element = CompiledRange()
  var referrer = CompiledRange()
  var rating = CompiledRange()
  var text = CompiledRange()
  var language = CompiledRange()

  subscript(field: EventField) -> CompiledRange {
    get { self[keyPath: Self.place(of: field)] }
    set { self[keyPath: Self.place(of: field)] = newValue }
  }

  private static func place(of field: EventField) -> WritableKeyPath<Self, CompiledRange> {
    switch field {
    case .eventID: \.eventID
    case .userID: \.userID
    case .anonymousID: \.anonymousID
    case .sessionID: \.sessionID
    case .ts: \.ts
    case .dwell: \.dwell
    case .itemID: \.itemID
    case .category: \.category
    case .brand: \.brand
    case .price: \.price
    case .currency: \.currency
    case .quantity: \.quantity
    case .cartID: \.cartID
    case .orderID: \.orderID
    case .value: \.value
    case .url: \.url
    case .element: \.element
    case .referrer: \.referrer
    case .rating: \.rating
    case .text: \.text
    case .language: \.language
    }
  }
}

/// A mapping in the form that a decoder walks.
struct CompiledMapping: Sendable {
  /// What the JSON reader is asked for, in the order that gives the numbers used in `sources`.
  enum Request: Sendable {
    case capture([JSONPath.Step], eachLimit: Int)
    case members([JSONPath.Step])
    case node([JSONPath.Step], eachLimit: Int)
  }

  var requests: [Request] = []
  var sources: [CompiledSource] = []
  var missing: [CompiledMissing] = []
  var conditions: [CompiledCondition] = []
  var rules: [CompiledRule] = []
  /// Open addressing over `rules` by name, a power of two; -1: empty.
  var ruleTable: [Int32] = []
  var items: [CompiledItems] = []
  var fields = CompiledFields()
  /// Labels of the traits' objects.
  var traits: [Int32] = []
  var splitGroup: Int32 = -1
  var splitLabel: Int32 = -1
  var labels: [String] = []
  /// The text that constants, names and missing values point into.
  var texts: [UInt8] = []

  /// The most events one record can be split into; the rest is refused.
  static let maximumSplit = 100_000

  /// Builds the reader's plan, always the same way.
  func prepare(_ reader: borrowing JSONReader) {
    for request in requests {
      switch request {
      case .capture(let steps, let limit):
        if let node = reader.node(steps[...], eachLimit: limit) { _ = reader.capture(node) }
      case .members(let steps):
        if let node = reader.node(steps[...], eachLimit: 0) { _ = reader.members(node) }
      case .node(let steps, let limit):
        _ = reader.node(steps[...], eachLimit: limit)
      }
    }
  }
}
