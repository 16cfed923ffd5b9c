import Events
import Portrait

/// The fields of every alert: the one place where names, order, units and meaning of the wire are written.
///
/// `…_at_ms` is an instant in milliseconds since 1970 UTC, `…_ms` a span in milliseconds, `…_minor` money in minor
/// units of the currency beside it. `fired_at` alone is given as text too.
enum AlertShapes {
  static let idPattern = "^[0-9a-f]{32}$"
  static let currencyPattern = "^[A-Z]{3}$"
  private static let currencyDoc = "ISO 4217 code"
  private static let sinceEpoch = "milliseconds since 1970-01-01T00:00:00Z"

  // MARK: Around every alert

  /// Each made once: a shape is some dozen objects.
  private static let headersByType = Dictionary(
    uniqueKeysWithValues: AlertType.allCases.map { ($0, makeHeaders($0)) })
  private static let envelopeByType = Dictionary(
    uniqueKeysWithValues: AlertType.allCases.map { ($0, makeEnvelope($0)) })

  static func headers(_ type: AlertType) -> [HeaderField<Envelope>] { headersByType[type]! }

  static func envelope(_ type: AlertType) -> Shape<Envelope> { envelopeByType[type]! }

  private static func makeHeaders(_ type: AlertType) -> [HeaderField<Envelope>] {
    [
      .constant("ce_specversion", "Version of CloudEvents.", "1.0"),
      .text("ce_id", "The alert's id, equal to alert_id; with ce_source unique. A repeated alert repeats it.")
      {
        $0.alert.id.text
      },
      .text("ce_source", "Who wrote it: a URI reference from the configuration.") { $0.context.source },
      .constant("ce_type", "The alert's type, equal to type.", type.rawValue),
      .text("ce_time", "Fire time, RFC 3339 in UTC with milliseconds, equal to fired_at.") {
        WireText.instant($0.alert.time)
      },
      .constant(
        "ce_dataschema", "Name and version of the value's schema, equal to its $id.", type.dataSchema),
      .optional(
        "ce_subject",
        "The record's key. Left out where it is empty or holds characters that CloudEvents does not allow."
      ) { isCloudEventsText($0.alert.user) ? $0.alert.user : nil },
      .constant("content-type", "Of the value.", "application/json"),
    ]
  }

  /// CloudEvents 1.0, type String: no control characters, no noncharacters; and an attribute is never empty.
  static func isCloudEventsText(_ text: String) -> Bool {
    !text.isEmpty
      && text.unicodeScalars.allSatisfy { scalar in
        switch scalar.value {
        case 0...0x1F, 0x7F...0x9F, 0xFDD0...0xFDEF: false
        default: scalar.value & 0xFFFE != 0xFFFE
        }
      }
  }

  private static func makeEnvelope(_ type: AlertType) -> Shape<Envelope> {
    Shape([
      .text(
        "alert_id",
        "Hash of type, user, episode and step or band: a repeated alert has the same one. 32 hexadecimal digits.",
        pattern: idPattern
      ) { $0.alert.id.text },
      .constant("type", "What happened.", type.rawValue),
      .optionalText("user_id", "The user; null for one known only by anonymous_id.") {
        $0.alert.identified ? $0.alert.user : nil
      },
      .optionalText("anonymous_id", "Of a user without user_id; else null.") {
        $0.alert.identified ? nil : anonymousID($0.alert.user)
      },
      .flag("identified", "Whether the user has a user_id.") { $0.alert.identified },
      .text(
        "fired_at",
        "Event time at which the alert was due, RFC 3339 in UTC, for people; however late it was found.",
        pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$"
      ) { WireText.instant($0.alert.time) },
      .integer("fired_at_ms", "The same instant for programs, \(sinceEpoch).") { $0.alert.time },
      .text("config_version", "The configuration under which it was decided.") { $0.context.configVersion },
      .text("reason", "One short sentence for people; its wording is no interface.") {
        $0.alert.reasonSentence
      },
    ])
  }

  private static func anonymousID(_ user: String) -> String {
    user.hasPrefix("anon:") ? String(user.dropFirst("anon:".count)) : user
  }

  // MARK: Parts

  static let window = Shape<WindowFeatures>([
    .text("name", "Of the window in the configuration.") { $0.name },
    .integer("length_ms", "Length of the window, milliseconds.", in: 0...Int64.max) {
      $0.lengthMilliseconds
    },
    .integer("events", "Activity events of every type.") { $0.sums.events },
    .integer("views", "Page views.") { $0.sums.views },
    .integer("clicks", "Clicks.") { $0.sums.clicks },
    .integer("searches", "Searches.") { $0.sums.searches },
    .integer("favourites", "Items marked as favourites.") { $0.sums.favourites },
    .integer("cart_adds", "Units put into the cart.") { $0.sums.cartAdds },
    .integer("cart_removals", "Units taken out of the cart and not bought.") { $0.sums.cartRemovals },
    .integer("purchases", "Orders.") { $0.sums.purchases },
    .integer("items_bought", "Units bought.") { $0.sums.itemsBought },
    .integer("sessions", "Sessions that started in the window.") { $0.sums.sessions },
    .integer("bounces", "Of those, sessions of one page view and nothing in the cart.") { $0.sums.bounces },
    .integer("dwell_ms", "Time spent, milliseconds.") { $0.sums.dwellMilliseconds },
    .integer("revenue_minor", "Purchases less refunds, minor units of the user's revenue currency.") {
      $0.sums.revenueMinor
    },
  ])

