// The fields of a slot that may be absent: one bit in `present`, and a value that counts only with it.

extension EventSlot {
  @inlinable func has(_ bit: Int) -> Bool {
    unsafe fields.pointee.present >> UInt32(truncatingIfNeeded: bit) & 1 != 0
  }

  @inlinable mutating func note(_ bit: Int, _ isThere: Bool) {
    let mask = UInt32(1) << UInt32(truncatingIfNeeded: bit)
    unsafe fields.pointee.present = isThere ? fields.pointee.present | mask : fields.pointee.present & ~mask
  }

  @inlinable func textRange(_ field: Int) -> TextRange? {
    has(field) ? unsafe fields.pointee.texts[field] : nil
  }

  @inlinable mutating func setText(_ field: Int, _ range: TextRange?) {
    note(field, range != nil)
    if let range { unsafe fields.pointee.texts[field] = range }
  }

  @inlinable func number(_ field: Int) -> Int64? {
    has(14 + field) ? unsafe fields.pointee.numbers[field] : nil
  }

  @inlinable mutating func setNumber(_ field: Int, _ value: Int64?) {
    note(14 + field, value != nil)
    if let value { unsafe fields.pointee.numbers[field] = value }
  }

  // MARK: Texts

  @inlinable public var eventID: TextRange? {
    get { textRange(0) }
    set { setText(0, newValue) }
  }
  @inlinable public var userID: TextRange? {
    get { textRange(1) }
    set { setText(1, newValue) }
  }
  @inlinable public var anonymousID: TextRange? {
    get { textRange(2) }
    set { setText(2, newValue) }
  }
  @inlinable public var sessionID: TextRange? {
    get { textRange(3) }
    set { setText(3, newValue) }
  }
  @inlinable public var itemID: TextRange? {
    get { textRange(4) }
    set { setText(4, newValue) }
  }
  @inlinable public var category: TextRange? {
    get { textRange(5) }
    set { setText(5, newValue) }
  }
  @inlinable public var brand: TextRange? {
    get { textRange(6) }
    set { setText(6, newValue) }
  }
  @inlinable public var cartID: TextRange? {
    get { textRange(7) }
    set { setText(7, newValue) }
  }
  @inlinable public var orderID: TextRange? {
    get { textRange(8) }
    set { setText(8, newValue) }
  }
  @inlinable public var url: TextRange? {
    get { textRange(9) }
    set { setText(9, newValue) }
  }
  @inlinable public var element: TextRange? {
    get { textRange(10) }
    set { setText(10, newValue) }
  }
  @inlinable public var referrer: TextRange? {
    get { textRange(11) }
    set { setText(11, newValue) }
  }
  @inlinable public var text: TextRange? {
    get { textRange(12) }
    set { setText(12, newValue) }
  }
  @inlinable public var language: TextRange? {
    get { textRange(13) }
    set { setText(13, newValue) }
  }

  // MARK: Numbers

  @inlinable public var dwellMilliseconds: Int64? {
    get { number(0) }
    set { setNumber(0, newValue) }
  }
  @inlinable public var priceMinor: Int64? {
    get { number(1) }
    set { setNumber(1, newValue) }
  }
  @inlinable public var quantity: Int64? {
    get { number(2) }
    set { setNumber(2, newValue) }
  }
  @inlinable public var valueMinor: Int64? {
    get { number(3) }
    set { setNumber(3, newValue) }
  }
  @inlinable public var currency: Currency? {
    get { has(18) ? unsafe Currency(code: fields.pointee.currency) : nil }
    set {
      note(18, newValue != nil)
      if let newValue { unsafe fields.pointee.currency = newValue.code }
    }
  }
  @inlinable public var rating: Double? {
    get { has(19) ? unsafe fields.pointee.rating : nil }
    set {
      note(19, newValue != nil)
      if let newValue { unsafe fields.pointee.rating = newValue }
    }
  }
}
