import Events
import Triggers

/// A random history of a few users over weeks, biased so that everything that the rules speak of happens often.
public struct RandomWorld<Generator: RandomNumberGenerator> {
  /// An event and when it arrives.
  struct Arrival {
    var at: Int64
    var event: Event
  }

  var dice: Dice<Generator>
  let rules: Rules
  var arrivals: [Arrival] = []
  /// 3 March 2024, so that a change to summer time lies ahead in Berlin and behind in New York.
  let origin: Int64 = 1_709_424_000_000

  public static func make(_ generator: Generator, zones: ZoneTable) -> World {
    var dice = Dice(generator)
    let rules = dice.rules(zones: zones)
    var world = RandomWorld(dice: dice, rules: rules)
    return World(rules: rules, steps: world.steps())
  }

  private mutating func steps() -> [Step] {
    for user in 0..<dice.number(1...4) {
      var shopper = Shopper(dice: dice, rules: rules, number: Int(user), now: origin + startOffset())
      shopper.live()
      dice = shopper.dice
      arrivals += shopper.arrivals
    }
    let ordered = arrivals.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
    var steps: [Step] = []
    let end = ordered.last?.element.at ?? origin
    // Some histories are read long after they happened, some only in part.
    let readAt: Int64? = dice.chance(25) ? end + dice.pick([0, day, 30 * day]) : nil
    let readUntil = dice.chance(50) ? end : origin + dice.number(0...30) * day
    var last = origin
    for (_, arrival) in ordered {
      if arrival.at > last + hour, dice.chance(30) { steps += quiet(from: last, to: arrival.at) }
      if dice.chance(2) { steps.append(.advance(arrival.at - dice.pick([0, 0, hour]), clock: arrival.at)) }
      if dice.chance(1) { steps.append(.resume(arrival.at + dice.pick([0, hour, 3 * day]))) }
      var clock = max(arrival.at, arrival.event.ts) + dice.number(0...2000)
      if let readAt, arrival.at < readUntil { clock = max(clock, readAt) }
      steps.append(.event(arrival.event, clock: clock))
      last = arrival.at
    }
    if dice.chance(50) { steps += quiet(from: last, to: last + dice.pick([hour, 5 * day, 40 * day])) }
    if dice.chance(50) { steps.append(.drain(dice.chance(50) ? Int64.max : last + 10 * day)) }
    return steps
  }

  private mutating func startOffset() -> Int64 {
    dice.chance(50) ? 0 : dice.number(0...(3 * 24 * 60)) * minute
  }

  /// What happens while nothing comes: ticks, sometimes a restart.
  private mutating func quiet(from: Int64, to: Int64) -> [Step] {
    var steps: [Step] = []
    var clock = from
    for _ in 0..<dice.number(1...4) {
      clock += dice.number(0...max(0, (to - clock) / minute)) * minute
      steps.append(dice.chance(5) ? .resume(clock) : .tick(clock))
    }
    return steps
  }
}

/// One user's life, event by event.
struct Shopper<Generator: RandomNumberGenerator> {
  var dice: Dice<Generator>
  let rules: Rules
  let number: Int
  var now: Int64
  var arrivals: [RandomWorld<Generator>.Arrival] = []
  /// Times worth being exactly some rule's span away from.
  private var pivots: [Int64] = []
  private var identified = true
  private var currency: Currency?
  private var orders = 0
  private var items: [String] = []

  init(dice: Dice<Generator>, rules: Rules, number: Int, now: Int64) {
    self.dice = dice
    self.rules = rules
    self.number = number
    self.now = now
    identified = !self.dice.chance(20)
    currency = self.dice.pick([Currency("EUR"), Currency("EUR"), Currency("USD"), Currency("JPY"), nil])
    items = (0..<Int(self.dice.number(1...5))).map { "i\($0)" }
  }

  mutating func live() {
    let chapters = dice.number(2...7)
    for _ in 0..<chapters {
      switch dice.number(0...19) {
      case 0...3: routine()
      case 4...12: story()
      case 13: profile()
      case 14: refund()
      case 15: bigCart()
      case 16: forget()
      case 17: between()
      default: visit()
      }
      pause()
      if arrivals.count > 260 { return }
    }
  }

  // MARK: Time

