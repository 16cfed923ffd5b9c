/// A stretch of an `EventSlot`'s bytes.
public struct TextRange: Sendable, Hashable {
  public var start: UInt32
  /// UTF-8 bytes.
  public var count: UInt32

  @inlinable public init(start: UInt32, count: UInt32) {
    self.start = start
    self.count = count
  }
}

/// One decoded event on the hot path: a slot that is cleared and filled again for every record, so that an
/// event costs no allocation once the slot's buffers have grown to the size of the largest.
///
/// Identifiers are ranges into `bytes`; every range was made by `append` on the same slot since the last
/// `clear`. All other fields are plain numbers. `Event` is the same thing as an owned value.
public struct EventSlot: ~Copyable {
  /// One row of `items`.
  public struct Item: Sendable {
    public var itemID: TextRange
    public var priceMinor: Int64?
    public var quantity: Int64?
  }

  /// One trait.
  public struct Trait: Sendable {
    public var name: TextRange
    /// nil: `number` holds the value.
    public var text: TextRange?
    public var number: Double
  }

  public var type: EventType = .pageView
  /// Event time, milliseconds since 1970 UTC.
  public var ts: Int64 = 0
  public var eventID: TextRange?
  public var userID: TextRange?
  public var anonymousID: TextRange?
  public var sessionID: TextRange?
  public var dwellMilliseconds: Int64?
  public var itemID: TextRange?
  public var category: TextRange?
  public var brand: TextRange?
  public var priceMinor: Int64?
  public var currency: Currency?
  public var quantity: Int64?
  public var cartID: TextRange?
  public var orderID: TextRange?
  public var valueMinor: Int64?
  public var url: TextRange?
  public var element: TextRange?
  public var referrer: TextRange?
  public var rating: Double?
  public var text: TextRange?
  public var language: TextRange?
  /// Whether the record had a list of items; `items` may be empty all the same.
  public var hasItems = false
  public var items: [Item] = []
  public var traits: [Trait] = []
  /// The text that the ranges point into.
  public var bytes: [UInt8] = []

  public init() {}

  /// Empties the slot and keeps its buffers.
  public mutating func clear() {
    type = .pageView
    ts = 0
    eventID = nil
    userID = nil
    anonymousID = nil
    sessionID = nil
    dwellMilliseconds = nil
    itemID = nil
    category = nil
    brand = nil
    priceMinor = nil
    currency = nil
    quantity = nil
    cartID = nil
    orderID = nil
    valueMinor = nil
    url = nil
    element = nil
    referrer = nil
    rating = nil
    text = nil
    language = nil
    hasItems = false
    items.removeAll(keepingCapacity: true)
    traits.removeAll(keepingCapacity: true)
    bytes.removeAll(keepingCapacity: true)
  }

  /// Copies text into the slot.
  public mutating func append(_ text: Span<UInt8>) -> TextRange {
    unsafe text.withUnsafeBytes { unsafe append(copying: $0) }
  }

  /// Copies text into the slot.
  public mutating func append(copying text: UnsafeRawBufferPointer) -> TextRange {
    let start = UInt32(bytes.count)
    unsafe bytes.append(contentsOf: text)
    return TextRange(start: start, count: UInt32(text.count))
  }

  /// Copies text into the slot.
  public mutating func append(_ text: String) -> TextRange {
    let start = UInt32(bytes.count)
    bytes.append(contentsOf: text.utf8)
    return TextRange(start: start, count: UInt32(bytes.count) - start)
  }

  /// The bytes of a range as an array slice (shares storage, no copy).
  public func slice(_ range: TextRange) -> ArraySlice<UInt8> {
    bytes[Int(range.start)..<Int(range.start) + Int(range.count)]
  }

  /// Calls `body` with the bytes of a range.
  public func withText<Result>(_ range: TextRange, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    unsafe bytes.withUnsafeBytes { bytes in
      let end = Int(range.start) + Int(range.count)
      return unsafe body(UnsafeRawBufferPointer(rebasing: bytes[Int(range.start)..<end]))
    }
  }

  /// The text of a range as a string.
  public func string(_ range: TextRange) -> String {
    String(decoding: slice(range), as: UTF8.self)
  }
}

extension EventSlot {
  /// Fills the slot from an owned event.
  public mutating func set(_ event: Event) {
    clear()
    type = event.type
    ts = event.ts
    eventID = append(event.eventID)
    userID = append(event.userID)
    anonymousID = append(event.anonymousID)
    sessionID = append(event.sessionID)
    dwellMilliseconds = event.dwellMilliseconds
    itemID = append(event.itemID)
    category = append(event.category)
    brand = append(event.brand)
    priceMinor = event.priceMinor
    currency = event.currency
    quantity = event.quantity
    cartID = append(event.cartID)
    orderID = append(event.orderID)
    valueMinor = event.valueMinor
    url = append(event.url)
    element = append(event.element)
    referrer = append(event.referrer)
    rating = event.rating
    text = append(event.text)
    language = append(event.language)
    if let list = event.items {
      hasItems = true
      for item in list {
        items.append(
          Item(itemID: append(item.itemID), priceMinor: item.priceMinor, quantity: item.quantity))
      }
    }
    for (name, value) in event.traits.sorted(by: { $0.key < $1.key }) {
      switch value {
      case .text(let text): traits.append(Trait(name: append(name), text: append(text), number: 0))
      case .number(let number): traits.append(Trait(name: append(name), text: nil, number: number))
      }
    }
  }

  /// The slot's contents as an owned event.
  public func event() -> Event {
    var event = Event(type: type, ts: ts)
    event.eventID = string(eventID)
    event.userID = string(userID)
    event.anonymousID = string(anonymousID)
    event.sessionID = string(sessionID)
    event.dwellMilliseconds = dwellMilliseconds
    event.itemID = string(itemID)
    event.category = string(category)
    event.brand = string(brand)
    event.priceMinor = priceMinor
    event.currency = currency
    event.quantity = quantity
    event.cartID = string(cartID)
    event.orderID = string(orderID)
    event.valueMinor = valueMinor
    event.url = string(url)
    event.element = string(element)
    event.referrer = string(referrer)
    event.rating = rating
    event.text = string(text)
    event.language = string(language)
    if hasItems {
      event.items = items.map {
        Event.Item(itemID: string($0.itemID), priceMinor: $0.priceMinor, quantity: $0.quantity)
      }
    }
    for trait in traits {
      event.traits[string(trait.name)] = trait.text.map { .text(string($0)) } ?? .number(trait.number)
    }
    return event
  }

  private mutating func append(_ text: String?) -> TextRange? {
    guard let text else { return nil }
    return append(text)
  }

  private func string(_ range: TextRange?) -> String? {
    guard let range else { return nil }
    return string(range)
  }
}
