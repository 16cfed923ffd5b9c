// The fields of a slot that may be absent: one bit in `present`, and a value that counts only with it.

extension EventSlot {
  /// The texts, each with its bit.
  @usableFromInline enum TextField: UInt8, BitwiseCopyable {
    case eventID, userID, anonymousID, sessionID, itemID, category, brand, cartID, orderID
    case url, element, referrer, text, language
  }

  /// The numbers, whose bits follow.
  @usableFromInline enum NumberField: UInt8, BitwiseCopyable {
    case dwell, price, quantity, value
  }

  @usableFromInline static var textCount: Int { 14 }

  @inlinable func has(_ bit: Int) -> Bool {
    unsafe fields.pointee.present >> UInt32(truncatingIfNeeded: bit) & 1 != 0
  }

  @inlinable mutating func note(_ bit: Int, _ isThere: Bool) {
    let mask = UInt32(1) << UInt32(truncatingIfNeeded: bit)
    unsafe fields.pointee.present = isThere ? fields.pointee.present | mask : fields.pointee.present & ~mask
  }

  @inlinable func textRange(_ field: TextField) -> TextRange? {
    let place = Int(field.rawValue)
    return has(place) ? unsafe fields.pointee.texts[place] : nil
  }

  @inlinable mutating func setText(_ field: TextField, _ range: TextRange?) {
    let place = Int(field.rawValue)
    note(place, range != nil)
    if let range { unsafe fields.pointee.texts[place] = range }
  }

  @inlinable func number(_ field: NumberField) -> Int64? {
    let place = Int(field.rawValue)
    return has(Self.textCount + place) ? unsafe fields.pointee.numbers[place] : nil
  }

  @inlinable mutating func setNumber(_ field: NumberField, _ value: Int64?) {
    let place = Int(field.rawValue)
    note(Self.textCount + place, value != nil)
    if let value { unsafe fields.pointee.numbers[place] = value }
  }

  // MARK: Texts

  @inlinable public var eventID: TextRange? {
    get { textRange(.eventID) }
    set { setText(.eventID, newValue) }
  }
  @inlinable public var userID: TextRange? {
    get { textRange(.userID) }
    set { setText(.userID, newValue) }
  }
  @inlinable public var anonymousID: TextRange? {
    get { textRange(.anonymousID) }
    set { setText(.anonymousID, newValue) }
  }
  @inlinable public var sessionID: TextRange? {
    get { textRange(.sessionID) }
    set { setText(.sessionID, newValue) }
  }
  @inlinable public var itemID: TextRange? {
    get { textRange(.itemID) }
    set { setText(.itemID, newValue) }
  }
  @inlinable public var category: TextRange? {
    get { textRange(.category) }
    set { setText(.category, newValue) }
  }
  @inlinable public var brand: TextRange? {
    get { textRange(.brand) }
    set { setText(.brand, newValue) }
  }
  @inlinable public var cartID: TextRange? {
    get { textRange(.cartID) }
    set { setText(.cartID, newValue) }
  }
  @inlinable public var orderID: TextRange? {
    get { textRange(.orderID) }
    set { setText(.orderID, newValue) }
  }
  @inlinable public var url: TextRange? {
    get { textRange(.url) }
    set { setText(.url, newValue) }
  }
  @inlinable public var element: TextRange? {
    get { textRange(.element) }
    set { setText(.element, newValue) }
  }
  @inlinable public var referrer: TextRange? {
    get { textRange(.referrer) }
    set { setText(.referrer, newValue) }
  }
  @inlinable public var text: TextRange? {
    get { textRange(.text) }
    set { setText(.text, newValue) }
  }
  @inlinable public var language: TextRange? {
    get { textRange(.language) }
    set { setText(.language, newValue) }
  }

  // MARK: Numbers

  @inlinable public var dwellMilliseconds: Int64? {
    get { number(.dwell) }
    set { setNumber(.dwell, newValue) }
  }
  @inlinable public var priceMinor: Int64? {
    get { number(.price) }
    set { setNumber(.price, newValue) }
  }
  @inlinable public var quantity: Int64? {
    get { number(.quantity) }
    set { setNumber(.quantity, newValue) }
  }
  @inlinable public var valueMinor: Int64? {
    get { number(.value) }
    set { setNumber(.value, newValue) }
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
