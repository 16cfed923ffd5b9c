import Events

/// One item in the cart.
public struct CartLine: Sendable, Hashable {
  /// The item's id, in its cart's `text`.
  var item: TextRange
  /// Of the id.
  public var hash: UInt64
  /// Above 0.
  public var quantity: Int64
  public var priceMinor: Int64?
  public var currency: Currency?
  /// Largest time of an add, set or removal of this item.
  public var touched: Int64
}

/// What a user has put into the cart and not bought or taken out.
///
/// Changes act by event time: what an older, late event says is held against the times at which the contents
/// were last replaced ("barriers") and at which each line was last touched.
public struct Cart: Sendable, Hashable {
  /// Lines kept; further items are counted.
  public static let maximumLines = 50
  /// Purchased items whose barrier is remembered (purchase scope `item`).
  static let rememberedPurchases = 16
  /// The most units a line holds.
  static let maximumQuantity: Int64 = 1_000_000_000

  struct ItemBarrier: Sendable, Hashable {
    var hash: UInt64
    var time: Int64
  }

  /// In the order in which the items came into the cart.
  public internal(set) var lines: [CartLine] = []
  /// The ids of the lines' items, one behind the other.
  var text: [UInt8] = []
  /// Known also while the lines are not at hand.
  public internal(set) var isEmpty = true
  /// Adds of further items beyond `maximumLines`, since the cart was opened or last set.
  public internal(set) var uncountedLines: Int64 = 0
  /// The shop's id of the cart, if it gave one.
  var cartIDText: [UInt8] = []
  var hasCartID = false
  /// Of the order id last seen on a cart event.
  var orderHash: UInt64?
  /// When the first of the contents came into the empty cart.
  public internal(set) var firstAdd: Int64 = 0
  /// Largest time of a whole-cart purchase, a clear or a set.
  var barrier: Int64 = .min
  var itemBarriers: [ItemBarrier] = []

  /// What an event did to the cart.
  public struct Effect: Sendable, Hashable {
    /// false: dated before a barrier; the event counts in its pane only.
    public var accepted = false
    public var wasEmpty = false
    /// Whether items or quantities differ.
    public var changed = false
    public var unitsAdded: Int64 = 0
    public var unitsRemoved: Int64 = 0
    /// Of a purchase: whether it was of the whole cart.
    public var whole = false
    /// Adds that found no room.
    public var overflows: Int64 = 0
  }

  public init() {}

  public var cartID: String? { hasCartID ? String(decoding: cartIDText, as: UTF8.self) : nil }

  /// Hash of items and quantities, whatever their order. 0 for an empty cart.
  public internal(set) var version: UInt64 = 0

  /// What a line adds to the version.
  static func versionPart(_ hash: UInt64, _ quantity: Int64) -> UInt64 {
    var part = StableHash(seed: 3)
    part.combine(hash)
    part.combine(quantity)
    return part.value
  }

  /// The id of a line's item.
  public func itemID(of line: CartLine) -> String {
    String(decoding: text[Int(line.item.start)..<Int(line.item.start) + Int(line.item.count)], as: UTF8.self)
  }

  /// Whether an item with this hash is in the cart.
  public func contains(_ hash: UInt64) -> Bool {
    lines.contains { $0.hash == hash }
  }

  /// The hash by which items are told apart.
  @inlinable public static func itemHash(_ bytes: some Collection<UInt8>) -> UInt64 {
    var hash = StableHash(seed: 4)
    hash.combine(bytes)
    return hash.value
  }

  /// What the lines are worth.
  public var value: (minor: Int64?, currency: Currency?, isComplete: Bool) {
    guard var last = lines.first else { return (nil, nil, true) }
    for line in lines where line.touched >= last.touched { last = line }
    var sum: Int64?
    var complete = uncountedLines == 0
    for line in lines {
      if let price = line.priceMinor, line.currency == last.currency {
        sum = (sum ?? 0).addingSaturated(price.multipliedSaturated(line.quantity))
      } else {
        complete = false
      }
    }
    return (sum, last.currency, complete)
  }

  // MARK: Cart events

  /// Applies an event for which `type.isCart` holds.
  /// - Parameter byItem: whether the purchase scope is `item`.
  public mutating func apply(_ event: borrowing EventSlot, byItem: Bool) -> Effect {
    var effect = Effect()
    effect.wasEmpty = isEmpty
    let before = version
    switch event.type {
    case .cartAdd: add(event, byItem, &effect)
    case .cartRemove: remove(event, byItem, &effect)
    case .cartSet: replace(event, byItem, &effect)
    case .cartClear:
      effect.accepted = true
      effect.unitsRemoved = take(upTo: event.ts)
      barrier = max(barrier, event.ts)
    case .checkoutStart:
      if event.hasItems { replace(event, byItem, &effect) } else { effect.accepted = true }
    default: preconditionFailure("not a cart event")
    }
    effect.changed = version != before
    if effect.wasEmpty, !isEmpty {
      firstAdd = event.ts
      hasCartID = false
      cartIDText.empty()
      orderHash = nil
    }
    if effect.accepted {
      if let id = event.cartID { setCartID(event, id) }
      if let id = event.orderID { orderHash = event.itemHash(id) }
    }
    if isEmpty { uncountedLines = 0 }
    return effect
  }

