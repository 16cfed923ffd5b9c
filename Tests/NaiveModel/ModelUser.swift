import Events
import Portrait
import Triggers

/// One user: everything he did, and the little state that the rules themselves define step by step.
final class ModelUser {
  /// What a deadline is for, in the order in which deadlines of one instant go.
  enum Kind: Int {
    case session, step, expiry, cartForgotten, evaluation, userForgotten
  }

  struct Deadline {
    var time: Int64
    var kind: Kind
  }

  /// What tells one event from another.
  enum Fingerprint: Hashable {
    case id(String)
    case content(ts: Int64, type: EventType, texts: [String?])
  }

  /// What one event, or one stretch of inferred dwell, added to the pane of its time.
  struct Contribution {
    var ts: Int64
    var sums: PaneSums
  }

  struct Trait {
    var value: Event.TraitValue
    var ts: Int64
  }

  unowned let world: NaiveModel
  let key: String
  let identified: Bool
  let appearance: Int
  var rules: Rules { world.rules }

  var firstTs: Int64?
  var lastActivity: Int64?
  /// The largest of the times of events and of deadlines handled.
  var horizon = Int64.min
  var fingerprints: [Fingerprint] = []
  var contributions: [Contribution] = []
  var sessions: [ModelSession] = []
  var closedUntil: Int64?
  var hasInferredDwell = false
  var traits: [String: Trait] = [:]
  var isForgotten = false

  // The cart.
  var cart: ModelCart?
  var cartID: String?
  var orderID: String?
  var wholeBarrier = Int64.min
  var itemBarriers: [(item: String, time: Int64)] = []
  var cartsOpened: Int64 = 0
  var cartsBought: Int64 = 0
  var cartForgottenAt: Int64?
  var everPutIntoCart = false
  var episodes = 0
  var fired: [ModelAlert] = []
  var waiting: [ModelAlert] = []
  var provisional: (record: CartRecord, at: Int64)?

  // Purchases.
  var orders: [ModelOrder] = []
  var lastPurchase: Int64?
  var purchases: Int64 = 0
  var purchaseDays: [Int64] = []
  var lifetimeRevenue: Int64 = 0
  var revenueCurrency: Currency??

  var churn = ModelChurn()

  init(world: NaiveModel, key: String, identified: Bool, appearance: Int) {
    self.world = world
    self.key = key
    self.identified = identified
    self.appearance = appearance
  }

  func isDuplicate(_ event: Event) -> Bool {
    fingerprints.contains(Self.fingerprint(event))
  }

  static func fingerprint(_ event: Event) -> Fingerprint {
    if let id = event.eventID { return .id(id) }
    return .content(
      ts: event.ts, type: event.type,
      texts: [event.itemID, event.url, event.element, event.cartID, event.orderID])
  }

  func apply(_ event: Event) {
    let fingerprint = Self.fingerprint(event)
    if fingerprints.contains(fingerprint) {
      world.tally.duplicates += 1
      world.census.count("duplicate")
      return
    }
    fingerprints.append(fingerprint)
    if fingerprints.count > 16 { fingerprints.removeFirst() }
    if firstTs == nil {
      firstTs = event.ts
      churn.nextEvaluation = event.ts + rules.churn.evaluateEveryMilliseconds
    }
    horizon = max(horizon, event.ts)
    switch event.type {
    case .profile: applyProfile(event)
    case .refund: applyRefund(event)
    default: applyActivity(event)
    }
  }

  private func applyActivity(_ event: Event) {
    if isBeyondPanes(event.ts) {
      world.tally.beyondPanes += 1
      world.census.count("straggler: beyond the panes")
    }
    takeUpEvaluations(visit: event.ts)
    let isLate = event.ts < (lastActivity ?? event.ts)
    lastActivity = max(lastActivity ?? event.ts, event.ts)

    var sums = PaneSums()
    sums.events = 1
    switch event.type {
    case .pageView: sums.views = 1
    case .click: sums.clicks = 1
    case .search: sums.searches = 1
    case .favourite: sums.favourites = 1
    default: break
    }
    let session = joinSession(event)
    if isLate { world.census.count(session == nil ? "straggler: no session" : "straggler: in session") }
    if !rules.sessions.inferDwell, let dwell = event.dwellMilliseconds {
      sums.dwellMilliseconds = dwell
      session?.dwell += dwell
    }

    if event.type.isCart {
      let units = applyCart(event, session: session)
      sums.cartAdds = units.added
      sums.cartRemovals = units.removed
    } else {
      if event.type == .purchase { applyPurchase(event, into: &sums) }
      extendAnchor(event.ts)
    }
    contributions.append(Contribution(ts: event.ts, sums: sums))
    churnSees(event)
  }

  private func applyProfile(_ event: Event) {
    for (name, value) in event.traits.sorted(by: { $0.key < $1.key }) {
      if let known = traits[name] {
        if event.ts >= known.ts { traits[name] = Trait(value: value, ts: event.ts) }
        continue
      }
      let always = ["ebb_opt_out", "timezone"]
      if !always.contains(name), traits.keys.count(where: { !always.contains($0) }) >= 32 {
        world.tally.traitOverflows += 1
        world.census.count("trait overflow")
        continue
      }
      traits[name] = Trait(value: value, ts: event.ts)
    }
  }

  var optedOut: Bool {
    switch traits["ebb_opt_out"]?.value {
    case .text(let text): ["true", "1", "yes"].contains(text.lowercased())
    case .number(let number): number != 0
    case nil: false
    }
  }

  // MARK: Deadlines

  func nextDeadline() -> Deadline? {
    if isForgotten { return nil }
    var all: [Deadline] = []
    if let open = sessions.last, !open.isClosed {
      all.append(Deadline(time: open.last + rules.sessions.gapMilliseconds, kind: .session))
    }
    all += cartDeadlines()
    if let evaluation = evaluationDeadline() {
      all.append(Deadline(time: evaluation, kind: .evaluation))
    }
    if cart == nil, let time = forgetting() {
      all.append(Deadline(time: time, kind: .userForgotten))
    }
    return all.min { ($0.time, $0.kind.rawValue) < ($1.time, $1.kind.rawValue) }
  }

  /// When the user may be forgotten: nobody came for long, and cart, limits and windows have run out.
  private func forgetting() -> Int64? {
    guard let start = lastActivity ?? firstTs else { return nil }
    var times = [start + rules.state.forgetAfterMilliseconds]
    if let cartForgottenAt { times.append(cartForgottenAt) }
    times += spans().map { start + $0 }
    if let alert = fired.map(\.time).max() {
      times += [
        alert + rules.cart.capWithinMilliseconds, alert + rules.cart.betweenEpisodesMilliseconds,
        alert + rules.cart.recoveryMilliseconds,
      ]
    }
    if let lastPurchase { times.append(lastPurchase + rules.cart.silenceAfterPurchaseMilliseconds) }
    if let warning = churn.last {
      times.append(warning.time + max(rules.churn.repeatMilliseconds, rules.churn.nextBandMilliseconds))
    }
    return times.max()
  }

  func fire(_ deadline: Deadline) {
    if deadline.time + Milliseconds.hour < horizon { world.census.count("deadline found late") }
    horizon = max(horizon, deadline.time)
    switch deadline.kind {
    case .session: closeSession()
    case .step: fireStep(at: deadline.time)
    case .expiry: expireEpisode(at: deadline.time)
    case .cartForgotten: forgetCart(at: deadline.time)
    case .evaluation: evaluate(at: deadline.time)
    case .userForgotten:
      isForgotten = true
      world.tally.usersForgotten += 1
      world.census.count("user: forgotten")
    }
  }
}
