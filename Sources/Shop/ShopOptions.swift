import Events

/// How the simulated shop's users behave. The defaults are of the order that shops report: about one visit in
/// twelve fills a cart, and two carts of three are left behind.
///
/// Shares are probabilities in [0, 1]; spans of days are as lived by the shopper, not by the wall clock.
public struct ShopOptions: Sendable, Hashable {
  // MARK: How much happens

  /// Visits a day of a user, on average. Few users visit often, most seldom (see `mostVisitsPerDay`).
  public var visitsPerUserDay = 0.5
  /// Nobody visits more often than this.
  public var mostVisitsPerDay = 1.6
  /// How regular visits are, 1 to 20: the interval to the next is the mean of so many random ones. At 1 visits
  /// are pure chance; the larger, the more it is a habit, and the more a drift stands out from it.
  public var visitRegularity = 3
  /// Pages of a visit, on average.
  public var pagesPerVisit = 7.0
  /// Dwell on a page, on average.
  public var dwellPerPageMilliseconds = 35 * Milliseconds.second
  /// A page reports its dwell each time that this much has passed, and when it is left. The shorter, the more
  /// events for the same behaviour.
  public var dwellReportMilliseconds = 15 * Milliseconds.second
  /// Number of items on sale.
  public var catalogueItems = 2_000

  // MARK: Carts

  /// Visits that put something into the cart.
  public var cartShare = 0.08
  /// Carts bought in the visit that filled them.
  public var boughtAtOnceShare = 0.30
  /// Carts left behind whose user comes back for them alone: some within the hour, most the same day as if
  /// reminded, some a day or two later.
  public var boughtLaterShare = 0.18
  /// Orders sent back, two to nine days later.
  public var refundShare = 0.04

  // MARK: Drifting away

  /// Of the users who visit regularly, those who at some time drift away; of the others, a third of it.
  public var driftShare = 0.5
  /// When they begin to, days after they joined.
  public var driftAfterDays = 8.0...40.0
  /// How long their visits take to thin out, days. Dwell falls with them, and carts are no longer bought.
  public var driftDays = 4.0...8.0
  /// Of those who drifted away, those who come back; the others' places are taken by new users.
  public var returnShare = 0.4
  /// How long they stay away, days.
  public var awayDays = 7.0...16.0

  // MARK: What the network makes of it

  /// Users who never sign in.
  public var anonymousShare = 0.05
  /// Events that arrive 2 s to 60 s late; the others take less than 2 s, and overtake one another.
  public var lateShare = 0.02
  /// Events that arrive twice, with the same `event_id`.
  public var duplicateShare = 0.005
  /// Visits by an app that is offline: its events arrive together, 5 minutes to 4 hours after the visit. This is
  /// what a retracted alert comes from.
  public var offlineShare = 0.005

  public init() {}

  /// For a demonstration under the default rules in which twelve hours of the shop pass in a second: fewer carts
  /// than in life, so that alerts can be read, visits that are more of a habit, users who begin to drift away
  /// early, and more offline visits, so that a retraction is seen.
  public static var demonstration: ShopOptions {
    var options = ShopOptions()
    options.cartShare = 0.04
    options.visitRegularity = 8
    options.driftShare = 0.35
    options.offlineShare = 0.08
    options.driftAfterDays = 7.0...30.0
    options.driftDays = 3.0...6.0
    options.dwellReportMilliseconds = 10 * Milliseconds.second
    return options
  }

  /// For our mistakes: an option outside its bounds.
  func check() {
    for share in [
      cartShare, boughtAtOnceShare, boughtLaterShare, refundShare, driftShare, returnShare, anonymousShare,
      lateShare, duplicateShare, offlineShare,
    ] {
      precondition((0...1).contains(share), "a share is a probability")
    }
    precondition(visitsPerUserDay > 0 && visitsPerUserDay <= mostVisitsPerDay, "visits a day")
    precondition((1...20).contains(visitRegularity), "a regularity of 1 to 20")
    precondition(mostVisitsPerDay <= 10, "at most 10 visits a day")
    precondition((1...100).contains(pagesPerVisit), "1 to 100 pages a visit")
    precondition(dwellPerPageMilliseconds >= 1_000 && dwellPerPageMilliseconds <= 10 * Milliseconds.minute)
    precondition(dwellReportMilliseconds >= 1_000, "dwell is reported once a second at most")
    precondition((10...10_000_000).contains(catalogueItems), "10 to 10 million items")
    for days in [driftAfterDays, driftDays, awayDays] {
      precondition(days.lowerBound > 0 && days.upperBound <= 3_650, "above 0 and at most ten years")
    }
  }
}
