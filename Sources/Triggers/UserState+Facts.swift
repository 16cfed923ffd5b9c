import Events
import Portrait

/// What is known of a user, for a person who looks at him.
public struct UserFact: Sendable, Hashable {
  public enum Value: Sendable, Hashable {
    case text(String)
    case number(Int64)
    case decimal(Double)
    /// Milliseconds since 1970 UTC.
    case time(Int64)
    case flag(Bool)
    case facts([UserFact])
    case list([Value])
  }

  /// As in JSON: words with an underscore between.
  public var name: String
  public var value: Value

  public init(_ name: String, _ value: Value) {
    self.name = name
    self.value = value
  }
}

extension UserState {
  /// Everything that decides what becomes of this user, and nothing that is only memory of how it was computed.
  ///
  /// - Parameter constants: of the epoch in which he was last touched; nil: not known, then no deadline is told.
  public func facts(of key: String, _ constants: EpochConstants?) -> [UserFact] {
    var facts = [
      UserFact("user", .text(key)), UserFact("identified", .flag(isIdentified)),
      UserFact("portrait", .facts(portrait.facts)), UserFact("cart", .facts(portrait.cart.facts)),
      UserFact("cart_trigger", .facts(cart.facts)), UserFact("churn_trigger", .facts(churn.facts)),
    ]
    if let constants, let deadline = deadline(constants) {
      facts.append(
        UserFact(
          "next_deadline",
          .facts([UserFact("time", .time(deadline.time)), UserFact("kind", .text("\(deadline.kind)"))])))
    }
    return facts
  }
}

extension [UserFact] {
  fileprivate mutating func add(time: Int64?, _ name: String) {
    if let time, time > .min { append(UserFact(name, .time(time))) }
  }

  fileprivate mutating func add(_ number: Int64?, _ name: String) {
    if let number { append(UserFact(name, .number(number))) }
  }

  fileprivate mutating func add(_ text: String?, _ name: String) {
    if let text { append(UserFact(name, .text(text))) }
  }
}

extension Portrait {
  fileprivate var facts: [UserFact] {
    var facts = [UserFact("first_seen", .time(firstSeen))]
    facts.add(time: lastActivity, "last_activity")
    if let session = sessions.open {
      var open = [UserFact("start", .time(session.start)), UserFact("last", .time(session.last))]
      open.add(session.pages, "pages")
      open.add(session.dwellMilliseconds, "dwell_ms")
      facts.append(UserFact("session", .facts(open)))
    }
    facts.append(UserFact("kept_panes", .facts(panes.sums(from: .min).facts)))
    var purchases: [UserFact] = []
    purchases.add(cadence.purchases, "purchases")
    purchases.add(time: cadence.firstPurchase, "first")
    purchases.add(time: cadence.lastPurchase, "last")
    if cadence.purchaseDays > 1 { purchases.append(UserFact("mean_gap_days", .decimal(cadence.meanGapDays))) }
    purchases.add(cadence.lifetimeRevenueMinor, "lifetime_revenue_minor")
    purchases.add(cadence.revenueCurrency?.text, "currency")
    facts.append(UserFact("purchases", .facts(purchases)))
    facts.append(UserFact("opted_out", .flag(traits.optedOut)))
    facts.add(traits.timezone, "timezone")
    return facts
  }
}

extension PaneSums {
  fileprivate var facts: [UserFact] {
    var facts: [UserFact] = []
    let counts = [
      ("events", events), ("views", views), ("clicks", clicks), ("searches", searches),
      ("favourites", favourites), ("cart_adds", cartAdds), ("cart_removals", cartRemovals),
      ("purchases", purchases), ("items_bought", itemsBought), ("sessions", sessions), ("bounces", bounces),
      ("dwell_ms", dwellMilliseconds), ("revenue_minor", revenueMinor),
    ]
    for (name, count) in counts where count != 0 { facts.add(count, name) }
    return facts
  }
}

extension Cart {
  fileprivate var facts: [UserFact] {
    var facts: [UserFact] = []
    if isEmpty { return facts }
    facts.add(cartID, "cart_id")
    facts.add(time: firstAdd, "first_add")
    let lines = lines.map { line in
      var facts = [
        UserFact("item_id", .text(itemID(of: line))), UserFact("quantity", .number(line.quantity)),
      ]
      facts.add(line.priceMinor, "price_minor")
      facts.add(line.currency?.text, "currency")
      facts.add(time: line.touched, "touched")
      return UserFact.Value.facts(facts)
    }
    facts.append(UserFact("lines", .list(lines)))
    if uncountedLines > 0 { facts.add(uncountedLines, "uncounted_lines") }
    let worth = value
    facts.add(worth.minor, "value_minor")
    facts.add(worth.currency?.text, "currency")
    facts.append(UserFact("value_complete", .flag(worth.isComplete)))
    return facts
  }
}

extension CartTrigger {
  fileprivate var facts: [UserFact] {
    var facts = [UserFact("phase", .text(phase == .noCart ? "no cart" : "\(phase)"))]
    if phase == .armed {
      facts.add(time: episode, "episode")
      facts.add(time: anchor, "anchor")
      facts.add(Int64(nextStep), "next_step")
      facts.add(time: lastHandled, "last_step_handled")
      facts.add(time: deferredUntil, "deferred_until")
      facts.append(UserFact("alert_sent", .flag(firedInEpisode)))
    }
    if phase == .expired { facts.add(time: expiredAt, "expired_at") }
    facts.add(time: lastAlert, "last_alert")
    facts.append(UserFact("alerts_under_cap", .list(alertTimes.map { .time($0) })))
    let waiting = waiting.map { alert in
      UserFact.Value.facts([
        UserFact("id", .text(alert.id.text)), UserFact("step", .number(Int64(alert.step))),
        UserFact("time", .time(alert.time)),
      ])
    }
    facts.append(UserFact("alerts_waiting_for_purchase", .list(waiting)))
    facts.add(carts, "carts")
    facts.add(cartsBought, "carts_bought")
    return facts
  }
}

extension ChurnTrigger {
  fileprivate var facts: [UserFact] {
    var facts = [UserFact("state", .text(state == .atRisk ? "at risk" : "\(state)"))]
    facts.add(time: lastEvaluation, "last_evaluation")
    facts.add(time: next, "next_evaluation")
    if state == .atRisk { facts.add(time: episode, "at_risk_since") }
    facts.add(time: lastWarning, "last_warning")
    if let open {
      facts.append(
        UserFact(
          "open_warning",
          .facts([
            UserFact("id", .text(open.id.text)), UserFact("time", .time(open.time)),
            UserFact("band", .text("\(open.band)")),
          ])))
    }
    return facts
  }
}
