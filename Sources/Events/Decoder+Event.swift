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
    if let user = try identifier(fields.userID, row: row) { slot.userID = slot.append(user) }
    if let visitor = try identifier(fields.anonymousID, row: row) { slot.anonymousID = slot.append(visitor) }
    guard slot.userID != nil || slot.anonymousID != nil else {
      throw Rejection(.missingUser, at: tried(fields.userID, fields.anonymousID))
    }
    try fillIdentifiers(&slot, row: row)
    try fillNumbers(&slot, row: row)
    try fillTexts(&slot, row: row)
    if type.hasItems { try fillItems(&slot) }
    if type == .profile { try fillTraits(&slot) }
    try check(slot)
    return true
  }

  /// What the event's name becomes; nil: it is ignored.
  private mutating func eventType(row: Int) throws(Rejection) -> EventType? {
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

  private mutating func fillIdentifiers(_ slot: inout EventSlot, row: Int) throws(Rejection) {
    // Nothing is set in the slot: what is absent needs no word.
    if let id = try identifier(fields.eventID, row: row) { slot.eventID = slot.append(id) }
    if let id = try identifier(fields.sessionID, row: row) { slot.sessionID = slot.append(id) }
    if let id = try identifier(fields.itemID, row: row) { slot.itemID = slot.append(id) }
    if let name = try identifier(fields.category, row: row) { slot.category = slot.append(name) }
    if let name = try identifier(fields.brand, row: row) { slot.brand = slot.append(name) }
    if let id = try identifier(fields.cartID, row: row) { slot.cartID = slot.append(id) }
    if let id = try identifier(fields.orderID, row: row) { slot.orderID = slot.append(id) }
  }

  private mutating func fillNumbers(_ slot: inout EventSlot, row: Int) throws(Rejection) {
    if let dwell = try dwell(row: row) { slot.dwellMilliseconds = dwell }
    let currency = try currency(row: row)
    if let currency { slot.currency = currency }
    let price = try money(fields.price, currency, negative: .negativePrice, row: row)
    if let price { slot.priceMinor = price }
    let quantity = try quantity(fields.quantity, row: row)
    if let quantity { slot.quantity = quantity }
    if let value = try money(fields.value, currency, negative: .negativeValue, row: row) {
      slot.valueMinor = value
    }
    if let rating = try rating(row: row) { slot.rating = rating }
    guard fits(price, quantity) else { throw Rejection(.outOfRange, at: tried(fields.price)) }
  }

  private mutating func fillTexts(_ slot: inout EventSlot, row: Int) throws(Rejection) {
    if let url = try text(fields.url, row: row) { slot.url = slot.append(url) }
    if let element = try text(fields.element, row: row) { slot.element = slot.append(element) }
    if let referrer = try text(fields.referrer, row: row) { slot.referrer = slot.append(referrer) }
    if let text = try text(fields.text, row: row) { slot.text = slot.append(text) }
    if let language = try text(fields.language, row: row) { slot.language = slot.append(language) }
  }

  /// The first list that is there.
  private mutating func fillItems(_ slot: inout EventSlot) throws(Rejection) {
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
        guard fits(price, quantity) else {
          throw Rejection(.outOfRange, at: "\(label(items.label))[\(row)]")
        }
        slot.append(EventSlot.Item(itemID: slot.append(itemID), priceMinor: price, quantity: quantity))
      }
      return
    }
  }

  /// Whether price × quantity stays inside the bound of money.
  private func fits(_ price: Int64?, _ quantity: Int64?) -> Bool {
    guard let price, let quantity else { return true }
    let (product, overflow) = price.multipliedReportingOverflow(by: quantity)
    return !overflow && product <= DecoderLimits.maximumMoneyMinor
  }

  /// The scalar members of the first traits object that has any.
  private mutating func fillTraits(_ slot: inout EventSlot) throws(Rejection) {
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

  private func check(_ slot: borrowing EventSlot) throws(Rejection) {
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
  fileprivate var hasItems: Bool {
    switch self {
    case .cartAdd, .cartRemove, .cartSet, .checkoutStart, .purchase, .refund: true
    default: false
    }
  }
}

extension EventSlot {
  /// Texts of the decoder can be read 32 bytes on, whatever their length.
  @inline(__always) fileprivate mutating func append(_ text: RawText) -> TextRange {
    let start = unsafe UInt32(fields.pointee.bytes.count)
    if let base = unsafe text.base { unsafe fields.pointee.bytes.appendShort(base, count: text.count) }
    return TextRange(start: start, count: UInt32(text.count))
  }
}
