import Events
import Foundation
import Shop
import TestSupport

/// How users are drawn for each event.
enum UserAccess: String, CaseIterable, Sendable {
  /// The n-th user comes up 1/n as often as the first: a few are busy, most are quiet.
  case zipf
  /// Every user as often as any other, the hardest on caches.
  case uniform
}

/// Events of many users in the native form, the same for the same seed: a shop's mix of types, some 215 bytes each.
///
/// No visits are simulated, unlike in `ShopRecords`: what is measured is what an event costs, and a million users that
/// visit as people do would need a hundred times the events to all be seen.
struct ClickTraffic {
  let users: Int
  let access: UserAccess
  private let start: Int64
  private let stepMicroseconds: Int64
  private var random = SeededGenerator(seed: 1)
  /// Where each rank ends on the line from 0 to 1.
  private var ends: [Double] = []
  private var made: Int64 = 0

  /// - Parameters:
  ///   - start: event time of the first, milliseconds since 1970 UTC.
  ///   - span: event time from the first to the last, milliseconds.
  init(users: Int, access: UserAccess, events: Int, start: Int64, span: Int64) {
    self.users = users
    self.access = access
    self.start = start
    stepMicroseconds = max(1, span * 1_000 / Int64(max(events, 1)))
    guard access == .zipf else { return }
    var sum = 0.0
    ends.reserveCapacity(users)
    for rank in 1...users {
      sum += 1 / Double(rank)
      ends.append(sum)
    }
    for rank in ends.indices { ends[rank] /= sum }
  }

  /// The next event, and its user's id.
  mutating func next() -> (event: Event, user: String) {
    // Spread over the ids, so that the busy ones are no neighbours.
    let number = (rank() &* 7_368_787) % users
    let user = "u" + String(String(number + 10_000_000).dropFirst())
    let draw = Int(random.next() % 1_000)
    let item = Int(random.next() % 50_000)
    var event = Event(
      type: Self.type(draw), ts: start + made * stepMicroseconds / 1_000, userID: user,
      eventID: "e-" + String(made + 1_000_000_000_000, radix: 36), sessionID: "s-\(number)-\(made / 500_000)")
    made += 1
    event.itemID = "item-\(item)"
    switch event.type {
    case .pageView:
      event.category = "garden/tools"
      event.url = "https://shop.example/p/\(item)"
      event.referrer = "/search"
    case .pageDwell:
      event.dwellMilliseconds = Int64(draw) * 40
      event.url = "https://shop.example/p/\(item)"
    case .cartAdd, .cartRemove:
      event.priceMinor = Int64(item % 9_000 + 100)
      event.currency = Currency("EUR")
      event.quantity = 1
      event.cartID = "c-\(number)"
      event.category = "garden/tools"
    case .checkoutStart, .purchase:
      event.items = [Event.Item(itemID: "item-\(item)", priceMinor: Int64(item % 9_000 + 100), quantity: 1)]
      event.valueMinor = Int64(item % 9_000 + 100)
      event.currency = Currency("EUR")
      event.orderID = event.type == .purchase ? "o-\(made)" : nil
      event.itemID = nil
    default:
      event.category = "garden/tools"
      event.element = "gallery-next"
      event.url = "https://shop.example/p/\(item)"
    }
    return (event, user)
  }

  /// Adds the event's record value.
  static func write(_ event: Event, to bytes: inout [UInt8]) { NativeJSON.append(event, to: &bytes) }

  private mutating func rank() -> Int {
    guard access == .zipf else { return Int(random.next() % UInt64(users)) }
    let place = Double(random.next() >> 11) * 0x1p-53
    var (low, high) = (0, users - 1)
    while low < high {
      let middle = (low + high) / 2
      if ends[middle] < place { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// In thousandths: how often each type comes up.
  private static func type(_ draw: Int) -> EventType {
    switch draw {
    case ..<580: .pageView
    case ..<830: .pageDwell
    case ..<900: .click
    case ..<930: .favourite
    case ..<975: .cartAdd
    case ..<985: .cartRemove
    case ..<992: .checkoutStart
    default: .purchase
    }
  }
}
