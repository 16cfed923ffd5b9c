import Events

extension OptionTable {
  private static func rule<Value: Sendable>(
    _ path: String, _ field: WritableKeyPath<Configuration, Value> & Sendable, _ kind: Kind<Value>,
    _ reason: String
  ) -> Option {
    Option(path, field, kind, .reload, decidesResults: true, reason)
  }

  private static let second = Milliseconds.second
  private static let minute = Milliseconds.minute
  private static let hour = Milliseconds.hour
  private static let day = Milliseconds.day

  /// What results for a user depend on.
  static let rulesOptions: [Option] =
    timeOptions + cartOptions + churnOptions + alertOptions + stateOptions + shopOptions

  private static let timeOptions: [Option] = [
    rule(
      "time.allowed_lateness", \.rules.time.allowedLatenessMilliseconds, .duration(0...day),
      "How long alerts wait for events that arrive out of order. Longer waits delay every alert."),
    rule(
      "time.max_future_skew", \.rules.time.maxFutureSkewMilliseconds, .duration(0...7 * day),
      "An event dated later than its record by more than this is a dead letter: one absurd clock must not "
        + "fire "
        + "everyone's alerts."),
    rule(
      "time.idle_after", \.rules.time.idleAfterMilliseconds, .duration(second...hour),
      "After this long without events the wall clock moves a partition on, so that the last user of a quiet "
        + "night is still reminded."),
    rule(
      "time.tick_for", \.rules.time.tickForMilliseconds, .durationOrZero(minute...30 * day),
      "It does so for at most this long after the last event: a collector that died looks like a quiet "
        + "night. "
        + "off never, as for replays of history."),
    rule(
      "sessions.gap", \.rules.sessions.gapMilliseconds, .duration(second...day),
      "The longest silence inside one visit. 30m is what web analytics uses."),
    rule(
      "sessions.infer_dwell", \.rules.sessions.inferDwell, .boolean,
      "Takes the time to the user's next event for the time spent on a page; for sources that do not send it."
    ),
    rule(
      "windows", \.rules.windows, .windows,
      "The sliding windows whose sums alerts carry. A length is a multiple of its step: 5m under 12h, 1h "
        + "under "
        + "12d, 24h from 12d."),
  ]

  private static let cartOptions: [Option] = [
    rule("cart.enabled", \.rules.cart.enabled, .boolean, "Whether carts are watched."),
    rule(
      "cart.steps", \.rules.cart.stepsMilliseconds, .list(.duration(second...180 * day), count: 1...16),
      "Ages at which an abandoned cart is told of, ascending: a reminder, a second, a last."),
    rule(
      "cart.min_value_minor", \.rules.cart.minimumValue, .minimumValue,
      "Carts worth less are not told of. In minor units (cents), or by currency: {EUR: 2000, default: 0}."),
    rule(
      "cart.purchase_scope", \.rules.cart.purchaseScope, .choice(),
      "What a purchase takes out of the cart: any takes everything, item only what was bought. any sends no "
        + "message too many where shops do not list the items bought."),
    rule(
      "cart.activity_extends", \.rules.cart.activityExtends, .boolean,
      "Whether any activity, such as a page view, puts the steps off: who is still looking has not left."),
    rule(
      "cart.activity_extends_at_most", \.rules.cart.activityExtendsAtMostMilliseconds,
      .duration(0...30 * day),
      "Activity later than this after the last change of the cart puts nothing off."),
    rule(
      "cart.silence_after_purchase", \.rules.cart.silenceAfterPurchaseMilliseconds, .duration(0...90 * day),
      "No cart alert for this long after a purchase: who has just bought is left alone."),
    rule(
      "cart.between_episodes", \.rules.cart.betweenEpisodesMilliseconds, .duration(0...90 * day),
      "The first alert of one cart comes no sooner than this after any alert of another."),
    rule(
      "cart.cap", \.rules.cart.capAlerts,
      .integer(1...100, unit: "alerts", below: "cart.enabled: off for none"),
      "At most so many cart alerts a user within `cap_within`, whatever else holds."),
    rule(
      "cart.cap_within", \.rules.cart.capWithinMilliseconds, .duration(minute...90 * day),
      "The span that `cap` counts in."),
    rule(
      "cart.expiry", \.rules.cart.expiryMilliseconds, .duration(second...180 * day),
      "The cart is given up after this; no step is later."),
    rule(
      "cart.forgotten_after", \.rules.cart.forgottenMilliseconds, .duration(minute...400 * day),
      "The contents of a cart given up are remembered until then, so that a later change tells of all of "
        + "it."),
    rule(
      "cart.recovery_within", \.rules.cart.recoveryMilliseconds, .duration(0...90 * day),
      "A purchase this long after an alert counts as recovered by it."),
    rule(
      "cart.quiet_hours", \.rules.cart.quietHours, .orOff(.quietHours),
      "No cart alert in these local hours; it waits for their end and is checked anew. The user's zone is "
        + "the "
        + "trait timezone, else shop.timezone."),
  ]