  private mutating func setCartID(_ event: borrowing EventSlot, _ id: TextRange) {
    hasCartID = true
    cartIDText.empty()
    unsafe event.withText(id) { unsafe cartIDText.append(contentsOf: $0) }
  }

  private func isBarred(_ hash: UInt64, _ ts: Int64, _ byItem: Bool) -> Bool {
    if ts < barrier { return true }
    return byItem && itemBarriers.contains { $0.hash == hash && ts < $0.time }
  }

  private mutating func add(_ event: borrowing EventSlot, _ byItem: Bool, _ effect: inout Effect) {
    for index in 0..<event.namedItemCount {
      let item = event.namedItem(index)
      let quantity = item.quantity ?? 1
      effect.unitsAdded += quantity
      let hash = event.itemHash(item.itemID)
      if isBarred(hash, event.ts, byItem) { continue }
      effect.accepted = true
      if let line = line(hash) {
        setQuantity(line, min(lines[line].quantity + quantity, Self.maximumQuantity))
        price(line, item.priceMinor, event.currency, event.ts)
        lines[line].touched = max(lines[line].touched, event.ts)
      } else {
        _ = append(event, item, hash, quantity, &effect)
      }
    }
  }

  private mutating func remove(_ event: borrowing EventSlot, _ byItem: Bool, _ effect: inout Effect) {
    for index in 0..<event.namedItemCount {
      let item = event.namedItem(index)
      let hash = event.itemHash(item.itemID)
      if isBarred(hash, event.ts, byItem) {
        effect.unitsRemoved += item.quantity ?? 1
        continue
      }
      effect.accepted = true
      guard let line = line(hash) else { continue }
      let taken = min(item.quantity ?? .max, lines[line].quantity)
      effect.unitsRemoved += taken
      setQuantity(line, lines[line].quantity - taken)
      lines[line].touched = max(lines[line].touched, event.ts)
      if lines[line].quantity == 0 { _ = takeOut { $0.quantity == 0 } }
    }
  }

  /// `cart_set`, and `checkout_start` with items: the list becomes the contents, as far as these are not newer.
  private mutating func replace(_ event: borrowing EventSlot, _ byItem: Bool, _ effect: inout Effect) {
    if event.ts < barrier { return }
    effect.accepted = true
    uncountedLines = 0
    // What the list does not name goes, unless it was touched later.
    let time = event.ts
    for index in lines.indices where lines[index].touched <= time && !Self.names(event, lines[index].hash) {
      effect.unitsRemoved += lines[index].quantity
      setQuantity(index, 0)
    }
    _ = takeOut { $0.quantity == 0 }
    for index in 0..<event.items.count {
      let item = event.items[index]
      let hash = event.itemHash(item.itemID)
      if isBarred(hash, event.ts, byItem) { continue }
      // An item that is listed twice has the sum of its rows, and the last price that they give.
      if Self.firstRow(event, hash) < index {
        if let line = line(hash) { price(line, item.priceMinor, event.currency, event.ts) }
        continue
      }
      let quantity = Self.listedUnits(event, hash)
      if let line = line(hash) {
        if lines[line].touched > event.ts { continue }
        let difference = quantity - lines[line].quantity
        if difference > 0 { effect.unitsAdded += difference } else { effect.unitsRemoved -= difference }
        setQuantity(line, quantity)
        price(line, item.priceMinor, event.currency, event.ts)
        lines[line].touched = event.ts
      } else if append(event, item, hash, quantity, &effect) {
        effect.unitsAdded += quantity
      }
    }
    barrier = event.ts
  }

  private static func names(_ event: borrowing EventSlot, _ hash: UInt64) -> Bool {
    firstRow(event, hash) < event.namedItemCount
  }

  private static func firstRow(_ event: borrowing EventSlot, _ hash: UInt64) -> Int {
    var index = 0
    let count = event.namedItemCount
    while index < count, event.itemHash(event.namedItem(index).itemID) != hash { index += 1 }
    return index
  }

  private static func listedUnits(_ event: borrowing EventSlot, _ hash: UInt64) -> Int64 {
    var units: Int64 = 0
    for index in 0..<event.items.count where event.itemHash(event.items[index].itemID) == hash {
      units += event.items[index].quantity ?? 1
    }
    return min(units, maximumQuantity)
  }

  // MARK: Lines

  private func line(_ hash: UInt64) -> Int? {
    for index in 0..<lines.count where lines[index].hash == hash { return index }
    return nil
  }

  private mutating func setQuantity(_ line: Int, _ quantity: Int64) {
    let hash = lines[line].hash
    version &-= Self.versionPart(hash, lines[line].quantity)
    // A line of 0 units is about to be taken out.
    if quantity > 0 { version &+= Self.versionPart(hash, quantity) }
    lines[line].quantity = quantity
  }

