/// What a shopper did. The raw value is stable: it is hashed and stored.
public enum EventType: UInt8, Sendable, Hashable, CaseIterable, BitwiseCopyable {
  case pageView = 1
  case pageDwell = 2
  case click = 3
  case search = 4
  case favourite = 5
  case cartAdd = 6
  case cartRemove = 7
  case cartSet = 8
  case cartClear = 9
  case checkoutStart = 10
  case purchase = 11
  case refund = 12
  case review = 13
  case profile = 14
  /// A request to erase everything known about the user.
  case forget = 15

  /// The canonical name, as native events spell it.
  public var name: String {
    switch self {
    case .pageView: "page_view"
    case .pageDwell: "page_dwell"
    case .click: "click"
    case .search: "search"
    case .favourite: "favourite"
    case .cartAdd: "cart_add"
    case .cartRemove: "cart_remove"
    case .cartSet: "cart_set"
    case .cartClear: "cart_clear"
    case .checkoutStart: "checkout_start"
    case .purchase: "purchase"
    case .refund: "refund"
    case .review: "review"
    case .profile: "profile"
    case .forget: "forget"
    }
  }

  /// The type with this canonical name, or nil.
  public init?(name: String) {
    guard let type = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = type
  }

  /// Whether the event is something the shopper did in the shop: it opens or prolongs a session, is a visit,
  /// and makes its day an active day. Refunds and profile updates are the shop's doing.
  @inlinable public var isActivity: Bool {
    switch self {
    case .refund, .profile, .forget: false
    default: true
    }
  }

  /// Whether the event speaks of the cart (`checkout_start` included, `purchase` not).
  @inlinable public var isCart: Bool {
    switch self {
    case .cartAdd, .cartRemove, .cartSet, .cartClear, .checkoutStart: true
    default: false
    }
  }
}
