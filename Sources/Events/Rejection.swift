/// Why a record was refused. The raw value is stable: it stands in dead letters and metrics.
public enum RejectReason: String, Sendable, Hashable, CaseIterable {
  // The record as a whole.
  case nullValue = "null_value"
  case empty
  case tooLarge = "too_large"
  // Its text.
  case notJSON = "not_json"
  case truncated
  case invalidUTF8 = "invalid_utf8"
  case loneSurrogate = "lone_surrogate"
  case tooDeep = "too_deep"
  case duplicateKey = "duplicate_key"
  case brokenQuoting = "broken_quoting"
  case tooFewColumns = "too_few_columns"
  case tooManyColumns = "too_many_columns"
  case missingColumn = "missing_column"
  // Its values.
  case wrongType = "wrong_type"
  case numberOutOfRange = "number_out_of_range"
  case outOfRange = "out_of_range"
  case invalidNumber = "invalid_number"
  case invalidTime = "invalid_time"
  case fractionalQuantity = "fractional_quantity"
  case fractionalMinorUnits = "fractional_minor_units"
  case negativePrice = "negative_price"
  case negativeValue = "negative_value"
  case negativeQuantity = "negative_quantity"
  case negativeDwell = "negative_dwell"
  case unknownCurrency = "unknown_currency"
  case identifierTooLong = "identifier_too_long"
  case tooManyItems = "too_many_items"
  case tooManyTraits = "too_many_traits"
  // What it lacks.
  case missingName = "missing_name"
  case missingUser = "missing_user"
  case missingTime = "missing_time"
  case missingItems = "missing_items"
  case missingItem = "missing_item"
  // Its time.
  case timeTooOld = "time_too_old"
  case timeInFuture = "time_in_future"
  // Its use.
  case filesOnly = "files_only"

  /// One sentence for the person who reads the dead letter: what is wrong and what to do.
  public var hint: String {
    switch self {
    case .nullValue: "The record has no value; a clickstream topic carries no tombstones."
    case .empty: "The record is empty."
    case .tooLarge: "The record is larger than the configured limit."
    case .notJSON: "The record is not valid JSON at this place."
    case .truncated: "The record ends before its JSON is complete; its producer cut it off."
    case .invalidUTF8: "The record holds bytes that are not UTF-8; its producer used another encoding."
    case .loneSurrogate: "A string holds half of a surrogate pair, which is no character."
    case .tooDeep: "The record nests objects and lists too deeply."
    case .duplicateKey: "An object has this key twice, so that its meaning is undefined."
    case .brokenQuoting: "A quoted column does not end, or text follows its closing quote."
    case .tooFewColumns: "The row has fewer columns than its header names; often the file was cut off here."
    case .tooManyColumns:
      "The row has more columns than its header names; a delimiter inside a text needs quotes."
    case .wrongType: "The value is of another type than the mapping expects here."
    case .numberOutOfRange: "The number is too large for any number type."
    case .outOfRange: "The value lies outside the range that makes sense for its field."
    case .invalidNumber: "The text is not a number."
    case .invalidTime: "The text is not a time of the form that the mapping names."
    case .fractionalQuantity: "A quantity counts units and has to be a whole number."
    case .fractionalMinorUnits: "An amount in minor units is a whole number; for 35.79 map the unit `major`."
    case .missingColumn: "The header lacks a column that the mapping cannot do without."
    case .negativePrice: "A price cannot be negative."
    case .negativeValue: "The value of a cart or order cannot be negative."
    case .negativeQuantity: "A quantity cannot be negative."
    case .negativeDwell: "A time spent cannot be negative."
    case .unknownCurrency: "A currency is three letters (ISO 4217)."
    case .identifierTooLong: "The identifier is longer than 512 bytes."
    case .tooManyItems: "An event lists more than 200 items."
    case .tooManyTraits: "A profile lists more than 64 traits."
    case .missingName: "The record does not say what happened; the mapping's event name is absent."
    case .missingUser: "The record names neither a user nor an anonymous user."
    case .missingTime: "The record has no time; map `ts`, or take the record's timestamp."
    case .missingItems: "A cart_set without items says nothing about the cart."
    case .missingItem: "The event names no item."
    case .timeTooOld: "The time lies before 2001-09-09; often a wrong unit, or a number that was cut off."
    case .timeInFuture: "The time lies further ahead of the record's clock than time.max_future_skew allows."
    case .filesOnly: "This mapping splits one record into several events; only files can be read so."
    }
  }
}

/// A refusal: the reason, and the place in the record.
public struct Rejection: Error, Sendable, Hashable, CustomStringConvertible {
  public var reason: RejectReason
  /// A JSON path, a column, a byte offset; never a value of the record.
  public var place: String

  public init(_ reason: RejectReason, at place: String) {
    self.reason = reason
    self.place = place
  }

  public var description: String {
    place.isEmpty ? "\(reason.rawValue): \(reason.hint)" : "\(reason.rawValue) at \(place): \(reason.hint)"
  }
}

/// What became of a record.
public enum DecodeOutcome: Sendable, Hashable {
  /// The slot holds the event.
  case event
  /// An event name that the mapping does not translate (counted, not an error), or a header row. The slot
  /// holds its `ts`, which moves the watermark, and its name as `element`; after a header row `ts` is 0 and
  /// moves nothing.
  case ignored
  case rejected(Rejection)
}
