import Events

/// The constants of an epoch that a portrait depends on.
public struct PortraitRules: Sendable, Hashable {
  public var gapMilliseconds: Int64
  public var inferDwell: Bool
  /// Whether the purchase scope is `item`.
  public var purchasesByItem: Bool
  public var tiers: PaneTiers

  public init(gapMilliseconds: Int64, inferDwell: Bool, purchasesByItem: Bool, tiers: PaneTiers) {
    self.gapMilliseconds = gapMilliseconds
    self.inferDwell = inferDwell
    self.purchasesByItem = purchasesByItem
    self.tiers = tiers
  }
}

/// One user's behaviour, in bounded memory: panes, session, cart, purchase cadence, traits and the fingerprints
/// of the last events.
///
/// An event comes in through `isDuplicate` and `apply`; triggers read the parts and are told by `Effect` what the
/// event did. The portrait never looks at a clock: time moves by events and by the deadlines that the shard
/// fires (`touch`, `closeSession`).
///
/// What has caused trouble: panes are only ever touched after `touch` has moved the horizon; a session's count
/// moves with its start; a late purchase acts on lines by their touch times, not on the cart as it stands.
public struct Portrait: Sendable, Hashable {
  public internal(set) var panes = Panes()
  public internal(set) var sessions = Sessions()
  public internal(set) var cart = Cart()
  public internal(set) var cadence = Cadence()
  public internal(set) var traits = Traits()
  /// Time of the first applied event, in order of arrival.
  public internal(set) var firstSeen: Int64
  /// Largest time of an activity event.
  public internal(set) var lastActivity: Int64?
  /// Whether any cart event ever put a unit into the cart.
  public internal(set) var hasHadCart = false
  /// Whether any dwell was inferred from gaps.
  public internal(set) var dwellInferred = false
  /// The session of the last cart event that left something in the cart, once it is closed.
  var closedCartSession: Session?
  /// Whether that session is the open one.
  var isCartSessionOpen = false
  /// Fingerprints of the last events.
  var recent = RecentEvents()

  /// What an event did to the portrait, for the triggers.
  public struct Effect: Sendable, Hashable {
    public var cart: Cart.Effect?
    public var closedSession: Session?
    public var beyondPanes = false
    public var otherCurrency = false
    public var traitOverflows: Int64 = 0
  }

  /// The session that left the cart as it is: of the last cart event that left something in it.
  public var cartSession: Session? { isCartSessionOpen ? sessions.open : closedCartSession }

  public init(firstSeen: Int64) {
    self.firstSeen = firstSeen
  }

  /// Whether one of the last events had this fingerprint; remembers it if not.
  public mutating func isDuplicate(_ fingerprint: UInt32) -> Bool {
    if recent.contains(fingerprint) { return true }
    recent.remember(fingerprint)
    return false
  }

  /// Moves the horizon to a deadline that is about to be computed.
  public mutating func touch(_ time: Int64, _ rules: PortraitRules) {
    panes.touch(time, rules.tiers)
  }

  /// Takes an event in (any type but `forget`).
  public mutating func apply(_ event: borrowing EventSlot, _ rules: PortraitRules) -> Effect {
    var effect = Effect()
    panes.touch(event.ts, rules.tiers)
    var sums = PaneSums()
    switch event.type {
    case .pageView: sums.views = 1
    case .click: sums.clicks = 1
    case .search: sums.searches = 1
    case .favourite: sums.favourites = 1
    case .cartAdd, .cartRemove, .cartSet, .cartClear, .checkoutStart:
      let change = cart.apply(event, byItem: rules.purchasesByItem)
      sums.cartAdds = change.unitsAdded
      sums.cartRemovals = change.unitsRemoved
      if change.unitsAdded > 0, change.accepted { hasHadCart = true }
      if change.wasEmpty, !cart.isEmpty {
        closedCartSession = nil
        isCartSessionOpen = false
      }
      effect.cart = change
    case .purchase:
      let change = cart.buy(event, byItem: rules.purchasesByItem)
      effect.cart = change
      let money = cadence.purchase(event)
      sums.purchases = money.isNew ? 1 : 0
      sums.itemsBought = event.namesItems ? Self.namedUnits(event) : change.unitsRemoved
      sums.revenueMinor = money.revenueMinor
      effect.otherCurrency = money.leftOut
    case .refund:
      let money = cadence.refund(event)
      sums.revenueMinor = money.revenueMinor
      effect.otherCurrency = money.leftOut
    case .profile: effect.traitOverflows = traits.apply(event)
    case .pageDwell, .review, .forget: break
    }
    if event.type.isActivity {
      sums.events = 1
      let dwell = visit(event, rules, &effect)
      sums.dwellMilliseconds = dwell
      lastActivity = max(lastActivity ?? event.ts, event.ts)
    }
    if sums != PaneSums() {
      effect.beyondPanes = !panes.update(event.ts, rules.tiers) { $0 += sums }
    }
    return effect
  }

