import Events

/// One simulated user between visits.
///
/// ```
///            drift begins          visits have thinned out
///  regular ───────────────► drifting ──────────────► away ──► back: regular again
///                                          └────────► gone: a new user takes the place
/// ```
struct Shopper: Sendable {
  /// What the next visit is for.
  enum Errand: Sendable {
    case browse
    /// To buy the cart that was left behind.
    case buyCart
    /// The first visit after a long time away.
    case comeBack
  }

  /// One line of the cart.
  struct Line: Sendable {
    var item: Int
    var quantity: Int64
  }

  let number: UInt64
  let market: Market
  /// Never signs in.
  let anonymous: Bool
  let visitsPerDay: Double
  var errand = Errand.browse
  /// Whether the shop has told us of the user's traits.
  var introduced = false
  var optedOut = false
  /// When interest begins to fall, and over what span it falls to nothing. nil: never.
  var driftsAt: Int64?
  var driftMilliseconds: Int64 = 1
  var comesBack = false
  /// Empty: no cart is open.
  var cart: [Line] = []
  var cartID: String?
  /// An item bought lately, for a review.
  var bought: Int?

  init(number: UInt64, joining time: Int64, options: ShopOptions, random: inout ShopRandom) {
    self.number = number
    market = Market.all[random.index(Market.all.count)]
    anonymous = random.chance(options.anonymousShare)
    // 1 / (2 √u) for a uniform u has mean 1 and a long tail: the continuous form of Zipf's law.
    let weight = 0.5 / max(random.unit(), 1e-6).squareRoot()
    visitsPerDay = min(options.mostVisitsPerDay, options.visitsPerUserDay * weight)
    optedOut = random.chance(0.01)
    let share = visitsPerDay >= 0.4 ? options.driftShare : options.driftShare / 3
    if random.chance(share) { planDrift(from: time, options, &random) }
  }

  var userID: String? { anonymous ? nil : "u\(number)" }
  var anonymousID: String { "a" + String(ShopRandom.mix(number ^ 0xa11), radix: 16) }

  /// 1 for a regular, falling to 0 while the user drifts away.
  func interest(at time: Int64) -> Double {
    guard let driftsAt, time > driftsAt else { return 1 }
    return max(0, 1 - Double(time - driftsAt) / Double(driftMilliseconds))
  }

  mutating func planDrift(from time: Int64, _ options: ShopOptions, _ random: inout ShopRandom) {
    driftsAt = time + random.days(options.driftAfterDays)
    driftMilliseconds = random.days(options.driftDays)
    comesBack = random.chance(options.returnShare)
  }

  /// The time of the next visit, after a visit that ended at `end`; nil: never again.
  mutating func planNextVisit(
    after end: Int64, leftCart: Bool, _ options: ShopOptions, _ random: inout ShopRandom
  ) -> Int64? {
    errand = .browse
    let interest = interest(at: end)
    if leftCart, interest == 1, random.chance(options.boughtLaterShare) {
      errand = .buyCart
      return end + Self.returnDelay(&random)
    }
    guard interest > 0.2 else {
      guard comesBack else { return nil }
      errand = .comeBack
      return waking(end + random.days(options.awayDays), &random)
    }
    let days = random.erlang(options.visitRegularity) / (visitsPerDay * interest)
    // An hour at least, so that two visits are two sessions; half a year at most, so that all come around.
    let interval = min(180 * Milliseconds.day, max(Milliseconds.hour, Int64(days * Double(Milliseconds.day))))
    return waking(end + interval, &random)
  }

  /// How long a user takes to return for a cart: a sixth within the hour (too early for a reminder), most the
  /// same day, some a day or two later.
  private static func returnDelay(_ random: inout ShopRandom) -> Int64 {
    switch random.index(6) {
    case 0: random.between(8 * Milliseconds.minute, 50 * Milliseconds.minute)
    case 1...3: random.between(65 * Milliseconds.minute, 12 * Milliseconds.hour)
    default: random.between(24 * Milliseconds.hour, 60 * Milliseconds.hour)
    }
  }

  /// `time`, or somewhat later if people sleep then where the user lives.
  func waking(_ time: Int64, _ random: inout ShopRandom) -> Int64 {
    var time = time
    for _ in 0..<24 {
      let local = time + market.offsetHours * Milliseconds.hour
      let hour = Int((local - Milliseconds.floor(local, to: Milliseconds.day)) / Milliseconds.hour)
      if random.chance(Self.wakefulness[hour]) { break }
      time += random.between(20 * Milliseconds.minute, 100 * Milliseconds.minute)
    }
    return time
  }

  /// By local hour: how likely a user who could visit then does.
  private static let wakefulness: [Double] = [
    0.15, 0.05, 0.02, 0.02, 0.02, 0.05, 0.2, 0.45, 0.6, 0.65, 0.7, 0.75,
    0.85, 0.75, 0.65, 0.65, 0.7, 0.75, 0.85, 0.95, 1.0, 1.0, 0.75, 0.4,
  ]
}
