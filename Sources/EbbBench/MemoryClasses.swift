import Events
import Measuring

/// Users of one kind, for measuring what they take.
enum ActivityClass: String, CaseIterable {
  case visit, browser, regular, heavy

  var title: String {
    switch self {
    case .visit: "one visit: 4 pages"
    case .browser: "browser: 5 visits in 2 weeks"
    case .regular: "regular: 12 visits in 4 weeks, carts, 3 orders"
    case .heavy: "heavy: 80 visits in 8 weeks, large carts, 20 orders"
    }
  }

  var visits: Int {
    switch self {
    case .visit: 1
    case .browser: 5
    case .regular: 12
    case .heavy: 80
    }
  }

  /// From one visit to the next of the same user.
  var intervalMilliseconds: Int64 {
    switch self {
    case .visit: Milliseconds.day
    case .browser: 14 * Milliseconds.day / 5
    case .regular: 28 * Milliseconds.day / 12
    case .heavy: 56 * Milliseconds.day / 80
    }
  }

  /// Steps of a visit, at most.
  var steps: Int { self == .heavy ? 9 : 6 }

  /// How many users are measured.
  var users: Int {
    switch self {
    case .visit: 200_000
    case .browser: 50_000
    case .regular: 20_000
    case .heavy: 4_000
    }
  }

  /// What a user does in a step of a visit; nil: nothing any more.
  func event(user: Int, visit: Int, step: Int, time: Int64, _ random: inout BenchRandom) -> Event? {
    var event = Event(type: .pageView, ts: time)
    event.userID = "user-\(1_000_000 + user)"
    event.eventID = "e-\(visit)-\(step)-\(user)"
    if step < 4 {
      if step % 2 == 0 {
        event.url = "/p/\(random.below(5_000))"
      } else {
        event.type = .pageDwell
        event.dwellMilliseconds = Int64(1_000 + random.below(60_000))
      }
      return event
    }
    let buys: Bool
    switch self {
    case .visit, .browser: return nil
    case .regular:
      if visit % 2 == 1 { return nil }
      buys = visit % 4 == 2
    case .heavy: buys = visit % 4 == 3
    }
    event.currency = Currency("EUR")
    if buys && step == steps - 1 {
      event.type = .purchase
      event.orderID = "order-\(user)-\(visit)"
      event.valueMinor = Int64(500 + random.below(20_000))
    } else {
      event.type = .cartAdd
      event.itemID = "item-\(random.below(5_000))"
      event.priceMinor = Int64(500 + random.below(20_000))
    }
    return event
  }
}