  private mutating func pause() {
    let cart = rules.cart
    switch dice.number(0...9) {
    case 0: now += dice.number(1...90) * minute
    case 1...2: now += dice.number(1...30) * hour
    case 3: now += dice.number(1...12) * day
    case 4: now += dice.pick([35 * day, 20 * day, 31 * day])
    default:
      // Exactly at, or one millisecond beside, what a rule counts.
      let spans =
        cart.stepsMilliseconds + [
          cart.expiryMilliseconds, cart.forgottenMilliseconds, cart.silenceAfterPurchaseMilliseconds,
          cart.betweenEpisodesMilliseconds, cart.capWithinMilliseconds, cart.recoveryMilliseconds,
          rules.sessions.gapMilliseconds, rules.state.forgetAfterMilliseconds / 20,
        ]
      let pivot = pivots.isEmpty ? now : dice.pick(Array(pivots.suffix(3)))
      let lateness = dice.chance(50) ? rules.time.allowedLatenessMilliseconds : 0
      let target = pivot + dice.pick(spans) + lateness + dice.pick([0, 0, 0, -1, 1, minute])
      now = max(now + 1000, target)
    }
  }

  private mutating func breathe() {
    now += dice.pick([0, 1000, 20_000, 20_000, minute, 3 * minute, rules.sessions.gapMilliseconds])
  }

  // MARK: Chapters

  /// Weeks of visits that get rarer or stop.
  private mutating func routine() {
    let every = dice.pick([day / 2, day, day, 36 * hour])
    let buysEvery: Int64 = dice.pick([0, 2, 3, 4])
    let count = dice.number(3...9)
    for turn in 1...count {
      let begin = now
      visit()
      if dice.chance(25) { say(.cartAdd) }
      if buysEvery > 0, turn % buysEvery == 0 { buy() }
      now = max(now, begin + every + dice.number(-3...3) * hour)
    }
    switch dice.number(0...3) {
    case 0: now += rules.churn.recentMilliseconds + dice.number(-1...3) * day
    case 1:
      for _ in 0..<3 {
        now += rules.churn.recentMilliseconds / 2 + hour
        say(.pageView)
      }
    case 2: now += rules.churn.recentMilliseconds + rules.churn.baselineMilliseconds / 2
    default: break
    }
    if dice.chance(30) { buy() }
  }

  private mutating func visit() {
    for _ in 0..<dice.number(1...4) {
      say(dice.pick([.pageView, .pageView, .pageDwell, .click, .search, .favourite, .review]))
      breathe()
    }
  }

  /// A cart and what becomes of it.
  private mutating func story() {
    if dice.chance(40) { say(.pageView) }
    say(dice.pick([.cartAdd, .cartAdd, .cartAdd, .cartSet]))
    pivots.append(now)
    let begin = now
    for _ in 0..<dice.number(0...3) {
      breathe()
      say(dice.pick([.cartAdd, .cartSet, .cartRemove, .checkoutStart, .pageView]))
    }
    for _ in 0..<dice.number(0...5) {
      pause()
      switch dice.number(0...11) {
      case 0...3: buy()
      case 4: say(.cartClear)
      case 5: say(.cartRemove)
      case 6...7: say(.cartAdd)
      case 8: say(.checkoutStart)
      case 9: say(.cartSet)
      default: say(.pageView)
      }
      if dice.chance(15) {
        breathe()
        buy()
      }
      if dice.chance(20) { lateBuy(since: begin) }
    }
  }

  /// A purchase that happened before or between the alerts and arrives after them.
  private mutating func lateBuy(since begin: Int64) {
    let ages = rules.cart.stepsMilliseconds
    if dice.chance(50), ages.count > 1 {
      now = max(now, begin + ages[1] + 2 * rules.time.allowedLatenessMilliseconds + minute)
    }
    let arrival = now
    now = begin + dice.pick([minute, ages[0], ages[0] + minute, ages[0] + minute, ages.last! + minute])
    now = min(now, arrival)
    orders += 1
    say(.purchase, order: "o\(number)-\(orders)")
    arrivals[arrivals.count - 1].at = arrival
    now = arrival
  }

  /// A purchase dated between two alerts that arrives after both.
  private mutating func between() {
    let ages = rules.cart.stepsMilliseconds
    guard ages.count > 1 else { return }
    now += dice.pick([0, 8 * day])
    let begin = now
    var event = make(.cartAdd)
    (event.itemID, event.priceMinor, event.quantity, event.currency) = (items[0], 1500, 2, currency)
    send(event)
    now += ages[1] + 2 * rules.time.allowedLatenessMilliseconds + minute
    event = make(.purchase)
    (event.itemID, event.priceMinor, event.currency) = (items[0], 1500, currency)
    event.ts = begin + ages[0] + minute
    arrivals.append(.init(at: now, event: event))
  }

  private mutating func buy() {
    orders += 1
    let order = dice.chance(60) ? "o\(number)-\(dice.chance(20) ? max(1, orders - 1) : orders)" : nil
    let ts = now
    for row in 0..<dice.pick([1, 1, 2, 3]) {
      now = dice.chance(80) ? ts : now + 1000
      say(.purchase, order: order, row: row)
    }
    pivots.append(ts)
  }

