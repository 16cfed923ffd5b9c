import Events
import Portrait

/// What an alert says happened. The raw value is the CloudEvents type.
public enum AlertType: String, Sendable, Hashable, CaseIterable {
  case cartAbandoned = "ebb.cart.abandoned"
  case cartRecovered = "ebb.cart.recovered"
  case cartRetracted = "ebb.cart.retracted"
  case churnWarning = "ebb.churn.warning"
  case churnRecovered = "ebb.churn.recovered"

  /// Whether it belongs on the cart topic (else on the churn topic).
  public var isCart: Bool {
    switch self {
    case .cartAbandoned, .cartRecovered, .cartRetracted: true
    case .churnWarning, .churnRecovered: false
    }
  }
}

/// A deterministic 128-bit identifier: equal for the same user, episode and step however often, wherever and
/// whenever it is computed.
public struct AlertID: Sendable, Hashable {
  public var high: UInt64
  public var low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// - Parameters:
  ///   - episode: the time of the event that armed the cart's episode; for churn the time of entry.
  ///   - step: the number of the step, from 1; for churn the band's lowest score rank (watch 1, warning 2,
  ///     critical 3).
  public init(type: AlertType, user: String, episode: Int64, step: Int) {
    var user = user
    self = user.withUTF8 {
      unsafe AlertID(type: type, key: UnsafeRawBufferPointer($0), episode: episode, step: step)
    }
  }

  /// As above, by the user's key in UTF-8.
  init(type: AlertType, key: UnsafeRawBufferPointer, episode: Int64, step: Int) {
    func half(_ seed: UInt64) -> UInt64 {
      var hash = StableHash(seed: seed)
      hash.combine(type.rawValue.utf8)
      unsafe hash.combine(key)
      hash.combine(episode)
      hash.combine(Int64(step))
      return hash.value
    }
    self.init(high: half(0x6562_6221), low: half(0x616c_6572_7421))
  }