  static let session = Shape<SessionSummary>([
    .integer("start_at_ms", "First event, \(sinceEpoch).") { $0.start },
    .integer("last_event_at_ms", "Last event, \(sinceEpoch).") { $0.lastEvent },
    .integer("pages", "Page views.") { $0.pages },
    .integer("dwell_ms", "Time spent, milliseconds.") { $0.dwellMilliseconds },
  ])

  static let line = Shape<CartAbandoned.Line>([
    .text("item_id", "The item.") { $0.itemID },
    .integer("quantity", "Units.") { $0.quantity },
    .optionalInteger("price_minor", "Price of one unit as last seen, minor units of currency; null: unknown.")
    {
      $0.priceMinor
    },
    .optionalText("currency", "\(currencyDoc) of the price; null: unknown.", pattern: currencyPattern) {
      $0.currency?.text
    },
  ])

  static let component = Shape<ChurnComponentValue>([
    .choice("name", "Of the component.", of: ChurnComponent.allCases.map(\.rawValue)) {
      $0.component.rawValue
    },
    .number("value", "From 0 to 1; null: nothing to compare, left out of the score.") { $0.value },
    .number("weight", "Configured weight, scaled to a sum of 1 over the components that count.") {
      $0.weight
    },
    .number(
      "recent",
      "What was compared: dwell_drop in milliseconds a day, visit_drop in sessions a day, cart_unbought_rise in "
        + "items a week, overdue in days since the last purchase day."
    ) { $0.recent },
    .number("baseline", "What it was compared with, in the same unit; for overdue the mean gap in days.") {
      $0.baseline
    },
  ])

  // MARK: Fields that several alerts share

  private static func episode<Body>(_ get: @escaping @Sendable (Body) -> Int64) -> Field<Body> {
    .integer("episode_at_ms", "Time of the event that armed the cart's episode, \(sinceEpoch).", get)
  }

  private static func step<Body>(_ get: @escaping @Sendable (Body) -> Int) -> Field<Body> {
    .integer("step", "Number of the configured step, from 1.", in: 1...Int64.max) { Int64(get($0)) }
  }

  private static func about<Body>(
    _ doc: String, _ get: @escaping @Sendable (Body) -> AlertID
  ) -> Field<Body> {
    .text("about_alert_id", doc, pattern: idPattern) { get($0).text }
  }

  private static func band<Body>(_ get: @escaping @Sendable (Body) -> ChurnBand) -> Field<Body> {
    .choice("band", "How near to leaving.", of: ChurnBand.allCases.map(\.name)) { get($0).name }
  }

  private static func features<Body>(_ get: @escaping @Sendable (Body) -> [WindowFeatures]) -> Field<Body> {
    .list("features", "The user's sums over each configured window, as of the fire time.", window, get)
  }

  private static func dwellInferred<Body>(_ get: @escaping @Sendable (Body) -> Bool) -> Field<Body> {
    .flag("dwell_inferred", "Whether dwell was inferred from the gaps between events.", get)
  }

  // MARK: Cart

  static let cartAbandoned = Shape<CartAbandoned>([
    step { $0.step },
    .flag("first", "Whether no earlier step of the episode fired.") { $0.first },
    episode { $0.episode },
    .choice(
      "stage", "How far the shopper came.", of: CartAbandoned.Stage.allCases.map(\.rawValue)
    ) { $0.stage.rawValue },
    .optionalText("cart_id", "The shop's id of the cart as last seen; null: it sent none.") { $0.cartID },
    .list("items", "What is in the cart, in the order in which it first came in; at most 50.", line) {
      $0.lines
    },
    .integer("uncounted_lines", "Additions beyond that bound, not among items.", in: 0...Int64.max) {
      $0.uncountedLines
    },
    .optionalInteger("value_minor", "Value of the cart, minor units of currency; null: no price is known.") {
      $0.valueMinor
    },
    .optionalText("currency", "\(currencyDoc) of value_minor; null: unknown.", pattern: currencyPattern) {
      $0.currency?.text
    },
    .flag("value_complete", "Whether value_minor covers everything in the cart.") { $0.valueComplete },
    .text(
      "cart_version", "Hash of items and quantities, 16 hexadecimal digits.", pattern: "^[0-9a-f]{16}$"
    ) { WireText.hexadecimal($0.cartVersion, digits: 16) },
    .integer("first_add_at_ms", "When the first item came into the empty cart, \(sinceEpoch).") {
      $0.firstAdd
    },
    .integer("last_activity_at_ms", "The user's last activity, \(sinceEpoch).") { $0.lastActivity },
    .integer("idle_ms", "From the last activity to the fire time, milliseconds.", in: 0...Int64.max) {
      $0.idleMilliseconds
    },
    .optionalObject("session", "The visit that left the cart; null: none is known.", session) { $0.session },
    .integer("prior_carts", "The user's carts before this one.") { $0.priorCarts },
    .integer("prior_carts_bought", "Of those, how many were bought.") { $0.priorCartsBought },
    features { $0.features },
    dwellInferred { $0.dwellInferred },
  ])

