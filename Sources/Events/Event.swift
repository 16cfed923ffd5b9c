/// One decoded clickstream record in canonical form, as a value that owns its strings.
///
/// This is the form for edges: the simulated shop, tests, explanations. The hot path uses `EventSlot`, which
/// holds the same fields and is reused from record to record.
public struct Event: Sendable, Hashable {
  /// One row of `items`.
  public struct Item: Sendable, Hashable {
    public var itemID: String
    /// Unit price in minor units of the event's currency.
    public var priceMinor: Int64?
    /// nil: the source did not say; 1 is meant, except for a removal, which then takes the whole line.
    public var quantity: Int64?

    public init(itemID: String, priceMinor: Int64? = nil, quantity: Int64? = nil) {
      self.itemID = itemID
      self.priceMinor = priceMinor
      self.quantity = quantity
    }
  }

  /// A trait's value.
  public enum TraitValue: Sendable, Hashable {
    case text(String)
    case number(Double)
  }

  /// At most this many `items`; a record with more is refused.
  public static let maximumItems = 200
  /// At most this many traits in one `profile`; a record with more is refused.
  public static let maximumTraits = 64
  /// Longest accepted identifier, in UTF-8 bytes; a record with a longer one is refused.
  public static let maximumIdentifierBytes = 512

  public var type: EventType
  /// Event time, milliseconds since 1970 UTC.
  public var ts: Int64
  public var eventID: String?
  public var userID: String?
  public var anonymousID: String?
  public var sessionID: String?
  /// Time spent, milliseconds; additive.
  public var dwellMilliseconds: Int64?
  public var itemID: String?
  public var category: String?
  public var brand: String?
  /// Unit price in minor units.
  public var priceMinor: Int64?
  public var currency: Currency?
  /// See `Item.quantity`.
  public var quantity: Int64?
  public var cartID: String?
  public var orderID: String?
  /// nil: the record had no list; empty: it had an empty one (a cart that is now empty).
  public var items: [Item]?
  /// Of the cart or order, minor units.
  public var valueMinor: Int64?
  public var url: String?
  public var element: String?
  public var referrer: String?
  public var rating: Double?
  public var text: String?
  public var language: String?
  public var traits: [String: TraitValue]

  public init(
    type: EventType, ts: Int64, userID: String? = nil, anonymousID: String? = nil, eventID: String? = nil,
    sessionID: String? = nil, dwellMilliseconds: Int64? = nil, itemID: String? = nil,
    category: String? = nil, brand: String? = nil, priceMinor: Int64? = nil, currency: Currency? = nil,
    quantity: Int64? = nil, cartID: String? = nil, orderID: String? = nil, items: [Item]? = nil,
    valueMinor: Int64? = nil, url: String? = nil, element: String? = nil, referrer: String? = nil,
    rating: Double? = nil, text: String? = nil, language: String? = nil,
    traits: [String: TraitValue] = [:]
  ) {
    self.type = type
    self.ts = ts
    self.userID = userID
    self.anonymousID = anonymousID
    self.eventID = eventID
    self.sessionID = sessionID
    self.dwellMilliseconds = dwellMilliseconds
    self.itemID = itemID
    self.category = category
    self.brand = brand
    self.priceMinor = priceMinor
    self.currency = currency
    self.quantity = quantity
    self.cartID = cartID
    self.orderID = orderID
    self.items = items
    self.valueMinor = valueMinor
    self.url = url
    self.element = element
    self.referrer = referrer
    self.rating = rating
    self.text = text
    self.language = language
    self.traits = traits
  }

  /// The user this event belongs to: `user_id`, else `anon:` + `anonymous_id`. nil if it has neither.
  public var userKey: String? {
    userID ?? anonymousID.map { "anon:" + $0 }
  }
}
