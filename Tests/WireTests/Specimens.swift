import Events
import Portrait
import Testing
import Triggers

/// Alerts of every type: with everything absent that may be, with everything there, and with the worst text and
/// the largest numbers that can come.
struct Specimen: Sendable, CustomTestStringConvertible {
  var name: String
  var alert: Alert

  var testDescription: String { name }

  static let hostile =
    "\"\\/\n\r\t\u{0}\u{1b}[31m\u{7f}\u{85}\u{2028}\u{2029}\u{202e}<script>alert('1')</script>"
    + scalar(0xFFFE) + scalar(0xFDD0) + "é漢字👩‍👩‍👧🏳️‍🌈 e\u{301} null {}"

  /// One character, also of those that no literal may hold.
  static func scalar(_ number: UInt32) -> String { Unicode.Scalar(number).map { String($0) } ?? "" }

  static let all: [Specimen] = AlertType.allCases.flatMap { type in
    [
      Specimen(name: "\(type.shortName), all absent", alert: alert(type, bare(type), user: "u1")),
      Specimen(name: "\(type.shortName), all there", alert: alert(type, rich(type), user: "u123")),
      Specimen(name: "\(type.shortName), anonymous", alert: anonymous(type)),
      Specimen(
        name: "\(type.shortName), hostile", alert: alert(type, extreme(type, least: false), user: hostile)),
      Specimen(
        name: "\(type.shortName), least",
        alert: alert(type, extreme(type, least: true), user: "", at: Int64.min)),
    ]
  }

  static func full(_ type: AlertType, user: String = "u123") -> Alert { alert(type, rich(type), user: user) }

  /// 2019-10-01T10:42:07.123Z
  static let time: Int64 = 1_569_926_527_123
  static let other = AlertID(high: 0xFEDC_BA98_7654_3210, low: 1)
  static let eur = Currency("EUR")

  private static func alert(_ type: AlertType, _ body: Alert.Body, user: String, at time: Int64 = time)
    -> Alert
  {
    Alert(
      id: AlertID(high: 0x0123_4567_89AB_CDEF, low: 0x00FF), user: user, identified: true, time: time,
      body: body)
  }

  private static func anonymous(_ type: AlertType) -> Alert {
    var alert = full(type, user: "anon:visitor 7")
    alert.identified = false
    return alert
  }

  static func bare(_ type: AlertType) -> Alert.Body {
    switch type {
    case .cartAbandoned:
      .cartAbandoned(
        CartAbandoned(
          step: 1, first: true, episode: time, stage: .cart, cartID: nil,
          lines: [.init(itemID: "i", quantity: 1, priceMinor: nil, currency: nil)], uncountedLines: 0,
          valueMinor: nil, currency: nil, valueComplete: false, cartVersion: 0, firstAdd: time,
          lastActivity: time, idleMilliseconds: 0, session: nil, priorCarts: 0, priorCartsBought: 0,
          features: [], dwellInferred: false))
    case .cartRecovered:
      .cartRecovered(
        CartRecovered(
          alert: other, answered: [], episode: time, step: 1, lagMilliseconds: 0, cartValueMinor: nil,
          cartCurrency: nil, orderID: nil, orderValueMinor: nil, orderCurrency: nil))
    case .cartRetracted:
      .cartRetracted(CartRetracted(alert: other, episode: time, step: 1, purchaseTime: time, orderID: nil))
    case .churnWarning:
      .churnWarning(
        ChurnWarning(
          score: 60, band: .watch, episode: time,
          components: ChurnComponent.allCases.map {
            ChurnComponentValue(component: $0, value: nil, weight: 0, recent: 0, baseline: 0)
          }, reasons: [], activeDays: 4, lastVisit: time, lastPurchase: nil, meanGapDays: nil, purchases: 0,
          lifetimeRevenueMinor: 0, revenueCurrency: nil, features: [], dwellInferred: false))
    case .churnRecovered:
      .churnRecovered(
        ChurnRecovered(
          alert: other, episode: time, band: .watch, reason: .returned, lagMilliseconds: 0, score: nil))
    }
  }