  static let cartRecovered = Shape<CartRecovered>([
    about("The last alert that fired before the purchase.") { $0.alert },
    .texts(
      "answered_alert_ids", "All alerts that the purchase answers, that one included.",
      each: .object(["type": .text("string"), "pattern": .text(idPattern)])
    ) { $0.answered.map(\.text) },
    episode { $0.episode },
    step { $0.step },
    .integer("lag_ms", "From that alert to the purchase, milliseconds.", in: 0...Int64.max) {
      $0.lagMilliseconds
    },
    .optionalInteger("cart_value_minor", "Value of the cart in that alert, minor units of cart_currency.") {
      $0.cartValueMinor
    },
    .optionalText("cart_currency", "\(currencyDoc) of cart_value_minor.", pattern: currencyPattern) {
      $0.cartCurrency?.text
    },
    .optionalText("order_id", "Of the purchase; null: its event had none.") { $0.orderID },
    .optionalInteger(
      "order_value_minor",
      "Value of the purchase by its own event, minor units of order_currency; null: untold."
    ) { $0.orderValueMinor },
    .optionalText("order_currency", "\(currencyDoc) of order_value_minor.", pattern: currencyPattern) {
      $0.orderCurrency?.text
    },
  ])

  static let cartRetracted = Shape<CartRetracted>([
    about("The alert that is taken back: do not send it, or regret it.") { $0.alert },
    episode { $0.episode },
    step { $0.step },
    .integer("purchase_at_ms", "The purchase, dated before that alert, \(sinceEpoch).") { $0.purchaseTime },
    .optionalText("order_id", "Of the purchase; null: its event had none.") { $0.orderID },
  ])

  // MARK: Churn

  static let churnWarning = Shape<ChurnWarning>([
    .integer("score", "How likely the user is to leave, from 0 to 100.", in: 0...100) { Int64($0.score) },
    band { $0.band },
    .integer("episode_at_ms", "When the user became at risk, \(sinceEpoch).") { $0.episode },
    .list("components", "What the score is made of.", component) { $0.components },
    .texts(
      "reasons", "Names of the components above 0 by their share in the score, largest first.",
      each: .object([
        "type": .text("string"), "enum": .list(ChurnComponent.allCases.map { .text($0.rawValue) }),
      ])
    ) { $0.reasons.map(\.rawValue) },
    .integer("active_days", "Days with activity in the baseline.", in: 0...Int64.max) {
      Int64($0.activeDays)
    },
    .integer("last_visit_at_ms", "\(sinceEpoch).") { $0.lastVisit },
    .optionalInteger("last_purchase_at_ms", "\(sinceEpoch); null: never bought.") { $0.lastPurchase },
    .number("mean_gap_days", "Mean days between purchase days; null: fewer than two.") { $0.meanGapDays },
    .integer("purchases", "Orders so far.") { $0.purchases },
    .integer(
      "lifetime_revenue_minor", "Purchases less refunds so far, minor units of revenue_currency."
    ) { $0.lifetimeRevenueMinor },
    .optionalText("revenue_currency", "\(currencyDoc); null: unknown.", pattern: currencyPattern) {
      $0.revenueCurrency?.text
    },
    features { $0.features },
    dwellInferred { $0.dwellInferred },
  ])

  static let churnRecovered = Shape<ChurnRecovered>([
    about("The last warning.") { $0.alert },
    .integer("episode_at_ms", "When the user became at risk, \(sinceEpoch).") { $0.episode },
    band { $0.band },
    .choice(
      "ended_by", "Why the user is no longer at risk.", of: ChurnRecovered.Reason.allCases.map(\.rawValue)
    ) { $0.reason.rawValue },
    .integer("lag_ms", "From the warning to now, milliseconds.", in: 0...Int64.max) { $0.lagMilliseconds },
    .optionalInteger("score", "The score that ended it; null unless ended_by is score.", in: 0...100) {
      $0.score.map { Int64($0) }
    },
  ])
}
