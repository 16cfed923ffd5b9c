import Events

/// The rhythm of a user's purchases, and the money in them.
public struct Cadence: Sendable, Hashable {
  /// Orders, and the largest purchase time.
  public internal(set) var purchases: Int64 = 0
  public internal(set) var firstPurchase: Int64?
  public internal(set) var lastPurchase: Int64?
  /// Distinct UTC days with a purchase, in order of arrival, and the last of them.
  public internal(set) var purchaseDays: Int64 = 0
  public internal(set) var lastPurchaseDay: Int64 = 0
  /// Running mean and sum of squared differences of the gaps between purchase days, in days (Welford 1962).
  public internal(set) var meanGapDays: Double = 0
  public internal(set) var gapSquares: Double = 0
  /// Purchases less refunds, in `revenueCurrency`.
  public internal(set) var lifetimeRevenueMinor: Int64 = 0
  /// Of the first valued purchase (which may have none).
  public internal(set) var revenueCurrency: Currency?
  var hasRevenueCurrency = false
  /// Orders whose rows may still come.
  var orders = RecentOrders()

  public init() {}

  /// What a purchase row did.
  public struct Effect: Sendable, Hashable {
    /// Whether it is a new order.
    public var isNew = false
    /// To be added to the revenue of its pane.
    public var revenueMinor: Int64 = 0
    /// Whether an amount was left out because of its currency.
    public var leftOut = false
  }

  /// Takes a purchase row in.
  public mutating func purchase(_ event: borrowing EventSlot) -> Effect {
    var effect = Effect()
    let ts = event.ts
    lastPurchase = max(lastPurchase ?? ts, ts)
    firstPurchase = min(firstPurchase ?? ts, ts)
    let key = Self.orderKey(event)
    let index: Int
    if let known = orders.index(of: key) {
      index = known
    } else {
      effect.isNew = true
      purchases += 1
      addDay(Milliseconds.dayNumber(ts))
      index = orders.append(key)
    }
    let minor: Int64
    switch orders[basis: index] {
    case .unknown:
      guard let value = event.ownValue else { return effect }
      orders[basis: index] = value.isStated ? .stated : .prices
      minor = value.minor
    case .prices:
      guard let value = event.pricedValue else { return effect }
      minor = value
    case .stated: return effect
    }
    if !hasRevenueCurrency {
      hasRevenueCurrency = true
      revenueCurrency = event.currency
    }
    count(minor, event.currency, &effect)
    return effect
  }

  /// Takes a refund in.
  public mutating func refund(_ event: borrowing EventSlot) -> Effect {
    var effect = Effect()
    guard let value = event.ownValue else { return effect }
    guard hasRevenueCurrency else {
      effect.leftOut = true
      return effect
    }
    count(-value.minor, event.currency, &effect)
    return effect
  }

  private mutating func count(_ minor: Int64, _ currency: Currency?, _ effect: inout Effect) {
    if currency == revenueCurrency {
      lifetimeRevenueMinor = lifetimeRevenueMinor.addingSaturated(minor)
      effect.revenueMinor = minor
    } else {
      effect.leftOut = true
    }
  }

  private mutating func addDay(_ day: Int64) {
    if purchaseDays == 0 {
      purchaseDays = 1
      lastPurchaseDay = day
    } else if day > lastPurchaseDay {
      purchaseDays += 1
      let gap = Double(day - lastPurchaseDay)
      let difference = gap - meanGapDays
      meanGapDays += difference / Double(purchaseDays - 1)
      gapSquares += difference * (gap - meanGapDays)
      lastPurchaseDay = day
    }
  }

  private static func orderKey(_ event: borrowing EventSlot) -> UInt64 {
    var hash = StableHash(seed: 2)
    if let orderID = event.orderID {
      hash.combine(event.slice(orderID))
    } else {
      hash.combine(event.ts)
    }
    return hash.value
  }
}
