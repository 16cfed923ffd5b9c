import Events
import Portrait

/// Cart abandonment for one user: pure state, driven by cart effects, activity, purchases and deadlines.
///
/// ```
///                 cart event fills the cart
///      (no cart) ──────────────────────────► armed, step 1 next
///          ▲                                  │ ▲        │
///          │ bought, cleared, forgotten       │ │ change │ step deadline: fired, limited or stale
///          │ (30 d after the anchor)          │ │ later  ▼
///          ├──────────────────────────────────┤ └── armed, step n+1 next ──┐
///          │                                  │                            │ 3 d after the anchor
///          └──────────────────────────────────┴───────── expired ◄─────────┘
///                                                         │  change later than expiry: armed, step 1 next
/// ```
/// Fired alerts live on in `waiting` until a purchase answers them or they are 72 h old, whatever becomes of the
/// cart meanwhile.
struct CartTrigger: Sendable, Hashable {
  /// What has happened to one cart, for its ending.
  struct Marks: Sendable, Hashable {
    var fired = false
    var recovered = false
    var retracted = false
    var expired = false
    /// Steps limited for the minimum, and steps handled otherwise.
    var belowMinimum = false
    var limitedOtherwise = false

    /// How a cart with these marks ends by a purchase.
    var bought: CartEnding {
      if recovered { return .recovered }
      if retracted { return .retracted }
      return fired || expired ? .boughtLate : .bought
    }

    /// How it ends without one.
    var expiredEnding: CartEnding {
      if fired { return .expiredAlerted }
      return belowMinimum && !limitedOtherwise ? .expiredBelowMinimum : .expiredLimited
    }
  }

  /// A cart that was emptied without a purchase and may yet turn out bought.
  struct Cleared: Sendable, Hashable {
    var time: Int64
    var cart: Int64
    var marks: Marks
  }

  enum Phase: UInt8, Sendable, Hashable {
    case noCart, armed, expired
  }

  var phase = Phase.noCart
  /// Time of the event that armed the episode.
  var episode: Int64 = 0
  /// From 1; above the number of steps when all are handled.
  var nextStep = 1
  var anchor: Int64 = 0
  /// Largest time of a cart event that changed the contents.
  var lastChange: Int64 = 0
  /// Largest deadline of a step handled in this episode.
  var lastHandled: Int64?
  var expiredAt: Int64 = 0
  var deferredUntil: Int64?
  var firedInEpisode = false
  var marks = Marks()
  /// Carts opened, and how many of them were bought.
  var carts: Int64 = 0
  var cartsBought: Int64 = 0
  /// Largest time of an alert of this episode, and of any other.
  var episodeAlert: Int64?
  var otherAlert: Int64?
  /// Times of the last alerts, ascending; as many as the cap needs.
  var alertTimes: [Int64] = []
  var waiting = WaitingAlerts()
  var cleared: Cleared?

  /// Largest time of any alert.
  var lastAlert: Int64? {
    guard let otherAlert else { return episodeAlert }
    return max(otherAlert, episodeAlert ?? otherAlert)
  }

  // MARK: Deadlines

  enum Deadline: Sendable, Hashable {
    case step, expiry, forgotten
  }

  /// The earliest deadline; at one instant a step comes before the expiry.
  func deadline(_ rules: CartRules) -> (time: Int64, kind: Deadline)? {
    switch phase {
    case .noCart: return nil
    case .expired:
      return (max(anchor.addingSaturated(rules.forgottenMilliseconds), expiredAt), .forgotten)
    case .armed:
      var expiry = anchor.addingSaturated(rules.expiryMilliseconds)
      guard rules.enabled, nextStep <= rules.stepsMilliseconds.count else { return (expiry, .expiry) }
      let due = anchor.addingSaturated(rules.stepsMilliseconds[nextStep - 1])
      let time = max(due, deferredUntil ?? due)
      if let deferredUntil, due <= expiry { expiry = max(expiry, deferredUntil) }
      return time <= expiry ? (time, .step) : (expiry, .expiry)
    }
  }

  /// Handles the deadline that `deadline` gave, dated `time`.
  mutating func fire(
    _ kind: Deadline, at time: Int64, _ portrait: inout Portrait, _ who: Identity,
    _ constants: EpochConstants, _ moment: Moment,
    _ output: inout TriggerOutput
  ) -> Decision {
    switch kind {
    case .expiry:
      phase = .expired
      expiredAt = time
      deferredUntil = nil
      marks.expired = true
      return .cartExpired
    case .forgotten:
      output.tally[marks.expiredEnding] += 1
      portrait.forgetCart()
      phase = .noCart
      return .cartForgotten
    case .step:
      return fireStep(at: time, portrait, who, constants, moment, &output)
    }
  }