  private static let churnOptions: [Option] = [
    rule("churn.enabled", \.rules.churn.enabled, .boolean, "Whether users are watched for drifting away."),
    rule(
      "churn.recent", \.rules.churn.recentMilliseconds, .duration(day...90 * day),
      "The recent window, compared with the baseline before it. A multiple of its step (as for windows)."),
    rule(
      "churn.baseline", \.rules.churn.baselineMilliseconds, .duration(day...400 * day),
      "Length of the baseline. Recent and baseline together are a multiple of their step."),
    rule(
      "churn.min_active_days", \.rules.churn.minimumActiveDays, .integer(1...400, unit: "days"),
      "Users with fewer active days in the baseline are not judged: there is nothing to drift away from."),
    rule(
      "churn.enter", \.rules.churn.enterScore, .integer(1...100, unit: "points"),
      "The score at which, in two evaluations in a row, a user is at risk."),
    rule(
      "churn.leave", \.rules.churn.leaveScore, .integer(0...100, unit: "points"),
      "Below this a user is no longer at risk. Lower than enter, so that nobody flutters."),
    rule(
      "churn.repeat", \.rules.churn.repeatMilliseconds, .duration(day...400 * day),
      "A user is warned of again no sooner than this after the last warning."),
    rule(
      "churn.next_band_after", \.rules.churn.nextBandMilliseconds, .duration(0...400 * day),
      "Unless the score has reached a higher band, and then no sooner than this."),
    rule(
      "churn.evaluate_every", \.rules.churn.evaluateEveryMilliseconds, .duration(day...7 * day),
      "The rhythm of evaluations, fixed by a user's first event. Two in a row decide, so no shorter than "
        + "a day."
    ),
    rule(
      "churn.weights.dwell_drop", \.rules.churn.dwellDropWeight, .number(0...1000),
      "Less time on pages a day than before."),
    rule(
      "churn.weights.visit_drop", \.rules.churn.visitDropWeight, .number(0...1000),
      "Fewer visits a day than before; the strongest single sign."),
    rule(
      "churn.weights.cart_unbought_rise", \.rules.churn.cartUnboughtRiseWeight, .number(0...1000),
      "More put into carts and not bought than before."),
    rule(
      "churn.weights.overdue", \.rules.churn.overdueWeight, .number(0...1000),
      "Longer since the last purchase than usual; misleading alone, so never alone."),
    rule(
      "churn.bands.watch", \.rules.churn.watchScore, .integer(0...100, unit: "points"),
      "The lowest band; at most enter."),
    rule(
      "churn.bands.warning", \.rules.churn.warningScore, .integer(0...100, unit: "points"),
      "The middle band."),
    rule(
      "churn.bands.critical", \.rules.churn.criticalScore, .integer(0...100, unit: "points"),
      "The highest band."),
  ]

  private static let alertOptions: [Option] = [
    rule(
      "alerts.max_age", \.rules.alerts.maxAgeMilliseconds, .orOff(.duration(minute...400 * day)),
      "An alert older than this when it is found is dropped and counted: reading a month of history must not "
        + "mail a month of customers. off for replays of history."),
    rule(
      "alerts.anonymous", \.rules.alerts.anonymous, .boolean,
      "Whether users known only by anonymous_id get alerts. Off, since who carted before signing in may have "
        + "bought after it."),
    Option(
      "alerts.source", \.alerts.source, .eventSource, .reload, decidesResults: false,
      "The CloudEvents source of every alert; consumers tell several shops apart by it."),
  ]

  private static let shopOptions: [Option] = [
    rule(
      "shop.timezone", \.rules.shop.timezone, .timeZone,
      "Local time for the quiet hours of users without a zone of their own.")
  ]
}
