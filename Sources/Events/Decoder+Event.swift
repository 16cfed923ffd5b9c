// From a record that has been read to an event in a slot.
extension Decoder {
  /// Fills the slot from the record (or from its current element); false: its name is not translated, and
  /// the slot holds its time, and its name as `element`.
  mutating func fill(_ slot: inout EventSlot) throws(Rejection) -> Bool {
    let row = element
    let type = try eventType(row: row)
    // The time of an event that is ignored moves the watermark all the same, so it has to be right.
    slot.ts = try time(row: row)
    guard let type else {
      if let (name, _) = try first(fields.eventName, row: row) {
        slot.element = slot.append(name.text)
      }
      return false
    }
    slot.type = type
    try take(.users, row: row, &slot)
    guard slot.userID != nil || slot.anonymousID != nil else {
      throw Rejection(.missingUser, at: tried(fields.userID, fields.anonymousID))
    }
    try take(.identifiersAndNumbers, row: row, &slot)
    guard Self.fits(slot.priceMinor, slot.quantity) else {
      throw Rejection(.outOfRange, at: tried(fields.price))
    }
    try take(.texts, row: row, &slot)
    try fillRest(&slot)
    return true
  }

  /// Fills what is no single value, and looks at the whole.
  mutating func fillRest(_ slot: inout EventSlot) throws(Rejection) {
    if slot.type.hasItems { try fillItems(&slot) }
    if slot.type == .profile { try fillTraits(&slot) }
    try check(slot)
  }

  /// Looks for these fields' values, in their order, and takes those that are there.
  mutating func take(_ wanted: SlotFields, row: Int, _ slot: inout EventSlot) throws(Rejection) {
    var rest = wanted.intersection(mapped)
    while let field = rest.popFirst() { try take(field, row: row, &slot) }
  }

  private mutating func take(_ field: SlotField, row: Int, _ slot: inout EventSlot) throws(Rejection) {
    switch field {
    case .userID: try takeIdentifier(fields.userID, .userID, row: row, &slot)
    case .anonymousID: try takeIdentifier(fields.anonymousID, .anonymousID, row: row, &slot)
    case .eventID: try takeIdentifier(fields.eventID, .eventID, row: row, &slot)
    case .sessionID: try takeIdentifier(fields.sessionID, .sessionID, row: row, &slot)
    case .itemID: try takeIdentifier(fields.itemID, .itemID, row: row, &slot)
    case .category: try takeIdentifier(fields.category, .category, row: row, &slot)
    case .brand: try takeIdentifier(fields.brand, .brand, row: row, &slot)
    case .cartID: try takeIdentifier(fields.cartID, .cartID, row: row, &slot)
    case .orderID: try takeIdentifier(fields.orderID, .orderID, row: row, &slot)
    case .dwell: if let dwell = try dwell(row: row) { slot.dwellMilliseconds = dwell }
    case .currency: if let currency = try currency(row: row) { slot.currency = currency }
    case .price:
      if let price = try money(fields.price, slot.currency, negative: .negativePrice, row: row) {
        slot.priceMinor = price
      }
    case .quantity: if let quantity = try quantity(fields.quantity, row: row) { slot.quantity = quantity }
    case .value:
      if let value = try money(fields.value, slot.currency, negative: .negativeValue, row: row) {
        slot.valueMinor = value
      }
    case .rating: if let rating = try rating(row: row) { slot.rating = rating }
    case .url: try takeText(fields.url, .url, row: row, &slot)
    case .element: try takeText(fields.element, .element, row: row, &slot)
    case .referrer: try takeText(fields.referrer, .referrer, row: row, &slot)
    case .text: try takeText(fields.text, .text, row: row, &slot)
    case .language: try takeText(fields.language, .language, row: row, &slot)
    // It comes first, by itself.
    case .time: break
    }
  }

  @inline(__always) private mutating func takeIdentifier(
    _ range: CompiledRange, _ field: EventSlot.TextField, row: Int, _ slot: inout EventSlot
  ) throws(Rejection) {
    if let id = try identifier(range, row: row) { slot.setText(field, slot.append(id)) }
  }

  @inline(__always) private mutating func takeText(
    _ range: CompiledRange, _ field: EventSlot.TextField, row: Int, _ slot: inout EventSlot
  ) throws(Rejection) {
    if let text = try text(range, row: row) { slot.setText(field, slot.append(text)) }
  }