  /// 32 lower-case hexadecimal digits.
  public var text: String {
    let digits = Array("0123456789abcdef".utf8)
    var bytes: [UInt8] = []
    for half in [high, low] {
      for shift in stride(from: UInt64(60), through: 0, by: -4) {
        bytes.append(digits[Int(half >> shift & 0xF)])
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// What a trigger emits: one record on an output topic.
public struct Alert: Sendable, Hashable {
  public enum Body: Sendable, Hashable {
    case cartAbandoned(CartAbandoned)
    case cartRecovered(CartRecovered)
    case cartRetracted(CartRetracted)
    case churnWarning(ChurnWarning)
    case churnRecovered(ChurnRecovered)
  }

  public var id: AlertID
  /// The user key: `user_id`, else `anon:` + `anonymous_id`.
  public var user: String
  /// false for a user known only by `anonymous_id`.
  public var identified: Bool
  /// Fire time, milliseconds since 1970 UTC: the deadline's own time, however late it was found.
  public var time: Int64
  public var body: Body

  public init(id: AlertID, user: String, identified: Bool, time: Int64, body: Body) {
    self.id = id
    self.user = user
    self.identified = identified
    self.time = time
    self.body = body
  }

  public var type: AlertType {
    switch body {
    case .cartAbandoned: .cartAbandoned
    case .cartRecovered: .cartRecovered
    case .cartRetracted: .cartRetracted
    case .churnWarning: .churnWarning
    case .churnRecovered: .churnRecovered
    }
  }
}

/// Sums over one configured window as of the alert's fire time.
public struct WindowFeatures: Sendable, Hashable {
  public var name: String
  public var lengthMilliseconds: Int64
  public var sums: PaneSums

  public init(name: String, lengthMilliseconds: Int64, sums: PaneSums) {
    self.name = name
    self.lengthMilliseconds = lengthMilliseconds
    self.sums = sums
  }
}

/// A visit, as alerts tell it.
public struct SessionSummary: Sendable, Hashable {
  /// Milliseconds since 1970 UTC.
  public var start: Int64
  public var lastEvent: Int64
  /// Page views.
  public var pages: Int64
  public var dwellMilliseconds: Int64

  public init(start: Int64, lastEvent: Int64, pages: Int64, dwellMilliseconds: Int64) {
    self.start = start
    self.lastEvent = lastEvent
    self.pages = pages
    self.dwellMilliseconds = dwellMilliseconds
  }
}

/// A cart was left behind.
public struct CartAbandoned: Sendable, Hashable {
  public enum Stage: String, Sendable, Hashable, CaseIterable {
    case cart, checkout
  }

  /// One line of the cart.
  public struct Line: Sendable, Hashable {
    public var itemID: String
    public var quantity: Int64
    /// Unit price in minor units, and its currency, as last seen.
    public var priceMinor: Int64?
    public var currency: Currency?

    public init(itemID: String, quantity: Int64, priceMinor: Int64?, currency: Currency?) {
      self.itemID = itemID
      self.quantity = quantity
      self.priceMinor = priceMinor
      self.currency = currency
    }
  }

  /// From 1.
  public var step: Int
  /// Whether no earlier step of the episode fired.
  public var first: Bool
  /// Time of the event that armed the episode.
  public var episode: Int64
  public var stage: Stage
  public var cartID: String?
  /// In the order in which the items first came into the cart.
  public var lines: [Line]
  /// Adds beyond the cart's bound that are not among `lines`.
  public var uncountedLines: Int64
  /// nil: no line in `currency` has a price.
  public var valueMinor: Int64?
  /// Of the line last touched.
  public var currency: Currency?
  /// Whether every line is in `currency` and has a price, and none is uncounted.
  public var valueComplete: Bool
  /// Hash of items and quantities.
  public var cartVersion: UInt64
  /// When the first of the present contents came into an empty cart.
  public var firstAdd: Int64
  /// The user's last activity.
  public var lastActivity: Int64
  /// `time` − `lastActivity`; never negative.
  public var idleMilliseconds: Int64
  public var session: SessionSummary?
  /// Cart sessions before this cart, and how many of them were bought.
  public var priorCarts: Int64
  public var priorCartsBought: Int64
  /// One per configured window, in the configuration's order.
  public var features: [WindowFeatures]
  /// Whether any dwell in the features was inferred from gaps.
  public var dwellInferred: Bool

  public init(
    step: Int, first: Bool, episode: Int64, stage: Stage, cartID: String?, lines: [Line],
    uncountedLines: Int64, valueMinor: Int64?, currency: Currency?, valueComplete: Bool,
    cartVersion: UInt64, firstAdd: Int64, lastActivity: Int64, idleMilliseconds: Int64,
    session: SessionSummary?, priorCarts: Int64, priorCartsBought: Int64, features: [WindowFeatures],
    dwellInferred: Bool
  ) {
    self.step = step
    self.first = first
    self.episode = episode
    self.stage = stage
    self.cartID = cartID
    self.lines = lines
    self.uncountedLines = uncountedLines
    self.valueMinor = valueMinor
    self.currency = currency
    self.valueComplete = valueComplete
    self.cartVersion = cartVersion
    self.firstAdd = firstAdd
    self.lastActivity = lastActivity
    self.idleMilliseconds = idleMilliseconds
    self.session = session
    self.priorCarts = priorCarts
    self.priorCartsBought = priorCartsBought
    self.features = features
    self.dwellInferred = dwellInferred
  }
}

/// A purchase followed an alert.
public struct CartRecovered: Sendable, Hashable {
  /// The last fired alert before the purchase, and all alerts (that one included) that this purchase answers.
  public var alert: AlertID
  public var answered: [AlertID]
  public var episode: Int64
  public var step: Int
  /// Time of the purchase − time of `alert`.
  public var lagMilliseconds: Int64
  /// The alert's cart value.
  public var cartValueMinor: Int64?
  public var cartCurrency: Currency?
  public var orderID: String?
  /// What the purchase's own event says of its value.
  public var orderValueMinor: Int64?
  public var orderCurrency: Currency?

  public init(
    alert: AlertID, answered: [AlertID], episode: Int64, step: Int, lagMilliseconds: Int64,
    cartValueMinor: Int64?, cartCurrency: Currency?, orderID: String?, orderValueMinor: Int64?,
    orderCurrency: Currency?
  ) {
    self.alert = alert
    self.answered = answered
    self.episode = episode
    self.step = step
    self.lagMilliseconds = lagMilliseconds
    self.cartValueMinor = cartValueMinor
    self.cartCurrency = cartCurrency
    self.orderID = orderID
    self.orderValueMinor = orderValueMinor
    self.orderCurrency = orderCurrency
  }
}

/// An alert should not have been sent: a purchase dated before it arrived after it.
public struct CartRetracted: Sendable, Hashable {
  /// The alert that is taken back.
  public var alert: AlertID
  public var episode: Int64
  public var step: Int
  public var purchaseTime: Int64
  public var orderID: String?

  public init(alert: AlertID, episode: Int64, step: Int, purchaseTime: Int64, orderID: String?) {
    self.alert = alert
    self.episode = episode
    self.step = step
    self.purchaseTime = purchaseTime
    self.orderID = orderID
  }
}

/// How near to leaving.
public enum ChurnBand: Int, Sendable, Hashable, CaseIterable, Comparable {
  case watch = 1
  case warning = 2
  case critical = 3

  public var name: String {
    switch self {
    case .watch: "watch"
    case .warning: "warning"
    case .critical: "critical"
    }
  }

  public static func < (left: ChurnBand, right: ChurnBand) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// The components of the churn score, in the order in which they are told.
public enum ChurnComponent: String, Sendable, Hashable, CaseIterable {
  case dwellDrop = "dwell_drop"
  case visitDrop = "visit_drop"
  case cartUnboughtRise = "cart_unbought_rise"
  case overdue
}

/// One component as it entered a score.
public struct ChurnComponentValue: Sendable, Hashable {
  public var component: ChurnComponent
  /// In [0, 1]; nil: without inputs, left out.
  public var value: Double?
  /// The configured weight, scaled to a sum of 1 over the components with inputs; 0 if left out.
  public var weight: Double
  /// What was compared: per-day means of the recent window and of the baseline (`dwell_drop` in ms per day,
  /// `visit_drop` in sessions per day), weekly means (`cart_unbought_rise`, in items), or days since the last
  /// purchase day and mean gap in days (`overdue`). 0 where there was nothing to compare.
  public var recent: Double
  public var baseline: Double

  public init(component: ChurnComponent, value: Double?, weight: Double, recent: Double, baseline: Double) {
    self.component = component
    self.value = value
    self.weight = weight
    self.recent = recent
    self.baseline = baseline
  }
}

/// A user starts to drift away.
public struct ChurnWarning: Sendable, Hashable {
  /// 0 to 100.
  public var score: Int
  public var band: ChurnBand
  /// Time of entry.
  public var episode: Int64
  /// One per component, in the order of `ChurnComponent`.
  public var components: [ChurnComponentValue]
  /// Components above 0 by weight × value, largest first; equal ones in the order of `ChurnComponent`.
  public var reasons: [ChurnComponent]
  /// Active days in the baseline.
  public var activeDays: Int
  public var lastVisit: Int64
  public var lastPurchase: Int64?
  /// Of purchase days, in days; nil: fewer than two.
  public var meanGapDays: Double?
  public var purchases: Int64
  public var lifetimeRevenueMinor: Int64
  public var revenueCurrency: Currency?
  public var features: [WindowFeatures]
  public var dwellInferred: Bool

  public init(
    score: Int, band: ChurnBand, episode: Int64, components: [ChurnComponentValue],
    reasons: [ChurnComponent], activeDays: Int, lastVisit: Int64, lastPurchase: Int64?,
    meanGapDays: Double?, purchases: Int64, lifetimeRevenueMinor: Int64, revenueCurrency: Currency?,
    features: [WindowFeatures], dwellInferred: Bool
  ) {
    self.score = score
    self.band = band
    self.episode = episode
    self.components = components
    self.reasons = reasons
    self.activeDays = activeDays
    self.lastVisit = lastVisit
    self.lastPurchase = lastPurchase
    self.meanGapDays = meanGapDays
    self.purchases = purchases
    self.lifetimeRevenueMinor = lifetimeRevenueMinor
    self.revenueCurrency = revenueCurrency
    self.features = features
    self.dwellInferred = dwellInferred
  }
}

/// A warned user is no longer at risk.
public struct ChurnRecovered: Sendable, Hashable {
  public enum Reason: String, Sendable, Hashable, CaseIterable {
    case score, purchase, returned
  }

  /// The last warning.
  public var alert: AlertID
  public var episode: Int64
  public var band: ChurnBand
  public var reason: Reason
  /// `time` − time of `alert`; never negative.
  public var lagMilliseconds: Int64
  /// The score that ended it; nil unless `reason` is `score`.
  public var score: Int?

  public init(
    alert: AlertID, episode: Int64, band: ChurnBand, reason: Reason, lagMilliseconds: Int64, score: Int?
  ) {
    self.alert = alert
    self.episode = episode
    self.band = band
    self.reason = reason
    self.lagMilliseconds = lagMilliseconds
    self.score = score
  }
}