  private mutating func price(_ line: Int, _ priceMinor: Int64?, _ currency: Currency?, _ ts: Int64) {
    guard let priceMinor, ts >= lines[line].touched else { return }
    lines[line].priceMinor = priceMinor
    lines[line].currency = currency
  }

  /// Puts a further item in; false: there is no room.
  private mutating func append(
    _ event: borrowing EventSlot, _ item: EventSlot.Item, _ hash: UInt64, _ quantity: Int64,
    _ effect: inout Effect
  ) -> Bool {
    if lines.count == Self.maximumLines {
      uncountedLines += 1
      effect.overflows += 1
      return false
    }
    let line = CartLine(
      item: TextRange(start: UInt32(text.count), count: item.itemID.count), hash: hash,
      quantity: min(quantity, Self.maximumQuantity), priceMinor: item.priceMinor,
      currency: item.priceMinor == nil ? nil : event.currency, touched: event.ts)
    unsafe event.withText(item.itemID) { unsafe text.append(contentsOf: $0) }
    append(line)
    return true
  }

  /// Puts a line behind the others; the text of its item is there.
  mutating func append(_ line: CartLine) {
    version &+= Self.versionPart(line.hash, line.quantity)
    lines.append(line)
    isEmpty = false
  }

  /// Takes out lines that were touched no later than `time`, and returns their units.
  private mutating func take(upTo time: Int64) -> Int64 {
    takeOut { $0.touched <= time }
  }

  /// Takes out lines with their text, and returns their units.
  private mutating func takeOut(_ condition: (borrowing CartLine) -> Bool) -> Int64 {
    var units: Int64 = 0
    var kept = 0
    var end: UInt32 = 0
    for index in 0..<lines.count {
      var line = lines[index]
      if condition(line) {
        units += line.quantity
        if line.quantity > 0 { version &-= Self.versionPart(line.hash, line.quantity) }
        continue
      }
      if line.item.start != end {
        for offset in 0..<Int(line.item.count) {
          text[Int(end) + offset] = text[Int(line.item.start) + offset]
        }
        line.item.start = end
      }
      end += line.item.count
      lines[kept] = line
      kept += 1
    }
    if kept < lines.count {
      lines.removeLast(lines.count - kept)
      text.removeLast(text.count - Int(end))
      isEmpty = lines.isEmpty
    }
    return units
  }

  // MARK: Purchases and forgetting

  /// Takes out what a purchase bought.
  public mutating func buy(_ event: borrowing EventSlot, byItem: Bool) -> Effect {
    var effect = Effect()
    effect.accepted = true
    effect.wasEmpty = isEmpty
    effect.whole = !byItem || !event.namesItems || sharesIdentity(event)
    let time = event.ts
    if effect.whole {
      effect.unitsRemoved = take(upTo: time)
      barrier = max(barrier, time)
    } else {
      for index in 0..<event.namedItemCount {
        let hash = event.itemHash(event.namedItem(index).itemID)
        effect.unitsRemoved += takeOut { $0.hash == hash && $0.touched <= time }
        remember(hash, time)
      }
    }
    effect.changed = effect.unitsRemoved > 0
    if isEmpty { uncountedLines = 0 }
    return effect
  }

  private func sharesIdentity(_ event: borrowing EventSlot) -> Bool {
    if let id = event.cartID, hasCartID, unsafe event.withText(id, { unsafe $0.elementsEqual(cartIDText) }) {
      return true
    }
    if let id = event.orderID, let orderHash, event.itemHash(id) == orderHash { return true }
    return false
  }

  private mutating func remember(_ hash: UInt64, _ time: Int64) {
    if let index = itemBarriers.firstIndex(where: { $0.hash == hash }) {
      itemBarriers[index].time = max(itemBarriers[index].time, time)
      return
    }
    if itemBarriers.count == Self.rememberedPurchases { itemBarriers.removeFirst() }
    itemBarriers.append(ItemBarrier(hash: hash, time: time))
  }

  /// Whether the event names an item with this hash.
  public static func isNamed(_ hash: UInt64, by event: borrowing EventSlot) -> Bool {
    names(event, hash)
  }

  /// Drops the contents.
  public mutating func forget() {
    lines.empty()
    text.empty()
    version = 0
    isEmpty = true
    uncountedLines = 0
  }

  /// As if nothing had ever been in it; keeps its memory.
  mutating func reset() {
    forget()
    cartIDText.empty()
    hasCartID = false
    orderHash = nil
    firstAdd = 0
    barrier = .min
    itemBarriers.empty()
  }

  /// Whether it says nothing.
  var isBlank: Bool {
    isEmpty && !hasCartID && orderHash == nil && firstAdd == 0 && barrier == .min && itemBarriers.isEmpty
      && uncountedLines == 0
  }
}

extension EventSlot {
  /// The hash by which items are told apart.
  func itemHash(_ id: TextRange) -> UInt64 {
    unsafe withText(id) { text in
      var hash = StableHash(seed: 4)
      unsafe hash.combine(text)
      return hash.value
    }
  }
}
