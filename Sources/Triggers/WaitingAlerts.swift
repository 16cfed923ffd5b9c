import Events
import Portrait

/// A user's fired alerts that a purchase may answer, in order of their times, with the hashes of the items that each
/// listed. The items of all are one list, so that a user is read without an allocation.
struct WaitingAlerts: Sendable, Hashable {
  /// One of them.
  struct Alert: Sendable, Hashable {
    var id: AlertID
    var time: Int64
    var episode: Int64
    var step: Int
    var valueMinor: Int64?
    var currency: Currency?
    /// Which of the user's carts it was about.
    var cart: Int64
    /// When that cart was emptied without a purchase.
    var clearedAt: Int64?
    /// How many of the items are its own.
    var itemCount = 0
  }

  /// As many may wait at once; the oldest gives way.
  static let maximum = 16

  private(set) var alerts: [Alert] = []
  /// Of the first alert, then of the second, and so on.
  private(set) var items: [UInt64] = []

  var count: Int { alerts.count }
  var isEmpty: Bool { alerts.isEmpty }
  var last: Alert? { alerts.last }

  subscript(_ index: Int) -> Alert { alerts[index] }

  private func places(of index: Int) -> Range<Int> {
    var first = 0
    for earlier in 0..<index { first += alerts[earlier].itemCount }
    return first..<first + alerts[index].itemCount
  }

  /// Whether it listed an item that `condition` holds for.
  func lists(_ index: Int, _ condition: (UInt64) -> Bool) -> Bool {
    for place in places(of: index) where condition(items[place]) { return true }
    return false
  }

  /// Calls `body` with the hash of each item that the alert listed.
  func forEachItem(of index: Int, _ body: (UInt64) -> Void) {
    for place in places(of: index) { body(items[place]) }
  }

  /// Where an alert's items can be found, as it is stored.
  enum ItemSource {
    /// They are those of the cart as it is.
    case cart
    /// They are those of the alert before; before the first there are none.
    case earlier
    case own
  }

  /// Whether it listed what the cart holds now.
  func listsItems(_ index: Int, of cart: borrowing Cart) -> Bool {
    let places = places(of: index)
    if places.count != cart.lines.count { return false }
    for place in places where items[place] != cart.lines[place - places.lowerBound].hash { return false }
    return true
  }

  /// Whether it listed what the alert before it did.
  func listsAsEarlier(_ index: Int) -> Bool {
    let places = places(of: index)
    let count = index == 0 ? 0 : alerts[index - 1].itemCount
    if places.count != count { return false }
    for place in places where items[place] != items[place - count] { return false }
    return true
  }

  /// Takes one in behind all others. `itemCount` items of it are to follow by `append`.
  mutating func append(_ alert: Alert) { alerts.append(alert) }

  mutating func append(item: UInt64) { items.append(item) }

  /// Takes one in at the place that its time has.
  mutating func insert(_ alert: Alert, items hashes: some Collection<UInt64>) {
    if count == Self.maximum { remove(at: 0) }
    var alert = alert
    alert.itemCount = hashes.count
    var place = count
    while place > 0, alerts[place - 1].time > alert.time { place -= 1 }
    items.insert(contentsOf: hashes, at: place == count ? items.count : places(of: place).lowerBound)
    alerts.insert(alert, at: place)
  }

  mutating func remove(at index: Int) {
    items.removeSubrange(places(of: index))
    alerts.remove(at: index)
  }

  /// Keeps the memory.
  mutating func removeAll() {
    alerts.empty()
    items.empty()
  }

  /// The cart has been emptied without a purchase.
  mutating func clear(cart: Int64, at time: Int64) {
    for index in alerts.indices where alerts[index].cart == cart {
      if alerts[index].clearedAt == nil { alerts[index].clearedAt = time }
    }
  }
}