  private mutating func fireStep(
    at time: Int64, _ portrait: Portrait, _ who: Identity, _ constants: EpochConstants, _ moment: Moment,
    _ output: inout TriggerOutput
  ) -> Decision {
    let step = nextStep
    if let limit = limit(at: time, portrait, who, constants, moment) {
      return handled(step, at: time, limitedBy: limit, &output)
    }
    if let end = quietEnd(at: time, portrait, constants.rules) {
      let next = step < constants.rules.cart.stepsMilliseconds.count
      if next, anchor.addingSaturated(constants.rules.cart.stepsMilliseconds[step]) <= end {
        return handled(step, at: time, limitedBy: .quietHours, &output)
      }
      deferredUntil = end
      return .stepDeferred(step: step, until: end)
    }
    let body = abandoned(step, at: time, portrait, constants)
    let id = who.alert(.cartAbandoned, episode: episode, step: step)
    nextStep += 1
    lastHandled = max(lastHandled ?? time, time)
    deferredUntil = nil
    if moment.isStale(time, constants.rules.alerts) {
      marks.limitedOtherwise = true
      output.tally[stale: step] += 1
      return .stepStale(step: step)
    }
    record(id, step, at: time, body, portrait.cart, constants.rules.cart)
    output.tally[fired: step] += 1
    output.emit(
      Alert(id: id, user: who.key, identified: who.isIdentified, time: time, body: .cartAbandoned(body)))
    return .stepFired(step: step, id: id)
  }

  private mutating func handled(
    _ step: Int, at time: Int64, limitedBy limit: Limit, _ output: inout TriggerOutput
  ) -> Decision {
    nextStep += 1
    lastHandled = max(lastHandled ?? time, time)
    deferredUntil = nil
    if limit == .belowMinimum { marks.belowMinimum = true } else { marks.limitedOtherwise = true }
    output.tally[limited: step, limit] += 1
    return .stepLimited(step: step, limit: limit)
  }

  /// Remembers a fired alert for limits and answers.
  private mutating func record(
    _ id: AlertID, _ step: Int, at time: Int64, _ body: CartAbandoned, _ cart: Cart, _ rules: CartRules
  ) {
    firedInEpisode = true
    marks.fired = true
    episodeAlert = max(episodeAlert ?? time, time)
    var place = alertTimes.count
    while place > 0, alertTimes[place - 1] > time { place -= 1 }
    alertTimes.insert(time, at: place)
    if alertTimes.count > rules.capAlerts { alertTimes.removeFirst() }
    if let last = waiting.last, last.time.addingSaturated(rules.recoveryMilliseconds) < time {
      waiting.removeAll()
    }
    waiting.insert(
      WaitingAlerts.Alert(
        id: id, time: time, episode: episode, step: step, valueMinor: body.valueMinor,
        currency: body.currency, cart: carts), items: cart.lines.lazy.map(\.hash))
  }

  // MARK: Limits

  private func limit(
    at time: Int64, _ portrait: Portrait, _ who: Identity, _ constants: EpochConstants, _ moment: Moment
  ) -> Limit? {
    let rules = constants.rules.cart
    if portrait.traits.optedOut { return .optedOut }
    if !who.isIdentified, !constants.rules.alerts.anonymous { return .anonymous }
    let value = portrait.cart.value
    let minimum =
      value.currency.flatMap { rules.minimumValueMinor[$0] } ?? rules.defaultMinimumValueMinor
    if minimum > 0, value.minor ?? -1 < minimum { return .belowMinimum }
    if let purchase = portrait.cadence.lastPurchase,
      time < purchase.addingSaturated(rules.silenceAfterPurchaseMilliseconds)
    {
      return .afterPurchase
    }
    if !firedInEpisode, let other = otherAlert,
      time < other.addingSaturated(rules.betweenEpisodesMilliseconds)
    {
      return .betweenEpisodes
    }
    var within = 0
    for alert in alertTimes where alert > time - rules.capWithinMilliseconds { within += 1 }
    return within >= rules.capAlerts ? .cap : nil
  }

  /// The end of the quiet hours that `time` lies in, or nil.
  private func quietEnd(at time: Int64, _ portrait: Portrait, _ rules: Rules) -> Int64? {
    guard let quiet = rules.cart.quietHours else { return nil }
    let zones = rules.shop.zones
    guard let zone = portrait.traits.timezone.flatMap({ zones.zone($0) }) ?? zones.zone(rules.shop.timezone)
    else { return quiet.end(at: time, offset: { _ in 0 }) }
    return quiet.end(at: time, offset: { zone.offsetMilliseconds(at: $0) })
  }

