import Events
import Portrait

extension UserState {
  /// Everything that decides what becomes of this user, and nothing that is only memory of how it was computed.
  ///
  /// - Parameter constants: of the epoch in which he was last touched; nil: not known, then no deadline is told.
  public func facts(of key: String, _ constants: EpochConstants?) -> [Fact] {
    var facts = [
      Fact("user", .text(key)), Fact("identified", .flag(isIdentified)),
      Fact("portrait", .facts(portrait.facts)), Fact("cart", .facts(portrait.cart.facts)),
      Fact("cart_trigger", .facts(cart.facts)), Fact("churn_trigger", .facts(churn.facts)),
    ]
    var state = self
    if let constants, let deadline = state.deadline(constants) {
      facts.append(
        Fact(
          "next_deadline",
          .facts([Fact("time", .time(deadline.time)), Fact("kind", .text("\(deadline.kind)"))])))
    }
    return facts
  }
}

extension [Fact] {
  fileprivate mutating func add(time: Int64?, _ name: String) {
    if let time, time > .min { append(Fact(name, .time(time))) }
  }

  fileprivate mutating func add(_ number: Int64?, _ name: String) {
    if let number { append(Fact(name, .number(number))) }
  }

  fileprivate mutating func add(_ text: String?, _ name: String) {
    if let text { append(Fact(name, .text(text))) }
  }
}

extension Portrait {
  fileprivate var facts: [Fact] {
    var facts = [Fact("first_seen", .time(firstSeen))]
    facts.add(time: lastActivity, "last_activity")
    if let session = sessions.open {
      var open = [Fact("start", .time(session.start)), Fact("last", .time(session.last))]
      open.add(session.pages, "pages")
      open.add(session.dwellMilliseconds, "dwell_ms")
      facts.append(Fact("session", .facts(open)))
    }
    facts.append(Fact("kept_panes", .facts(panes.sums(from: .min).facts)))
    var purchases: [Fact] = []
    purchases.add(cadence.purchases, "purchases")
    purchases.add(time: cadence.firstPurchase, "first")
    purchases.add(time: cadence.lastPurchase, "last")
    if cadence.purchaseDays > 1 { purchases.append(Fact("mean_gap_days", .decimal(cadence.meanGapDays))) }
    purchases.add(cadence.lifetimeRevenueMinor, "lifetime_revenue_minor")
    purchases.add(cadence.revenueCurrency?.text, "currency")
    facts.append(Fact("purchases", .facts(purchases)))
    facts.append(Fact("opted_out", .flag(traits.optedOut)))
    facts.add(traits.timezone, "timezone")
    return facts
  }
}

extension PaneSums {
  var facts: [Fact] {
    var facts: [Fact] = []
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
  fileprivate var facts: [Fact] {
    var facts: [Fact] = []
    if isEmpty { return facts }
    facts.add(cartID, "cart_id")
    facts.add(time: firstAdd, "first_add")
    let lines = lines.map { line in
      var facts = [
        Fact("item_id", .text(itemID(of: line))), Fact("quantity", .number(line.quantity)),
      ]
      facts.add(line.priceMinor, "price_minor")
      facts.add(line.currency?.text, "currency")
      facts.add(time: line.touched, "touched")
      return Fact.Value.facts(facts)
    }
    facts.append(Fact("lines", .list(lines)))
    if uncountedLines > 0 { facts.add(uncountedLines, "uncounted_lines") }
    let worth = value
    facts.add(worth.minor, "value_minor")
    facts.add(worth.currency?.text, "currency")
    facts.append(Fact("value_complete", .flag(worth.isComplete)))
    return facts
  }
}

extension CartTrigger {
  fileprivate var facts: [Fact] {
    var facts = [Fact("phase", .text(phase == .noCart ? "no cart" : "\(phase)"))]
    if phase == .armed {
      facts.add(time: episode, "episode")
      facts.add(time: anchor, "anchor")
      facts.add(Int64(nextStep), "next_step")
      facts.add(time: lastHandled, "last_step_handled")
      facts.add(time: deferredUntil, "deferred_until")
      facts.append(Fact("alert_sent", .flag(firedInEpisode)))
    }
    if phase == .expired { facts.add(time: expiredAt, "expired_at") }
    facts.add(time: lastAlert, "last_alert")
    facts.append(Fact("alerts_under_cap", .list(alertTimes.map { .time($0) })))
    let waiting = waiting.alerts.map { alert in
      Fact.Value.facts([
        Fact("id", .text(alert.id.text)), Fact("step", .number(Int64(alert.step))),
        Fact("time", .time(alert.time)),
      ])
    }
    facts.append(Fact("alerts_waiting_for_purchase", .list(waiting)))
    facts.add(carts, "carts")
    facts.add(cartsBought, "carts_bought")
    return facts
  }
}

extension ChurnTrigger {
  fileprivate var facts: [Fact] {
    var facts = [Fact("state", .text(state == .atRisk ? "at risk" : "\(state)"))]
    facts.add(time: lastEvaluation, "last_evaluation")
    facts.add(time: next, "next_evaluation")
    if state == .atRisk { facts.add(time: episode, "at_risk_since") }
    facts.add(time: lastWarning, "last_warning")
    if let open {
      facts.append(
        Fact(
          "open_warning",
          .facts([
            Fact("id", .text(open.id.text)), Fact("time", .time(open.time)),
            Fact("band", .text("\(open.band)")),
          ])))
    }
    return facts
  }
}
