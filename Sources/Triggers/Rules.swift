import Events
import Portrait

/// Everything that the operator can tune and that the result for a user depends on. Constant within an epoch.
public struct Rules: Sendable, Hashable {
  public var time = TimeRules()
  public var sessions = SessionRules()
  /// In order of the configuration file; names are unique.
  public var windows = [
    WindowSpec(name: "hour", lengthMilliseconds: Milliseconds.hour),
    WindowSpec(name: "day", lengthMilliseconds: Milliseconds.day),
    WindowSpec(name: "recent", lengthMilliseconds: 7 * Milliseconds.day),
    WindowSpec(name: "month", lengthMilliseconds: 28 * Milliseconds.day),
  ]
  public var cart = CartRules()
  public var churn = ChurnRules()
  public var alerts = AlertRules()
  public var state = StateRules()
  public var shop = ShopRules()

  public init() {}
}

/// `time.*`
public struct TimeRules: Sendable, Hashable {
  /// How far the watermark stays behind the largest event time seen.
  public var allowedLatenessMilliseconds = Milliseconds.minute
  /// An event dated later than its record's timestamp plus this is refused.
  public var maxFutureSkewMilliseconds = 5 * Milliseconds.minute
  /// A partition without events for this long (wall clock) ticks.
  public var idleAfterMilliseconds = 30 * Milliseconds.second
  /// Ticks go on at most this long after the largest event time seen; 0: no ticks.
  public var tickForMilliseconds = 6 * Milliseconds.hour

  public init() {}
}

/// `sessions.*`
public struct SessionRules: Sendable, Hashable {
  /// The longest silence inside one session.
  public var gapMilliseconds = 30 * Milliseconds.minute
  /// Whether dwell is inferred from the gap to the user's next event (for sources without dwell).
  public var inferDwell = false

  public init() {}
}

/// `cart.*`
public struct CartRules: Sendable, Hashable {
  /// What a purchase takes out of the cart.
  public enum PurchaseScope: String, Sendable, Hashable, CaseIterable {
    /// Everything.
    case any
    /// The items bought, unless cart or order id are shared.
    case item
  }

  /// Whether the trigger is on.
  public var enabled = true
  /// Ages of the anchor at which an alert fires, ascending, each above 0.
  public var stepsMilliseconds = [Milliseconds.hour, 24 * Milliseconds.hour, 72 * Milliseconds.hour]
  /// Carts below this are not reminded of: the minimum by currency, and for currencies not named.
  public var minimumValueMinor: [Currency: Int64] = [:]
  public var defaultMinimumValueMinor: Int64 = 0
  public var purchaseScope = PurchaseScope.any
  /// Whether any activity moves the anchor, and for how long after the last change of contents.
  public var activityExtends = true
  public var activityExtendsAtMostMilliseconds = 24 * Milliseconds.hour
  /// No alert until this long after a purchase.
  public var silenceAfterPurchaseMilliseconds = 24 * Milliseconds.hour
  /// The first alert of an episode comes no sooner after any alert of another.
  public var betweenEpisodesMilliseconds = 48 * Milliseconds.hour
  /// At most `capAlerts` in `capWithinMilliseconds`.
  public var capAlerts = 3
  public var capWithinMilliseconds = 7 * Milliseconds.day
  /// The episode ends this long after the anchor; no step is later.
  public var expiryMilliseconds = 72 * Milliseconds.hour
  /// The contents are forgotten this long after the anchor.
  public var forgottenMilliseconds = 30 * Milliseconds.day
  /// A fired alert waits this long for a purchase.
  public var recoveryMilliseconds = 72 * Milliseconds.hour
  /// No alert inside these local hours; it waits for their end.
  public var quietHours: QuietHours?

  public init() {}
}

/// A daily span in local time.
public struct QuietHours: Sendable, Hashable {
  /// Minutes after local midnight, 0 ..< 1440. `start` > `end`: over midnight. Never equal.
  public var startMinute: Int
  public var endMinute: Int

  public init(startMinute: Int, endMinute: Int) {
    self.startMinute = startMinute
    self.endMinute = endMinute
  }
}

/// `churn.*`
public struct ChurnRules: Sendable, Hashable {
  /// Whether the trigger is on.
  public var enabled = true
  public var recentMilliseconds = 7 * Milliseconds.day
  /// Length of the baseline, which ends where the recent window begins.
  public var baselineMilliseconds = 28 * Milliseconds.day
  /// Active days that a baseline needs.
  public var minimumActiveDays = 4
  /// Weights of the components; at least two are above 0. Scaled to a sum of 1 over those with inputs.
  public var dwellDropWeight = 0.30
  public var visitDropWeight = 0.35
  public var cartUnboughtRiseWeight = 0.10
  public var overdueWeight = 0.25
  /// Scores, 0 to 100.
  public var enterScore = 60
  public var leaveScore = 50
  /// Lowest score of each band; `watch` is at most `enterScore`.
  public var watchScore = 60
  public var warningScore = 75
  public var criticalScore = 90
  public var repeatMilliseconds = 30 * Milliseconds.day
  public var nextBandMilliseconds = 7 * Milliseconds.day
  /// The rhythm of evaluations.
  public var evaluateEveryMilliseconds = Milliseconds.day

  public init() {}
}

/// `alerts.*`
public struct AlertRules: Sendable, Hashable {
  /// An alert dated earlier than the record's clock by more than this is dropped. nil: off.
  public var maxAgeMilliseconds: Int64? = Milliseconds.day
  /// Whether users known only by `anonymous_id` get alerts.
  public var anonymous = false

  public init() {}
}

/// `state.*`, as far as results depend on it.
public struct StateRules: Sendable, Hashable {
  /// A user without activity for this long is forgotten, once cart, limits and windows have run out.
  public var forgetAfterMilliseconds = 180 * Milliseconds.day

  public init() {}
}

/// `shop.*`
public struct ShopRules: Sendable, Hashable {
  /// IANA name, for quiet hours of users without one.
  public var timezone = "UTC"
  /// Offsets of the zones that may be asked for; empty unless quiet hours are set.
  public var zones = ZoneTable()

  public init() {}
}
