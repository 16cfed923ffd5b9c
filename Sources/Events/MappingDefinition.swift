/// A canonical field that a mapping can fill. The raw value is the field's name in mapping files.
public enum EventField: String, Sendable, Hashable, CaseIterable {
  case eventID = "event_id"
  case userID = "user_id"
  case anonymousID = "anonymous_id"
  case sessionID = "session_id"
  case ts
  case dwell = "dwell_ms"
  case itemID = "item_id"
  case category, brand
  case price = "price_minor"
  case currency, quantity
  case cartID = "cart_id"
  case orderID = "order_id"
  case value = "value_minor"
  case url, element, referrer, rating, text
  case language = "lang"

  /// The units that sources of this field can have, the one that is meant when none is named first; empty:
  /// the field has no unit.
  public var units: [SourceUnit] {
    switch self {
    case .ts: [.milliseconds, .seconds, .microseconds, .iso8601]
    case .dwell: [.milliseconds, .seconds, .microseconds]
    case .price, .value: [.minor, .major]
    default: []
    }
  }
}

/// How a source writes a time, a duration or an amount of money.
public enum SourceUnit: String, Sendable, Hashable, CaseIterable, BitwiseCopyable {
  case seconds = "s"
  case milliseconds = "ms"
  case microseconds = "us"
  /// `2026-03-01T10:00:00.123Z`, with an offset, or with a space and `UTC`; without a zone it is UTC.
  case iso8601
  /// Money in minor units (cents), a whole number.
  case minor
  /// Money in major units (euros), a decimal number or its text; converted exactly, half a minor unit up.
  case major
}

/// One place where a field may be found.
public struct FieldSource: Sendable, Hashable {
  public enum Origin: Sendable, Hashable {
    /// A JSON path: `properties.products[0].price`, `event_params[key=page_location].value.string_value`,
    /// `context["user.agent"]`.
    case path(String)
    /// A column by the name that the header or the mapping's `columns` gives it.
    case column(String)
    /// A column by its place, from 1.
    case columnNumber(Int)
    case constant(String)
    /// The Kafka record's key.
    case recordKey
    /// The Kafka record's timestamp, ms.
    case recordTimestamp
  }

  public var origin: Origin
  /// nil: the first of the field's `units`.
  public var unit: SourceUnit?
  /// Values that mean "missing", compared as numbers if both are numbers, else as text.
  public var missing: [String]
  /// Where it does not hold, the source is not present.
  public var condition: MappingCondition?

  public init(
    _ origin: Origin, unit: SourceUnit? = nil, missing: [String] = [], if condition: MappingCondition? = nil
  ) {
    self.origin = origin
    self.unit = unit
    self.missing = missing
    self.condition = condition
  }
}

/// A condition on one value of the record.
public struct MappingCondition: Sendable, Hashable {
  public var origin: FieldSource.Origin
  /// nil: the value has to be there, and not empty.
  public var equals: String?

  public init(_ origin: FieldSource.Origin, equals: String? = nil) {
    self.origin = origin
    self.equals = equals
  }
}

/// What an event's name becomes. The first rule of a name whose condition holds decides; if none holds, the
/// event is ignored.
public struct NameRule: Sendable, Hashable {
  public var name: String
  /// nil: known, and ignored on purpose.
  public var type: EventType?
  public var condition: MappingCondition?

  public init(_ name: String, _ type: EventType?, if condition: MappingCondition? = nil) {
    self.name = name
    self.type = type
    self.condition = condition
  }
}

/// A list of items inside a record, and where each element keeps its fields (paths relative to the element;
/// `.` is the element itself).
public struct ItemsSource: Sendable, Hashable {
  /// The path of the array.
  public var each: String
  public var itemID: [FieldSource]
  public var price: [FieldSource]
  public var quantity: [FieldSource]

  public init(each: String, itemID: [FieldSource], price: [FieldSource] = [], quantity: [FieldSource] = []) {
    self.each = each
    self.itemID = itemID
    self.price = price
    self.quantity = quantity
  }
}

/// How rows of a delimited text are laid out.
public struct RowLayout: Sendable, Hashable {
  public var delimiter: UInt8
  /// RFC 4180 quoting with `"`.
  public var quoted: Bool
  /// Whether the first line of a file names its columns. A row equal to it is a header, not an event.
  public var hasHeader: Bool
  /// The columns in order, as the format documents them.
  public var columns: [String]

  public init(delimiter: UInt8 = UInt8(ascii: ","), quoted: Bool = true, hasHeader: Bool, columns: [String]) {
    self.delimiter = delimiter
    self.quoted = quoted
    self.hasHeader = hasHeader
    self.columns = columns
  }
}

/// What a mapping says, before it is compiled: where each field of a foreign record stands, in what unit, and
/// how its event names translate.
///
/// Sources of one field are tried in order; the first that is present wins. JSON null, an empty text and a
/// value listed under `missing` are not present.
public struct MappingDefinition: Sendable, Hashable {
  public enum Form: Sendable, Hashable {
    case json
    case rows(RowLayout)
  }

  /// The preset's or the file's name.
  public var name: String
  public var form: Form
  /// Where the event's name stands.
  public var eventName: [FieldSource]
  public var names: [NameRule]
  public var fields: [EventField: [FieldSource]]
  public var items: [ItemsSource]
  /// Paths of objects whose scalar members are traits; the first that is an object wins.
  public var traits: [String]
  /// Meant where a record names no currency.
  public var defaultCurrency: Currency?
  /// The path of an array of events inside one record; only readers of files can use such a mapping. Fields
  /// of its elements are written `<split>[*].<path>`.
  public var split: String?

  public init(
    name: String, form: Form = .json, eventName: [FieldSource], names: [NameRule],
    fields: [EventField: [FieldSource]], items: [ItemsSource] = [], traits: [String] = [],
    defaultCurrency: Currency? = nil, split: String? = nil
  ) {
    self.name = name
    self.form = form
    self.eventName = eventName
    self.names = names
    self.fields = fields
    self.items = items
    self.traits = traits
    self.defaultCurrency = defaultCurrency
    self.split = split
  }
}