  static func rich(_ type: AlertType) -> Alert.Body {
    switch type {
    case .cartAbandoned:
      .cartAbandoned(
        CartAbandoned(
          step: 2, first: false, episode: time - 86_400_000, stage: .checkout, cartID: "c-9",
          lines: [
            .init(itemID: "sku-1", quantity: 2, priceMinor: 1995, currency: eur),
            .init(itemID: "sku-2", quantity: 1, priceMinor: 2000, currency: eur),
          ], uncountedLines: 0, valueMinor: 5990, currency: eur, valueComplete: true, cartVersion: 0xAB,
          firstAdd: time - 7_200_000, lastActivity: time - 3_720_000, idleMilliseconds: 3_720_000,
          session: SessionSummary(
            start: time - 7_300_000, lastEvent: time - 3_720_000, pages: 12, dwellMilliseconds: 340_000),
          priorCarts: 3, priorCartsBought: 2, features: [window("hour"), window("day")], dwellInferred: true))
    case .cartRecovered:
      .cartRecovered(
        CartRecovered(
          alert: other, answered: [AlertID(high: 1, low: 2), other], episode: time, step: 2,
          lagMilliseconds: 7_800_000, cartValueMinor: 5990, cartCurrency: eur, orderID: "o-1",
          orderValueMinor: 6480, orderCurrency: eur))
    case .cartRetracted:
      .cartRetracted(
        CartRetracted(alert: other, episode: time, step: 1, purchaseTime: time - 600_000, orderID: "o-1"))
    case .churnWarning:
      .churnWarning(
        ChurnWarning(
          score: 78, band: .warning, episode: time - 86_400_000,
          components: [
            .init(component: .dwellDrop, value: 0.5, weight: 0.3, recent: 60_000, baseline: 120_000),
            .init(component: .visitDrop, value: 1.0 / 3, weight: 0.35, recent: 0.2, baseline: 0.3),
            .init(component: .cartUnboughtRise, value: 0, weight: 0.1, recent: 0.5, baseline: 2),
            .init(component: .overdue, value: 1, weight: 0.25, recent: 40, baseline: 12.25),
          ], reasons: [.overdue, .dwellDrop, .visitDrop], activeDays: 9, lastVisit: time - 172_800_000,
          lastPurchase: time - 3_456_000_000, meanGapDays: 12.25, purchases: 5, lifetimeRevenueMinor: 43_210,
          revenueCurrency: eur, features: [window("recent")], dwellInferred: true))
    case .churnRecovered:
      .churnRecovered(
        ChurnRecovered(
          alert: other, episode: time, band: .critical, reason: .score, lagMilliseconds: 259_200_000,
          score: 42))
    }
  }

  /// The largest or the smallest numbers and the worst text.
  static func extreme(_ type: AlertType, least: Bool) -> Alert.Body {
    let end = least ? Int64.min : Int64.max
    // Fields that the triggers keep from being negative.
    let span = least ? 0 : Int64.max
    let step = least ? 1 : Int.max
    let text = least ? "" : hostile
    let double = least ? -Double.greatestFiniteMagnitude : Double.infinity
    var sums = PaneSums()
    sums.events = end
    sums.revenueMinor = end
    let windows = [WindowFeatures(name: text, lengthMilliseconds: span, sums: sums)]
    let currency = Currency(least ? "JPY" : "KWD")
    switch type {
    case .cartAbandoned:
      return .cartAbandoned(
        CartAbandoned(
          step: step, first: least, episode: end, stage: .cart, cartID: text,
          lines: [CartAbandoned.Line](
            repeating: .init(itemID: text, quantity: end, priceMinor: end, currency: currency), count: 50),
          uncountedLines: span, valueMinor: end, currency: currency, valueComplete: false,
          cartVersion: least ? 0 : UInt64.max, firstAdd: end, lastActivity: end, idleMilliseconds: span,
          session: SessionSummary(start: end, lastEvent: end, pages: end, dwellMilliseconds: end),
          priorCarts: end, priorCartsBought: end, features: windows, dwellInferred: true))
    case .cartRecovered:
      return .cartRecovered(
        CartRecovered(
          alert: other, answered: [other], episode: end, step: step, lagMilliseconds: span,
          cartValueMinor: end,
          cartCurrency: currency, orderID: text, orderValueMinor: end, orderCurrency: currency))
    case .cartRetracted:
      return .cartRetracted(
        CartRetracted(alert: other, episode: end, step: step, purchaseTime: end, orderID: text))
    case .churnWarning:
      return .churnWarning(
        ChurnWarning(
          score: least ? 0 : 100, band: .critical, episode: end,
          components: ChurnComponent.allCases.map {
            .init(component: $0, value: least ? 0 : 1, weight: 1, recent: double, baseline: -double)
          }, reasons: ChurnComponent.allCases, activeDays: least ? 0 : Int.max, lastVisit: end,
          lastPurchase: end, meanGapDays: .nan, purchases: end, lifetimeRevenueMinor: end,
          revenueCurrency: currency, features: windows, dwellInferred: true))
    case .churnRecovered:
      return .churnRecovered(
        ChurnRecovered(
          alert: other, episode: end, band: .critical, reason: .score, lagMilliseconds: span,
          score: least ? 0 : 100))
    }
  }

  static func window(_ name: String) -> WindowFeatures {
    var sums = PaneSums()
    sums.events = 14
    sums.views = 9
    sums.cartAdds = 3
    sums.sessions = 2
    sums.dwellMilliseconds = 340_000
    sums.revenueMinor = 1250
    return WindowFeatures(name: name, lengthMilliseconds: 3_600_000, sums: sums)
  }
}