  private func abandoned(
    _ step: Int, at time: Int64, _ portrait: Portrait, _ constants: EpochConstants
  ) -> CartAbandoned {
    let cart = portrait.cart
    let value = cart.value
    let lastActivity = portrait.lastActivity ?? anchor
    return CartAbandoned(
      step: step, first: !firedInEpisode, episode: episode, stage: isCheckout ? .checkout : .cart,
      cartID: cart.cartID,
      lines: cart.lines.map {
        CartAbandoned.Line(
          itemID: cart.itemID(of: $0), quantity: $0.quantity, priceMinor: $0.priceMinor, currency: $0.currency
        )
      },
      uncountedLines: cart.uncountedLines, valueMinor: value.minor, currency: value.currency,
      valueComplete: value.isComplete, cartVersion: cart.version, firstAdd: cart.firstAdd,
      lastActivity: lastActivity, idleMilliseconds: max(0, time - lastActivity),
      session: portrait.cartSession.map {
        SessionSummary(
          start: $0.start, lastEvent: $0.last, pages: $0.pages, dwellMilliseconds: $0.dwellMilliseconds)
      },
      priorCarts: carts - 1, priorCartsBought: cartsBought,
      features: portrait.features(at: time, constants), dwellInferred: portrait.dwellInferred)
  }

  var isCheckout = false

  // MARK: Events

  /// Activity of any kind, before the event's own effect on the cart is told.
  mutating func activity(at ts: Int64, _ rules: CartRules) {
    if let until = anchorUntil(rules), ts <= until { anchor = max(anchor, ts) }
  }

  /// A cart event (not one that counts in its pane only).
  mutating func cartEvent(
    _ type: EventType, at ts: Int64, _ effect: Cart.Effect, _ portrait: Portrait, _ rules: Rules,
    _ output: inout TriggerOutput
  ) {
    if portrait.cart.isEmpty {
      if !effect.wasEmpty { emptied(at: ts, portrait, rules, &output) }
      return
    }
    if effect.wasEmpty {
      carts += 1
      output.tally.cartsOpened += 1
      marks = Marks()
      isCheckout = false
      lastChange = ts
      arm(at: ts)
    } else if effect.changed {
      change(at: ts)
    } else {
      anchor = max(anchor, ts)
    }
    if effect.changed { isCheckout = false }
    if type == .checkoutStart, ts >= lastChange { isCheckout = true }
  }

  private mutating func change(at ts: Int64) {
    lastChange = max(lastChange, ts)
    switch (phase, lastHandled) {
    case (.expired, let handled):
      if ts > max(expiredAt, handled ?? expiredAt) { arm(at: ts) }
    case (_, nil): anchor = max(anchor, ts)
    case (_, let handled?):
      // Dated before the last step handled: a straggler, which changes contents only.
      if ts > handled { arm(at: ts) }
    }
  }

  private mutating func arm(at ts: Int64) {
    if let episodeAlert { otherAlert = max(otherAlert ?? episodeAlert, episodeAlert) }
    episodeAlert = nil
    phase = .armed
    episode = ts
    anchor = ts
    nextStep = 1
    lastHandled = nil
    deferredUntil = nil
    firedInEpisode = false
  }

  /// The cart became empty without a purchase.
  private mutating func emptied(
    at ts: Int64, _ portrait: Portrait, _ rules: Rules, _ output: inout TriggerOutput
  ) {
    phase = .noCart
    waiting.clear(cart: carts, at: ts)
    let gap = rules.sessions.gapMilliseconds
    if let purchase = portrait.cadence.lastPurchase, abs(purchase - ts) <= gap {
      output.tally[marks.bought] += 1
      cartsBought += 1
    } else {
      output.tally[.cleared] += 1
      cleared = Cleared(time: ts, cart: carts, marks: marks)
    }
  }

  /// A purchase, after it has acted on the cart.
  mutating func purchase(
    _ event: borrowing EventSlot, _ effect: Cart.Effect, _ portrait: Portrait, _ who: Identity,
    _ constants: EpochConstants, _ moment: Moment, _ output: inout TriggerOutput
  ) {
    answer(event, effect, portrait.cart, who, constants, moment, &output)
    if !effect.wasEmpty, portrait.cart.isEmpty {
      phase = .noCart
      output.tally[marks.bought] += 1
      cartsBought += 1
    }
    if let earlier = cleared {
      cleared = nil
      if abs(event.ts - earlier.time) <= constants.rules.sessions.gapMilliseconds {
        output.tally[.cleared] -= 1
        output.tally[earlier.marks.bought] += 1
        cartsBought += 1
      }
    }
  }

  /// Everything about the user is erased.
  mutating func erased(_ output: inout TriggerOutput) {
    if phase != .noCart { output.tally[.erased] += 1 }
  }
}
