import Events
import Shop
import Testing

/// What the users do, read from their events as Ebb would, not from what the simulator says.
@Suite struct BehaviourTests {
  static let users = 300
  static let days: Int64 = 45

  /// One user's history in order of event time, duplicates removed.
  static let histories: [String: [Event]] = {
    var shop = ShopSimulator(seed: 42, users: users, startMilliseconds: StreamTests.start)
    var histories: [String: [Event]] = [:]
    var seen: Set<String> = []
    while case let item = shop.next(), item.arrivalMilliseconds < StreamTests.start + days * Milliseconds.day
    {
      guard let key = item.event.userKey, seen.insert(item.event.eventID ?? "").inserted else { continue }
      histories[key, default: []].append(item.event)
    }
    return histories.mapValues { $0.sorted { $0.ts < $1.ts } }
  }()

  /// Starts of a user's visits: activity after 30 minutes without.
  static func visits(_ history: [Event]) -> [Int64] {
    var starts: [Int64] = []
    var last = Int64.min / 2
    for event in history where event.type.isActivity {
      if event.ts - last > 30 * Milliseconds.minute { starts.append(event.ts) }
      last = event.ts
    }
    return starts
  }

  @Test func `A user makes about twelve events a day, in two visits in five days`() {
    let events = Self.histories.values.reduce(0) { $0 + $1.count }
    let visits = Self.histories.values.reduce(0) { $0 + Self.visits($1).count }
    let userDays = Double(Self.users) * Double(Self.days)
    print("events a user day \(Double(events) / userDays), visits \(Double(visits) / userDays)")
    #expect((8.0...20.0).contains(Double(events) / userDays))
    #expect((0.25...0.7).contains(Double(visits) / userDays))
  }

  @Test func `Few users visit often and most seldom`() {
    let counts = Self.histories.values.map { Self.visits($0).count }.sorted(by: >)
    let total = counts.reduce(0, +)
    let busiest = counts.prefix(counts.count / 5).reduce(0, +)
    #expect((0.35...0.8).contains(Double(busiest) / Double(total)), "\(busiest) of \(total)")
    #expect(counts.last ?? 0 < 10)
  }

  /// Every opened cart: when the last event before its purchase or end touched it, and when it was bought.
  struct Cart {
    var touched: Int64
    var bought: Int64?
  }

  static let carts: [Cart] = {
    var carts: [Cart] = []
    for history in histories.values {
      var open: Cart?
      for event in history {
        switch event.type {
        case .cartAdd, .cartRemove, .cartSet:
          open = Cart(touched: event.ts)
        case .purchase:
          if var cart = open {
            cart.bought = event.ts
            carts.append(cart)
          }
          open = nil
        case .cartClear:
          if let cart = open { carts.append(cart) }
          open = nil
        default: break
        }
      }
      if let cart = open { carts.append(cart) }
    }
    return carts
  }()

  @Test func `Most carts are left behind, and some of them are bought after a reminder's time`() {
    let atOnce = Self.carts.count { cart in cart.bought.map { $0 - cart.touched < Milliseconds.hour } ?? false
    }
    let later = Self.carts.count { $0.bought != nil } - atOnce
    func share(_ count: Int) -> Double { Double(count) / Double(Self.carts.count) }
    print("\(Self.carts.count) carts: bought within the hour \(share(atOnce)), later \(share(later))")
    #expect(Self.carts.count > 200)
    #expect((0.2...0.45).contains(share(atOnce)))
    #expect((0.1...0.35).contains(share(later)))
  }

  @Test func `Some regulars fall silent, with dwell and visits falling before, and some of them return`() {
    var regulars = 0
    var silent = 0
    var returned = 0
    var fallingDwell = 0
    for history in Self.histories.values {
      let visits = Self.visits(history)
      // Regular: every other day over the first ten days of being there.
      guard let first = visits.first, visits.count(where: { $0 < first + 10 * Milliseconds.day }) >= 5 else {
        continue
      }
      regulars += 1
      let end = StreamTests.start + Self.days * Milliseconds.day
      let gaps = zip(visits, visits.dropFirst() + [end]).map { ($0, $1 - $0) }
      guard let gap = gaps.first(where: { $0.1 >= 9 * Milliseconds.day }) else { continue }
      silent += 1
      if gap.0 + gap.1 < end { returned += 1 }
      func dwell(_ span: Range<Int64>) -> Int64 {
        history.reduce(0) { $0 + (span.contains($1.ts) ? $1.dwellMilliseconds ?? 0 : 0) }
      }
      let lastWeek = dwell(gap.0 - 3 * Milliseconds.day..<gap.0 + Milliseconds.hour)
      let weekBefore = dwell(gap.0 - 10 * Milliseconds.day..<gap.0 - 7 * Milliseconds.day)
      if lastWeek < weekBefore { fallingDwell += 1 }
    }
    print(
      "\(regulars) regulars, \(silent) fell silent (dwell fell first: \(fallingDwell)), \(returned) returned")
    #expect(regulars > 60)
    #expect((0.15...0.7).contains(Double(silent) / Double(regulars)))
    #expect((0.1...0.7).contains(Double(returned) / Double(silent)))
    #expect(Double(fallingDwell) > 0.5 * Double(silent))
  }

  @Test func `A few users never sign in`() {
    let anonymous = Self.histories.keys.count { $0.hasPrefix("anon:") }
    #expect((0.01...0.12).contains(Double(anonymous) / Double(Self.histories.count)))
  }

  @Test func `The tally agrees with what the events tell`() {
    var shop = ShopSimulator(seed: 42, users: Self.users, startMilliseconds: StreamTests.start)
    while shop.next().arrivalMilliseconds < StreamTests.start + Self.days * Milliseconds.day {}
    let tally = shop.tally
    print(tally)
    #expect(tally.users >= Self.users)
    #expect(tally.returned <= tally.away)
    #expect(tally.cartsOpened == tally.cartsBoughtAtOnce + tally.cartsLeft)
    // Visits and carts under way at the end are not all among the events yet.
    #expect(abs(tally.cartsOpened - Self.carts.count) <= tally.cartsOpened / 50 + 5)
  }
}
