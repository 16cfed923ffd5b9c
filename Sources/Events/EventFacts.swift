// What follows from one event alone.

extension EventSlot {
  /// Units of the event itself or of one of its items: 1 unless it says otherwise.
  @inlinable public var unitsOrOne: Int64 { quantity ?? 1 }

  /// Whether the event names any item.
  @inlinable public var namesItems: Bool { !items.isEmpty || itemID != nil }

  /// How many items the event names: its list, else its single item.
  @inlinable public var namedItemCount: Int { items.isEmpty ? (itemID == nil ? 0 : 1) : items.count }

  /// One of the named items, by index below `namedItemCount`.
  @inlinable public func namedItem(_ index: Int) -> Item {
    if items.isEmpty, let itemID {
      return Item(itemID: itemID, priceMinor: priceMinor, quantity: quantity)
    }
    return items[index]
  }

  /// What a purchase or refund is worth, minor units: the stated value, else prices times quantities, else nil.
  @inlinable public var ownValue: (minor: Int64, isStated: Bool)? {
    if let valueMinor { return (valueMinor, true) }
    return pricedValue.map { ($0, false) }
  }

  /// Prices times quantities of what the event names, minor units: of its items, else of the event's own item;
  /// nil: no price.
  @inlinable public var pricedValue: Int64? {
    var sum: Int64?
    for item in items {
      guard let price = item.priceMinor else { continue }
      sum = (sum ?? 0).addingSaturated(price.multipliedSaturated(item.quantity ?? 1))
    }
    return sum ?? priceMinor.map { $0.multipliedSaturated(unitsOrOne) }
  }

  /// For de-duplication within one user: of `event_id`, else of everything that tells two events apart.
  @inlinable public func fingerprint() -> UInt32 {
    var hash = StableHash(seed: 1)
    if let eventID {
      hash.combine(slice(eventID))
    } else {
      hash.combine(ts)
      hash.combine(UInt64(type.rawValue))
      combine(itemID, into: &hash)
      combine(url, into: &hash)
      combine(element, into: &hash)
      combine(cartID, into: &hash)
      combine(orderID, into: &hash)
    }
    return UInt32(truncatingIfNeeded: hash.value)
  }

  @inlinable func combine(_ text: TextRange?, into hash: inout StableHash) {
    if let text { hash.combine(slice(text)) } else { hash.combine(UInt64.max) }
  }
}
