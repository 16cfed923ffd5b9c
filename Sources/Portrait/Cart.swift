import Events

/// One item in the cart.
public struct CartLine: Sendable, Hashable {
  public var itemID: String
  /// Of `itemID`.
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
  /// Adds of further items beyond `maximumLines`, since the cart was opened or last set.
  public internal(set) var uncountedLines: Int64 = 0
  public internal(set) var cartID: String?
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

  public var isEmpty: Bool { lines.isEmpty }

  /// Hash of items and quantities, whatever their order. 0 for an empty cart.
  public var version: UInt64 {
    var sum: UInt64 = 0
    for line in lines {
      var hash = StableHash(seed: 3)
      hash.combine(line.hash)
      hash.combine(line.quantity)
      sum &+= hash.value
    }
    return sum
  }

  /// Whether an item with this hash is in the cart.
  public func contains(_ hash: UInt64) -> Bool {
    lines.contains { $0.hash == hash }
  }

  /// The hash by which items are told apart.
  public static func itemHash(_ bytes: some Collection<UInt8>) -> UInt64 {
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
      effect.unitsRemoved = take { $0.touched <= event.ts }
      barrier = max(barrier, event.ts)
    case .checkoutStart:
      if event.hasItems { replace(event, byItem, &effect) } else { effect.accepted = true }
    default: preconditionFailure("not a cart event")
    }
    effect.changed = version != before
    if effect.wasEmpty, !isEmpty {
      firstAdd = event.ts
      cartID = nil
      orderHash = nil
    }
    if effect.accepted {
      if let id = event.cartID { cartID = event.string(id) }
      if let id = event.orderID { orderHash = Self.itemHash(event.slice(id)) }
    }
    if isEmpty { uncountedLines = 0 }
    return effect
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
      let hash = Self.itemHash(event.slice(item.itemID))
      if isBarred(hash, event.ts, byItem) { continue }
      effect.accepted = true
      if let line = line(hash) {
        lines[line].quantity = min(lines[line].quantity + quantity, Self.maximumQuantity)
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
      let hash = Self.itemHash(event.slice(item.itemID))
      if isBarred(hash, event.ts, byItem) {
        effect.unitsRemoved += item.quantity ?? 1
        continue
      }
      effect.accepted = true
      guard let line = line(hash) else { continue }
      let taken = min(item.quantity ?? .max, lines[line].quantity)
      effect.unitsRemoved += taken
      lines[line].quantity -= taken
      lines[line].touched = max(lines[line].touched, event.ts)
      if lines[line].quantity == 0 { lines.remove(at: line) }
    }
  }

  /// `cart_set`, and `checkout_start` with items: the list becomes the contents, as far as these are not newer.
  private mutating func replace(_ event: borrowing EventSlot, _ byItem: Bool, _ effect: inout Effect) {
    if event.ts < barrier { return }
    effect.accepted = true
    uncountedLines = 0
    // What the list does not name goes, unless it was touched later.
    effect.unitsRemoved += take { line in
      line.touched <= event.ts && !Self.names(event, line.hash)
    }
    for index in event.items.indices {
      let item = event.items[index]
      let hash = Self.itemHash(event.slice(item.itemID))
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
        lines[line].quantity = quantity
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
    while index < count, itemHash(event.slice(event.namedItem(index).itemID)) != hash { index += 1 }
    return index
  }

  private static func listedUnits(_ event: borrowing EventSlot, _ hash: UInt64) -> Int64 {
    var units: Int64 = 0
    for item in event.items where itemHash(event.slice(item.itemID)) == hash {
      units += item.quantity ?? 1
    }
    return min(units, maximumQuantity)
  }

  private func line(_ hash: UInt64) -> Int? {
    lines.firstIndex { $0.hash == hash }
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
    lines.append(
      CartLine(
        itemID: event.string(item.itemID), hash: hash, quantity: min(quantity, Self.maximumQuantity),
        priceMinor: item.priceMinor, currency: item.priceMinor == nil ? nil : event.currency,
        touched: event.ts))
    return true
  }

  /// Removes lines and returns their units.
  private mutating func take(_ condition: (CartLine) -> Bool) -> Int64 {
    var units: Int64 = 0
    lines.removeAll { line in
      guard condition(line) else { return false }
      units += line.quantity
      return true
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
    if effect.whole {
      effect.unitsRemoved = take { $0.touched <= event.ts }
      barrier = max(barrier, event.ts)
    } else {
      for index in 0..<event.namedItemCount {
        let hash = Self.itemHash(event.slice(event.namedItem(index).itemID))
        effect.unitsRemoved += take { $0.hash == hash && $0.touched <= event.ts }
        remember(hash, event.ts)
      }
    }
    effect.changed = effect.unitsRemoved > 0
    if isEmpty { uncountedLines = 0 }
    return effect
  }

  private func sharesIdentity(_ event: borrowing EventSlot) -> Bool {
    if let id = event.cartID, let cartID, event.slice(id).elementsEqual(cartID.utf8) { return true }
    if let id = event.orderID, let orderHash, Self.itemHash(event.slice(id)) == orderHash { return true }
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
    lines.removeAll()
    uncountedLines = 0
  }
}
