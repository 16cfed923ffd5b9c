import Events

/// What is counted in a pane, and summed over a window.
public struct PaneSums: Sendable, Hashable {
  /// Activity events of every type.
  public var events: Int64 = 0
  public var views: Int64 = 0
  public var clicks: Int64 = 0
  public var searches: Int64 = 0
  public var favourites: Int64 = 0
  /// Units put into the cart and taken out of it (not: bought).
  public var cartAdds: Int64 = 0
  public var cartRemovals: Int64 = 0
  /// Orders, and units bought.
  public var purchases: Int64 = 0
  public var itemsBought: Int64 = 0
  /// Sessions that started here, and those of them that were bounces.
  public var sessions: Int64 = 0
  public var bounces: Int64 = 0
  public var dwellMilliseconds: Int64 = 0
  /// Purchases less refunds, minor units of the user's revenue currency.
  public var revenueMinor: Int64 = 0

  public init() {}

  /// Adds all sums.
  public static func += (left: inout PaneSums, right: PaneSums) {
    left.events += right.events
    left.views += right.views
    left.clicks += right.clicks
    left.searches += right.searches
    left.favourites += right.favourites
    left.cartAdds = left.cartAdds.addingSaturated(right.cartAdds)
    left.cartRemovals = left.cartRemovals.addingSaturated(right.cartRemovals)
    left.purchases += right.purchases
    left.itemsBought = left.itemsBought.addingSaturated(right.itemsBought)
    left.sessions += right.sessions
    left.bounces += right.bounces
    left.dwellMilliseconds = left.dwellMilliseconds.addingSaturated(right.dwellMilliseconds)
    left.revenueMinor = left.revenueMinor.addingSaturated(right.revenueMinor)
  }
}
