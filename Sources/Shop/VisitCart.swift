import Events

/// What a visit does with the cart.
extension Visit {
  /// At most this many lines: shoppers of this shop are modest.
  static let maximumLines = 8

  /// The cart's lines as an event lists them.
  private var items: [Event.Item] {
    shopper.cart.map {
      Event.Item(
        itemID: shop.itemID($0.item), priceMinor: shop.priceMinor($0.item, shopper.market),
        quantity: $0.quantity)
    }
  }

  private var value: Int64 {
    shopper.cart.reduce(0) { $0 + shop.priceMinor($1.item, shopper.market) * $1.quantity }
  }

  /// Sets the list, the value and the ids of the cart.
  private func describeCart(in event: inout Event) {
    event.cartID = shopper.cartID
    event.items = items
    event.valueMinor = value
    event.currency = shopper.market.currency
  }

  mutating func visitCartPage() {
    happen(.pageView) { $0.url = "/cart" }
    let spent = random.between(4_000, 40_000)
    clock += spent
    happen(.pageDwell) {
      $0.url = "/cart"
      $0.dwellMilliseconds = spent
    }
  }

  mutating func fillCart(interest: Double) {
    for _ in 0..<min(Self.maximumLines, random.count(mean: 1.9)) where shopper.cart.count < Self.maximumLines
    {
      let item = random.popular(shop.size)
      let quantity: Int64 = random.chance(0.15) ? random.between(2, 4) : 1
      add(item, quantity)
      clock += random.between(5_000, 90_000)
    }
    if random.chance(0.12), shopper.cart.count > 1 { removeLine() }
    if random.chance(0.15) { changeQuantity() }
  }

  private mutating func add(_ item: Int, _ quantity: Int64) {
    if shopper.cart.isEmpty {
      openedCart = true
      shopper.cartID = "c" + String(random.next(), radix: 16)
    }
    if let line = shopper.cart.firstIndex(where: { $0.item == item }) {
      shopper.cart[line].quantity += quantity
    } else {
      shopper.cart.append(Shopper.Line(item: item, quantity: quantity))
    }
    let visit = self
    happen(.click) {
      $0.element = "add-to-cart"
      $0.url = "/p/" + visit.shop.itemID(item)
    }
    happen(.cartAdd) {
      $0.itemID = visit.shop.itemID(item)
      $0.category = visit.shop.category(item)
      $0.brand = visit.shop.brand(item)
      $0.priceMinor = visit.shop.priceMinor(item, visit.shopper.market)
      $0.currency = visit.shopper.market.currency
      $0.quantity = quantity
      $0.cartID = visit.shopper.cartID
    }
  }

  /// Takes one line out; never the last.
  mutating func removeLine() {
    let line = shopper.cart.remove(at: random.index(shopper.cart.count))
    let (id, cartID) = (shop.itemID(line.item), shopper.cartID)
    // Half of the shops do not say how many; it then means the line.
    let quantity = random.chance(0.5) ? line.quantity : nil
    happen(.cartRemove) {
      $0.itemID = id
      $0.quantity = quantity
      $0.cartID = cartID
    }
  }

  /// Changes a quantity on the cart page, which tells the whole cart.
  private mutating func changeQuantity() {
    let line = random.index(shopper.cart.count)
    shopper.cart[line].quantity = random.between(1, 5)
    let visit = self
    happen(.cartSet) { visit.describeCart(in: &$0) }
  }

  mutating func startCheckout() {
    visitCartPage()
    let visit = self
    happen(.checkoutStart) { visit.describeCart(in: &$0) }
    clock += random.between(10_000, 120_000)
  }

  mutating func buy() {
    guard !shopper.cart.isEmpty else { return }
    startCheckout()
    let visit = self
    let orderID = "o" + String(random.next(), radix: 16)
    happen(.purchase) {
      visit.describeCart(in: &$0)
      $0.orderID = orderID
    }
    order = events.last
    shopper.bought = shopper.cart.first?.item
    empty(.bought)
  }

  /// Looks again at a cart left behind by an earlier visit.
  mutating func reconsiderCart(interest: Double) {
    visitCartPage()
    switch random.index(10) {
    case 0,
      1 where interest == 1:
      buy()
    case 4, 5:
      let cartID = shopper.cartID
      happen(.cartClear) { $0.cartID = cartID }
      empty(.cleared)
    case 6, 7:
      changeQuantity()
      outcome = .left
    default: break
    }
  }

  private mutating func empty(_ how: Outcome) {
    outcome = how
    shopper.cart = []
    shopper.cartID = nil
  }
}
