/// A stretch of an `EventSlot`'s bytes.
public struct TextRange: Sendable, Hashable, BitwiseCopyable {
  public var start: UInt32
  /// UTF-8 bytes.
  public var count: UInt32

  @inlinable public init(start: UInt32, count: UInt32) {
    self.start = start
    self.count = count
  }
}

/// One decoded event on the hot path: a slot that is cleared and filled again for every record, so that an
/// event costs no allocation once the slot's memory has grown to the size of the largest.
///
/// Identifiers are ranges into the slot's own `bytes`; every range was made by `append` on the same slot since the
/// last `clear`. All other fields are plain numbers. A slot stands alone: it holds nothing of the record or of the
/// decoder that filled it, so that a batch of slots can be filled before the first is used. `Event` is the same
/// thing as an owned value.
///
/// Which fields are there is one bit each: clearing forgets the bits and touches nothing else. Nothing in a slot is
/// counted by reference, and what reads it takes views (`SlotView`) of its memory.
@safe public struct EventSlot: ~Copyable {
  /// One row of `items`.
  public struct Item: Sendable, BitwiseCopyable {
    public var itemID: TextRange
    public var priceMinor: Int64?
    public var quantity: Int64?

    @inlinable public init(itemID: TextRange, priceMinor: Int64? = nil, quantity: Int64? = nil) {
      self.itemID = itemID
      self.priceMinor = priceMinor
      self.quantity = quantity
    }
  }

  /// One trait.
  public struct Trait: Sendable, BitwiseCopyable {
    public var name: TextRange
    /// nil: `number` holds the value.
    public var text: TextRange?
    public var number: Double

    @inlinable public init(name: TextRange, text: TextRange?, number: Double) {
      self.name = name
      self.text = text
      self.number = number
    }
  }

  /// The slot's own memory, in one place: whoever borrows a slot is handed its address, not three hundred bytes.
  @usableFromInline struct Fields: ~Copyable {
    @usableFromInline var type: EventType = .pageView
    @usableFromInline var ts: Int64 = 0
    @usableFromInline var hasItems = false
    /// Which of the fields below are there, a bit each: texts first, then numbers, currency and rating.
    @usableFromInline var present: UInt32 = 0
    @usableFromInline var texts = InlineArray<14, TextRange>(repeating: TextRange(start: 0, count: 0))
    @usableFromInline var numbers = InlineArray<4, Int64>(repeating: 0)
    @usableFromInline var currency: UInt32 = 0
    @usableFromInline var rating: Double = 0
    @usableFromInline var items = SlotBlock<Item>(capacity: 8, slack: 0)
    @usableFromInline var traits = SlotBlock<Trait>(capacity: 8, slack: 0)
    @usableFromInline var bytes = SlotBlock<UInt8>(capacity: 480, slack: 32)

    @usableFromInline init() {}
  }

  @usableFromInline let fields = UnsafeMutablePointer<Fields>.allocate(capacity: 1)

  public init() { unsafe fields.initialize(to: Fields()) }

  deinit {
    unsafe fields.deinitialize(count: 1)
    unsafe fields.deallocate()
  }

  @inlinable public var type: EventType {
    get { unsafe fields.pointee.type }
    set { unsafe fields.pointee.type = newValue }
  }

  /// Event time, milliseconds since 1970 UTC.
  @inlinable public var ts: Int64 {
    get { unsafe fields.pointee.ts }
    set { unsafe fields.pointee.ts = newValue }
  }

  /// Whether the record had a list of items; `items` may be empty all the same.
  @inlinable public var hasItems: Bool {
    get { unsafe fields.pointee.hasItems }
    set { unsafe fields.pointee.hasItems = newValue }
  }

  /// Empties the slot and keeps its memory.
  @inlinable public mutating func clear() {
    type = .pageView
    ts = 0
    hasItems = false
    unsafe fields.pointee.present = 0
    unsafe fields.pointee.items.count = 0
    unsafe fields.pointee.traits.count = 0
    unsafe fields.pointee.bytes.count = 0
  }

  // MARK: Lists and text

  @inlinable public var items: SlotView<Item> { unsafe fields.pointee.items.view }
  @inlinable public var traits: SlotView<Trait> { unsafe fields.pointee.traits.view }
  /// The text that the ranges point into.
  @inlinable public var bytes: SlotView<UInt8> { unsafe fields.pointee.bytes.view }

  @inlinable public mutating func append(_ item: Item) { unsafe fields.pointee.items.append(item) }
  @inlinable public mutating func append(_ trait: Trait) { unsafe fields.pointee.traits.append(trait) }

  /// Copies text into the slot.
  public mutating func append(_ text: Span<UInt8>) -> TextRange {
    unsafe text.withUnsafeBytes { unsafe append(copying: $0) }
  }

  /// Copies text into the slot.
  @inlinable public mutating func append(copying text: UnsafeRawBufferPointer) -> TextRange {
    let start = unsafe UInt32(fields.pointee.bytes.count)
    if let base = text.baseAddress {
      unsafe fields.pointee.bytes.append(from: base.assumingMemoryBound(to: UInt8.self), count: text.count)
    }
    return TextRange(start: start, count: UInt32(text.count))
  }

  /// Copies text into the slot.
  public mutating func append(_ text: String) -> TextRange {
    let start = unsafe UInt32(fields.pointee.bytes.count)
    for byte in text.utf8 { unsafe fields.pointee.bytes.append(byte) }
    return TextRange(start: start, count: unsafe UInt32(fields.pointee.bytes.count) - start)
  }

  /// The bytes of a range, in place: no copy, no reference. See `SlotView` for how long it is good.
  @inlinable public func slice(_ range: TextRange) -> SlotView<UInt8> {
    unsafe precondition(Int(range.start) + Int(range.count) <= fields.pointee.bytes.count)
    return unsafe SlotView(fields.pointee.bytes.base + Int(range.start), count: Int(range.count))
  }

  /// Calls `body` with the bytes of a range, in place.
  @inlinable public func withText<Result>(
    _ range: TextRange, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    unsafe body(slice(range).raw)
  }

  /// The text of a range as a string.
  public func string(_ range: TextRange) -> String {
    unsafe String(decoding: slice(range).raw, as: UTF8.self)
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
        append(Item(itemID: append(item.itemID), priceMinor: item.priceMinor, quantity: item.quantity))
      }
    }
    for (name, value) in event.traits.sorted(by: { $0.key < $1.key }) {
      switch value {
      case .text(let text): append(Trait(name: append(name), text: append(text), number: 0))
      case .number(let number): append(Trait(name: append(name), text: nil, number: number))
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