  private static func namedUnits(_ event: borrowing EventSlot) -> Int64 {
    var units: Int64 = 0
    for index in 0..<event.namedItemCount { units += event.namedItem(index).quantity ?? 1 }
    return units
  }

  /// Session side of an activity event. Returns the dwell that belongs to the event's own pane.
  private mutating func visit(
    _ event: borrowing EventSlot, _ rules: PortraitRules, _ effect: inout Effect
  ) -> Int64 {
    let step = sessions.apply(event.ts, gap: rules.gapMilliseconds)
    if let closed = step.closed {
      effect.closedSession = closed
      count(closed, rules)
    }
    if step.opened { panes.update(event.ts, rules.tiers) { $0.sessions += 1 } }
    if let old = step.movedStart, panes.keeps(old, rules.tiers), panes.keeps(event.ts, rules.tiers) {
      panes.update(old, rules.tiers) { $0.sessions -= 1 }
      panes.update(event.ts, rules.tiers) { $0.sessions += 1 }
    }
    var own = rules.inferDwell ? 0 : event.dwellMilliseconds ?? 0
    var total = own
    if rules.inferDwell, let earlier = step.prolongedFrom {
      total = event.ts - earlier
      panes.update(earlier, rules.tiers) { $0.dwellMilliseconds += total }
      dwellInferred = true
    } else if rules.inferDwell, let later = step.movedStart {
      own = later - event.ts
      total = own
      dwellInferred = true
    }
    if step.joined {
      sessions.add(
        pages: event.type == .pageView ? 1 : 0, dwellMilliseconds: total,
        cartAction: event.type.isCart || event.type == .purchase)
      if event.type.isCart, effect.cart?.accepted == true, !cart.isEmpty { isCartSessionOpen = true }
    }
    return own
  }

  /// Keeps what is kept of a closed session: a bounce in the pane of its start, and the cart's session.
  private mutating func count(_ session: Session, _ rules: PortraitRules) {
    if isCartSessionOpen {
      closedCartSession = session
      isCartSessionOpen = false
    }
    if session.isBounce { panes.update(session.start, rules.tiers) { $0.bounces += 1 } }
  }

  /// Closes the open session at its deadline.
  public mutating func closeSession(_ rules: PortraitRules) -> Session {
    let session = sessions.close(gap: rules.gapMilliseconds)
    count(session, rules)
    return session
  }

  /// Drops the cart's contents.
  public mutating func forgetCart() {
    cart.forget()
  }

  /// Sums of a window of this length at `time`.
  public func window(_ lengthMilliseconds: Int64, at time: Int64, _ tiers: PaneTiers) -> PaneSums {
    panes.sums(from: begin(lengthMilliseconds, at: time, tiers))
  }

  /// Where a span of this length begins at `time`.
  public func begin(_ lengthMilliseconds: Int64, at time: Int64, _ tiers: PaneTiers) -> Int64 {
    let hop = WindowSpec.hop(lengthMilliseconds)
    return panes.edge(Milliseconds.floor(time - lengthMilliseconds, to: hop), tiers)
  }
}
