import Events

/// An event of the simulated shop, and when it reaches Ebb.
public struct SimulatedEvent: Sendable, Hashable {
  /// Milliseconds since 1970 UTC; at or after the event's `ts`, and never before the previous event's arrival.
  public var arrivalMilliseconds: Int64
  public var event: Event

  public init(arrivalMilliseconds: Int64, event: Event) {
    self.arrivalMilliseconds = arrivalMilliseconds
    self.event = event
  }
}

/// What the shop's users have intended so far. Events that tell of it may still be on their way.
public struct ShopTally: Sendable, Hashable {
  public var visits = 0
  /// Users ever, those who joined later included.
  public var users = 0
  public var cartsOpened = 0
  /// Bought in the visit that opened the cart, or in a later one.
  public var cartsBoughtAtOnce = 0
  public var cartsBoughtLater = 0
  /// Left behind by the visit that opened them.
  public var cartsLeft = 0
  public var cartsCleared = 0
  /// Users who have stopped coming, and those of them who came back.
  public var away = 0
  public var returned = 0
  public var late = 0
  public var duplicates = 0
  public var offlineVisits = 0

  public init() {}
}

/// A seeded shop whose users browse, fill carts, buy, drift away and partly come back: an endless stream of
/// their events in order of arrival, the same for the same arguments.
///
/// Memory is of the order of the users plus the events of visits under way.
public struct ShopSimulator: Sendable {
  private enum Step: Sendable {
    /// The shopper in this place begins a visit.
    case visit(Int)
    /// The event in this slot arrives.
    case arrival(Int)
  }

  public let options: ShopOptions
  public private(set) var tally = ShopTally()
  private let catalogue: Catalogue
  private let identifierBase: UInt64
  private var identifiers: UInt64 = 0
  private var random: ShopRandom
  private var shoppers: [Shopper] = []
  private var agenda = Agenda<Step>()
  private var underway: [Event] = []
  private var freeSlots: [Int] = []

  /// - Parameters:
  ///   - users: how many there are at a time, 1 to 10 million; who leaves for good is replaced.
  ///   - startMilliseconds: when the shop opens, milliseconds since 1970 UTC.
  public init(
    seed: UInt64, users: Int, startMilliseconds: Int64, options: ShopOptions = ShopOptions()
  ) {
    precondition((1...10_000_000).contains(users), "1 to 10 million users")
    options.check()
    self.options = options
    catalogue = Catalogue(size: options.catalogueItems)
    identifierBase = ShopRandom.mix(seed ^ 0x1d)
    random = ShopRandom(seed: seed)
    shoppers.reserveCapacity(users)
    for place in 0..<users {
      let shopper = join(at: startMilliseconds)
      shoppers.append(shopper)
      // As if the shop had been open before: each is somewhere between two visits.
      let interval = Double(Milliseconds.day) / shopper.visitsPerDay
      let first = startMilliseconds + Int64(random.unit() * min(interval, 20 * Double(Milliseconds.day)))
      agenda.add(.visit(place), at: shopper.waking(first, &random))
    }
  }

  /// The next event to arrive. There always is one.
  public mutating func next() -> SimulatedEvent {
    while let entry = agenda.removeFirst() {
      switch entry.item {
      case .visit(let place): visit(place, at: entry.time)
      case .arrival(let slot):
        freeSlots.append(slot)
        return SimulatedEvent(arrivalMilliseconds: entry.time, event: underway[slot])
      }
    }
    preconditionFailure("every place in the shop has a visit ahead")
  }

  private mutating func join(at time: Int64) -> Shopper {
    tally.users += 1
    return Shopper(number: UInt64(tally.users), joining: time, options: options, random: &random)
  }

  private mutating func visit(_ place: Int, at time: Int64) {
    var visit = Visit(
      of: shoppers[place], at: time, shop: catalogue, options: options, seed: random.next())
    let errand = visit.shopper.errand
    visit.plan()
    count(visit, errand)
    send(visit)
    var shopper = visit.shopper
    let next = shopper.planNextVisit(
      after: visit.clock, leftCart: visit.outcome == .left, options, &random)
    if let next {
      if case .comeBack = shopper.errand { tally.away += 1 }
      agenda.add(.visit(place), at: next)
    } else {
      tally.away += 1
      shopper = leave(shopper, place, at: visit.clock)
    }
    shoppers[place] = shopper
  }

  /// The user is gone for good, now and then with a request to be forgotten; a new one will take the place.
  private mutating func leave(_ shopper: Shopper, _ place: Int, at time: Int64) -> Shopper {
    if !shopper.anonymous, random.chance(0.1) {
      let asked = time + random.between(Milliseconds.hour, 5 * Milliseconds.day)
      deliver(Event(type: .forget, ts: asked, userID: shopper.userID))
    }
    let joining = time + random.between(Milliseconds.hour, 3 * Milliseconds.day)
    let newcomer = join(at: joining)
    agenda.add(.visit(place), at: newcomer.waking(joining, &random))
    return newcomer
  }

  private mutating func count(_ visit: Visit, _ errand: Shopper.Errand) {
    tally.visits += 1
    if case .comeBack = errand { tally.returned += 1 }
    if visit.openedCart { tally.cartsOpened += 1 }
    switch visit.outcome {
    case .none: break
    case .left: if visit.openedCart { tally.cartsLeft += 1 }
    case .cleared: tally.cartsCleared += 1
    case .bought:
      if visit.openedCart { tally.cartsBoughtAtOnce += 1 } else { tally.cartsBoughtLater += 1 }
    }
  }

  private mutating func send(_ visit: Visit) {
    if random.chance(options.offlineShare) {
      tally.offlineVisits += 1
      let online = visit.clock + random.between(5 * Milliseconds.minute, 4 * Milliseconds.hour)
      for (offset, event) in visit.events.enumerated() {
        dispatch(event, arriving: online + Int64(offset))
      }
    } else {
      for event in visit.events { deliver(event) }
    }
    if let order = visit.order, random.chance(options.refundShare) {
      var refund = Event(type: .refund, ts: order.ts, userID: order.userID)
      refund.anonymousID = order.anonymousID
      refund.ts += random.between(2 * Milliseconds.day, 9 * Milliseconds.day)
      refund.orderID = order.orderID
      refund.valueMinor = order.valueMinor
      refund.currency = order.currency
      deliver(refund)
    }
  }

  /// Lets an event travel: most in under 2 s, some up to a minute, a few twice.
  private mutating func deliver(_ event: Event) {
    var arrival = event.ts
    if random.chance(options.lateShare) {
      tally.late += 1
      arrival += random.between(2 * Milliseconds.second, Milliseconds.minute)
    } else {
      arrival += random.between(20, 2 * Milliseconds.second - 1)
    }
    dispatch(event, arriving: arrival)
  }

  private mutating func dispatch(_ event: Event, arriving arrival: Int64) {
    var event = event
    identifiers += 1
    event.eventID = "e" + String(ShopRandom.mix(identifierBase &+ identifiers), radix: 16)
    agenda.add(.arrival(store(event)), at: arrival)
    if random.chance(options.duplicateShare) {
      tally.duplicates += 1
      agenda.add(.arrival(store(event)), at: arrival + random.between(100, 20 * Milliseconds.second))
    }
  }

  private mutating func store(_ event: Event) -> Int {
    if let slot = freeSlots.popLast() {
      underway[slot] = event
      return slot
    }
    underway.append(event)
    return underway.count - 1
  }
}