  /// What the event's name becomes; nil: it is ignored.
  mutating func eventType(row: Int) throws(Rejection) -> EventType? {
    guard let (value, source) = try first(fields.eventName, row: row) else {
      throw Rejection(.missingName, at: tried(fields.eventName))
    }
    guard value.kind == .string || value.kind == .number else { throw refuse(.wrongType, source, row: row) }
    let name = value.text
    let hash = name.hash
    let mask = ruleTable.count - 1
    var slot = Int(hash) & mask
    while ruleTable[slot] >= 0 {
      let index = Int(ruleTable[slot])
      let rule = rules[index]
      if rule.hash == hash, name.isEqual(to: constant(rule.name)) {
        return type(ofRulesFrom: index, count: Int(rule.count), row: row)
      }
      slot = (slot + 1) & mask
    }
    return nil
  }

  private mutating func type(ofRulesFrom start: Int, count: Int, row: Int) -> EventType? {
    for index in start..<start + count {
      let rule = rules[index]
      if rule.condition < 0 || holds(rule.condition, row: row) { return rule.type }
    }
    return nil
  }

  /// The first list that is there.
  mutating func fillItems(_ slot: inout EventSlot) throws(Rejection) {
    for index in 0..<items.count {
      let items = items[index]
      let list = reader.rows(items.group)
      if list.kind == .absent || list.kind == .null { continue }
      guard list.kind == .array else { throw Rejection(.wrongType, at: label(items.label)) }
      guard list.count == list.total else {
        throw Rejection(.tooManyItems, at: "\(label(items.label)) (\(list.total) items)")
      }
      slot.hasItems = true
      for row in 0..<list.count {
        guard let itemID = try identifier(items.itemID, row: row) else {
          throw Rejection(.missingItem, at: "\(label(items.label))[\(row)]")
        }
        let price = try money(items.price, slot.currency, negative: .negativePrice, row: row)
        let quantity = try quantity(items.quantity, row: row)
        guard Self.fits(price, quantity) else {
          throw Rejection(.outOfRange, at: "\(label(items.label))[\(row)]")
        }
        slot.append(EventSlot.Item(itemID: slot.append(itemID), priceMinor: price, quantity: quantity))
      }
      return
    }
  }

  /// Whether price × quantity stays inside the bound of money.
  static func fits(_ price: Int64?, _ quantity: Int64?) -> Bool {
    guard let price, let quantity else { return true }
    let (product, overflow) = price.multipliedReportingOverflow(by: quantity)
    return !overflow && product <= DecoderLimits.maximumMoneyMinor
  }

  /// The scalar members of the first traits object that has any.
  mutating func fillTraits(_ slot: inout EventSlot) throws(Rejection) {
    let count = reader.memberCount
    for traits in 0..<compiled.traits.count {
      for index in 0..<count {
        let (members, name, value) = reader.member(index)
        guard members == Int32(traits) else { continue }
        let place = compiled.traits[traits]
        guard slot.traits.count < Event.maximumTraits else {
          throw Rejection(.tooManyTraits, at: label(place))
        }
        guard name.count <= Event.maximumIdentifierBytes else {
          throw Rejection(.identifierTooLong, at: label(place))
        }
        var trait = EventSlot.Trait(name: slot.append(name), text: nil, number: 0)
        switch value.kind {
        case .string: trait.text = slot.append(value.text)
        case .true: trait.text = slot.append("true")
        case .false: trait.text = slot.append("false")
        default: trait.number = value.number
        }
        slot.append(trait)
      }
      if !slot.traits.isEmpty { return }
    }
  }

  /// Mutating, so that the decoder is not copied for the call.
  mutating func check(_ slot: borrowing EventSlot) throws(Rejection) {
    switch slot.type {
    case .cartSet:
      guard slot.hasItems else { throw Rejection(.missingItems, at: listLabels) }
    case .cartAdd, .cartRemove:
      guard !slot.items.isEmpty || slot.itemID != nil else {
        throw Rejection(.missingItem, at: tried(fields.itemID))
      }
    default: break
    }
  }

  private var listLabels: String {
    compiled.items.map { label($0.label) }.joined(separator: ", ")
  }
}

extension EventType {
  /// Whether a list of items belongs to the event. Elsewhere a list is what a page showed, of any length.
  var hasItems: Bool {
    switch self {
    case .cartAdd, .cartRemove, .cartSet, .checkoutStart, .purchase, .refund: true
    default: false
    }
  }
}

extension EventSlot {
  /// Texts of the decoder can be read 32 bytes on, whatever their length.
  @inline(__always) mutating func append(_ text: RawText) -> TextRange {
    let start = unsafe UInt32(fields.pointee.bytes.count)
    if let base = unsafe text.base { unsafe fields.pointee.bytes.appendShort(base, count: text.count) }
    return TextRange(start: start, count: UInt32(text.count))
  }
}
