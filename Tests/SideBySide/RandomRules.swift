import Events
import Portrait
import Triggers

/// Draws from a seeded generator.
public struct Dice<Generator: RandomNumberGenerator> {
  var generator: Generator

  public init(_ generator: Generator) {
    self.generator = generator
  }

  mutating func chance(_ percent: Int) -> Bool {
    Int.random(in: 0..<100, using: &generator) < percent
  }

  mutating func pick<T>(_ values: [T]) -> T {
    values[Int.random(in: 0..<values.count, using: &generator)]
  }

  mutating func number(_ range: ClosedRange<Int64>) -> Int64 {
    Int64.random(in: range, using: &generator)
  }
}

let minute = Milliseconds.minute
let hour = Milliseconds.hour
let day = Milliseconds.day

extension Dice {
  /// Zones that shoppers live in.
  public static var zoneNames: [String] { ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"] }

  /// Rules as somebody might set them, and shorter, so that everything happens within days.
  mutating func rules(zones table: ZoneTable) -> Rules {
    var rules = Rules()
    rules.time.allowedLatenessMilliseconds = pick([0, minute, minute, hour])
    rules.time.tickForMilliseconds = pick([6 * hour, 0, 60 * day])
    rules.sessions.gapMilliseconds = pick([10 * minute, 30 * minute, hour])
    rules.sessions.inferDwell = chance(40)
    if chance(60) { rules.windows = windows() }
    cart(&rules.cart)
    churn(&rules.churn)
    rules.alerts.maxAgeMilliseconds = pick([day, nil, nil, 2 * hour])
    rules.alerts.anonymous = chance(50)
    rules.state.forgetAfterMilliseconds = pick([180 * day, 180 * day, 3 * day, 10 * day])
    rules.shop.zones = table
    rules.shop.timezone = pick(Self.zoneNames)
    return rules
  }

  private mutating func windows() -> [WindowSpec] {
    let lengths: [Int64] = pick([
      [hour], [10 * minute, 6 * hour], [12 * hour, 12 * day], [day], [2 * day, 3 * hour],
      [14 * day, 36 * hour],
    ])
    return lengths.enumerated().map { WindowSpec(name: "w\($0.offset)", lengthMilliseconds: $0.element) }
  }

  private mutating func cart(_ cart: inout CartRules) {
    cart.stepsMilliseconds = pick([
      [hour, 24 * hour, 72 * hour], [30 * minute, 6 * hour], [10 * minute, hour, 3 * hour, 10 * hour],
      [20 * minute, 2 * hour, 5 * hour, 6 * hour], [2 * hour],
    ])
    cart.expiryMilliseconds = cart.stepsMilliseconds.last! + pick([0, 0, hour, day])
    cart.forgottenMilliseconds = cart.expiryMilliseconds + pick([2 * day, 5 * day, 27 * day])
    cart.defaultMinimumValueMinor = pick([0, 0, 0, 800])
    if chance(30), let euro = Currency("EUR"), let yen = Currency("JPY") {
      cart.minimumValueMinor = [euro: pick([0, 1500]), yen: 300]
    }
    cart.purchaseScope = pick([.any, .item])
    cart.activityExtends = chance(60)
    cart.activityExtendsAtMostMilliseconds = pick([24 * hour, 2 * hour])
    cart.silenceAfterPurchaseMilliseconds = pick([24 * hour, 3 * hour, 0])
    cart.betweenEpisodesMilliseconds = pick([48 * hour, 6 * hour, hour])
    cart.capAlerts = pick([3, 2, 1, 5])
    cart.capWithinMilliseconds = pick([7 * day, 2 * day, 12 * hour])
    cart.recoveryMilliseconds = pick([72 * hour, 24 * hour, 5 * hour])
    if chance(45) {
      cart.quietHours = pick([
        QuietHours(startMinute: 22 * 60, endMinute: 8 * 60),
        QuietHours(startMinute: 20 * 60 + 30, endMinute: 9 * 60 + 30),
        QuietHours(startMinute: 12 * 60, endMinute: 18 * 60), QuietHours(startMinute: 0, endMinute: 7 * 60),
      ])
    }
  }

  private mutating func churn(_ churn: inout ChurnRules) {
    churn.enabled = chance(90)
    churn.recentMilliseconds = pick([7 * day, 2 * day, day, 12 * hour])
    churn.baselineMilliseconds = pick([28 * day, 4 * day, 7 * day, 11 * day])
    churn.minimumActiveDays = pick([4, 2, 1, 2])
    if chance(50) {
      churn.dwellDropWeight = pick([0.3, 0, 1])
      churn.visitDropWeight = pick([0.35, 0.5, 1])
      churn.cartUnboughtRiseWeight = pick([0.1, 0, 0.4])
      churn.overdueWeight = pick([0.25, 0, 0.6])
      if chance(10) {
        (churn.dwellDropWeight, churn.visitDropWeight, churn.overdueWeight) = (0, 0, 0)
        churn.cartUnboughtRiseWeight = 0
      }
    }
    churn.enterScore = pick([60, 40, 25])
    churn.leaveScore = churn.enterScore - pick([0, 10, 20])
    churn.watchScore = churn.enterScore
    churn.warningScore = churn.enterScore + pick([5, 15])
    churn.criticalScore = churn.warningScore + pick([5, 15])
    churn.repeatMilliseconds = pick([30 * day, 5 * day, 2 * day])
    churn.nextBandMilliseconds = pick([7 * day, day])
  }
}
