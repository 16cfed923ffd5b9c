/// The fields of an event that hold a single value, in the order in which a decoder looks for them: of several that are
/// wrong, the first is told of.
enum SlotField: UInt8, CaseIterable {
  case time
  case userID, anonymousID
  case eventID, sessionID, itemID, category, brand, cartID, orderID
  case dwell, currency, price, quantity, value, rating
  case url, element, referrer, text, language
}

/// Some of these fields.
struct SlotFields: OptionSet, BitwiseCopyable {
  let rawValue: UInt32

  static let users = SlotFields([.userID, .anonymousID])
  static let identifiersAndNumbers = SlotFields([
    .eventID, .sessionID, .itemID, .category, .brand, .cartID, .orderID, .dwell, .currency, .price,
    .quantity, .value, .rating,
  ])
  static let texts = SlotFields([.url, .element, .referrer, .text, .language])

  @inline(__always) init(rawValue: UInt32) { self.rawValue = rawValue }

  init(_ fields: [SlotField]) {
    rawValue = fields.reduce(0) { $0 | 1 << UInt32($1.rawValue) }
  }

  @inline(__always) private init(_ field: SlotField) { rawValue = 1 << UInt32(field.rawValue) }

  @inline(__always) mutating func insert(_ field: SlotField) { formUnion(SlotFields(field)) }

  @inline(__always) func contains(_ field: SlotField) -> Bool { isSuperset(of: SlotFields(field)) }

  /// Takes the first out; nil: there is none.
  @inline(__always) mutating func popFirst() -> SlotField? {
    if rawValue == 0 { return nil }
    defer { self = SlotFields(rawValue: rawValue & (rawValue - 1)) }
    return SlotField(rawValue: UInt8(truncatingIfNeeded: rawValue.trailingZeroBitCount))
  }
}

extension CompiledFields {
  /// The fields that a mapping says anything of. The currency may also be the mapping's own.
  var mapped: SlotFields {
    var mapped = SlotFields([.time, .currency])
    for (range, field) in [
      (userID, SlotField.userID), (anonymousID, .anonymousID), (eventID, .eventID), (sessionID, .sessionID),
      (itemID, .itemID), (category, .category), (brand, .brand), (cartID, .cartID), (orderID, .orderID),
      (dwell, .dwell), (price, .price), (quantity, .quantity), (value, .value), (rating, .rating),
      (url, .url), (element, .element), (referrer, .referrer), (text, .text), (language, .language),
    ] where !range.isEmpty { mapped.insert(field) }
    return mapped
  }
}