  private mutating func bigCart() {
    var event = make(dice.pick([.cartSet, .cartAdd, .checkoutStart]))
    event.items = (0..<dice.number(45...60)).map {
      Event.Item(itemID: "b\($0)", priceMinor: 10, quantity: nil)
    }
    send(event)
    breathe()
    say(.cartAdd)
    pause()
    now += hour
    if dice.chance(20) { send(make(.cartClear)) }
  }

  private mutating func profile() {
    var event = make(.profile)
    switch dice.number(0...5) {
    case 0:
      event.traits["ebb_opt_out"] = dice.pick([.text("true"), .text("YES"), .text("1"), .number(1)])
    case 1: event.traits["ebb_opt_out"] = dice.pick([.text("no"), .number(0), .text("")])
    case 2...3:
      event.traits["timezone"] = .text(dice.pick(Dice<Generator>.zoneNames + ["Mars/Olympus"]))
    case 4: for index in 0..<dice.number(20...40) { event.traits["t\(index)"] = .number(1) }
    default: event.traits["name"] = .text("n")
    }
    send(event)
  }

  private mutating func refund() {
    var event = make(.refund)
    event.valueMinor = dice.pick([nil, 300])
    event.priceMinor = 100
    event.itemID = "i0"
    send(event)
  }

  private mutating func forget() {
    if dice.chance(50) { say(.cartAdd) }
    send(make(.forget))
  }

  // MARK: Events

  private func make(_ type: EventType) -> Event {
    var event = Event(type: type, ts: now)
    if identified { event.userID = "u\(number)" } else { event.anonymousID = "a\(number)" }
    return event
  }

  private mutating func say(_ type: EventType, order: String? = nil, row: Int = 0) {
    var event = make(type)
    event.orderID = order
    event.currency = dice.chance(92) ? currency : Currency("USD")
    switch type {
    case .pageView: event.url = "/\(dice.number(0...9))"
    case .pageDwell: event.url = "/d"
    case .click: event.element = "e\(dice.number(0...3))"
    case .cartAdd, .cartRemove, .purchase: nameItems(&event, row)
    case .cartSet, .checkoutStart:
      if type == .cartSet || dice.chance(40) { event.items = list(0...4) }
    default: break
    }
    if type == .purchase {
      if dice.chance(40) { event.valueMinor = dice.number(0...5000) }
    } else if type.isCart, dice.chance(20) {
      event.orderID = "o\(number)-\(orders + 1)"
    }
    if type.isCart || type == .purchase, dice.chance(30) { event.cartID = "c\(dice.number(0...1))" }
    if dice.chance(type == .pageDwell ? 90 : 25) { event.dwellMilliseconds = dice.number(1...90) * 1000 }
    send(event)
  }

  private mutating func nameItems(_ event: inout Event, _ row: Int) {
    if dice.chance(20) {
      event.items = list(1...3)
    } else if event.type != .purchase || dice.chance(85) {
      event.itemID = row < items.count ? items[row] : dice.pick(items)
      if row == 0 { event.itemID = dice.pick(items) }
      event.quantity = dice.pick([nil, nil, 1, 2, 3])
      event.priceMinor = dice.chance(85) ? dice.pick([100, 250, 999, 1500]) : nil
    }
  }

  private mutating func list(_ counts: ClosedRange<Int64>) -> [Event.Item] {
    let count = dice.number(counts)
    return (0..<count).map { index in
      Event.Item(
        itemID: dice.pick(items),
        priceMinor: dice.chance(85) ? dice.pick([100, 250, 999]) : nil,
        quantity: dice.pick([nil, 1, 1, 2, 3]))
    }
  }

  /// Sends on time, late, twice, or out of order.
  private mutating func send(_ original: Event) {
    var event = original
    if dice.chance(70) { event.eventID = "e\(number)-\(arrivals.count)" }
    if dice.chance(8) {
      let lateness = rules.time.allowedLatenessMilliseconds
      event.ts -= dice.pick([
        1, 30_000, lateness, lateness + 1, 20 * minute, hour, 5 * hour, dice.number(1...60) * hour,
        dice.number(1...50) * day,
      ])
    }
    var at = now
    if dice.chance(6) { at += dice.pick([30_000, 10 * minute, 2 * hour, day, 3 * day]) }
    arrivals.append(.init(at: at, event: event))
    if dice.chance(4), event.type != .forget {
      arrivals.append(.init(at: at + dice.pick([0, 5000, hour]), event: event))
    }
  }
}
