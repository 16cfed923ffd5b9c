import Events

/// One visit, planned as a whole when it begins: the events of one shopper in order of their time.
struct Visit {
  /// How a cart left the visit, if it was touched.
  enum Outcome { case none, left, bought, cleared }

  let shop: Catalogue
  let options: ShopOptions
  let sessionID: String
  var shopper: Shopper
  var random: ShopRandom
  /// Event time; each event moves it on.
  var clock: Int64
  var events: [Event] = []
  var outcome = Outcome.none
  var openedCart = false
  /// Orders of this visit, for refunds: order id and value.
  var order: Event?

  /// The visit's own seed follows from the stream's, so that a visit's length does not shift what others do.
  init(of shopper: Shopper, at time: Int64, shop: Catalogue, options: ShopOptions, seed: UInt64) {
    self.shopper = shopper
    self.shop = shop
    self.options = options
    clock = time
    random = ShopRandom(seed: seed)
    sessionID = "s" + String(ShopRandom.mix(seed), radix: 16)
  }

  /// Plans everything.
  mutating func plan() {
    let interest = shopper.interest(at: clock)
    if !shopper.introduced { introduce() }
    switch shopper.errand {
    case .buyCart:
      visitCartPage()
      if random.chance(0.15), shopper.cart.count > 1 { removeLine() }
      buy()
    case .comeBack:
      shopper.driftsAt = nil
      browse(pages: options.pagesPerVisit, interest: 1)
      if random.chance(0.4) {
        fillCart(interest: 1)
        buy()
      }
      // Who came back may drift away once more.
      if random.chance(options.driftShare) { shopper.planDrift(from: clock, options, &random) }
    case .browse:
      browse(pages: max(1, options.pagesPerVisit * (0.3 + 0.7 * interest)), interest: interest)
      if !shopper.cart.isEmpty, random.chance(0.3) { reconsiderCart(interest: interest) }
      // Who drifts away still puts things aside, but does not buy them.
      if outcome == .none, random.chance(min(1, options.cartShare * (interest < 1 ? 1.5 : 1))) {
        fillCart(interest: interest)
        if interest == 1, random.chance(options.boughtAtOnceShare) {
          buy()
        } else {
          outcome = .left
          if random.chance(0.35) { startCheckout() }
        }
      }
    }
  }

  // MARK: Events

  /// Adds an event of the shopper at the clock, and lets a moment pass.
  mutating func happen(_ type: EventType, _ fill: (inout Event) -> Void = { _ in }) {
    var event = Event(type: type, ts: clock, userID: shopper.userID, sessionID: sessionID)
    if shopper.anonymous || type == .profile { event.anonymousID = shopper.anonymousID }
    fill(&event)
    events.append(event)
    clock += random.between(200, 2_500)
  }

  private mutating func introduce() {
    shopper.introduced = true
    guard !shopper.anonymous else { return }
    let (market, optedOut) = (shopper.market, shopper.optedOut)
    let loyalty = Double(random.index(4))
    happen(.profile) {
      $0.sessionID = nil
      $0.traits = [
        "timezone": .text(market.timezone), "lang": .text(market.language), "loyalty_level": .number(loyalty),
      ]
      if optedOut { $0.traits["ebb_opt_out"] = .text("true") }
    }
  }

  /// Sets what is known of an item.
  private func describe(_ item: Int, in event: inout Event) {
    event.itemID = shop.itemID(item)
    event.category = shop.category(item)
    event.brand = shop.brand(item)
    event.priceMinor = shop.priceMinor(item, shopper.market)
    event.currency = shopper.market.currency
  }

  /// A page, looked at for a while; dwell is reported as time passes, and at the end.
  private mutating func look(at url: String, item: Int? = nil, interest: Double) {
    let shop = self
    let referrer = events.contains { $0.type == .pageView } ? nil : "https://search.example/?q=ebb"
    happen(.pageView) {
      $0.url = url
      $0.referrer = referrer
      if let item { shop.describe(item, in: &$0) }
    }
    let mean = Double(options.dwellPerPageMilliseconds) * (0.3 + 0.7 * interest)
    var left = min(10 * Milliseconds.minute, max(1_000, Int64(random.erlang(2) * mean)))
    if random.chance(0.2) {
      happen(.click) {
        $0.url = url
        $0.element = "gallery"
      }
    }
    while left >= 500 {
      let reported = min(left, options.dwellReportMilliseconds)
      clock += reported
      left -= reported
      happen(.pageDwell) {
        $0.url = url
        $0.dwellMilliseconds = reported
        $0.itemID = item.map(shop.shop.itemID)
      }
    }
  }

  private mutating func browse(pages mean: Double, interest: Double) {
    for _ in 0..<min(60, random.count(mean: mean, shape: 2)) {
      switch random.index(10) {
      case 0: look(at: "/", interest: interest)
      case 1, 2:
        look(at: "/c/" + Catalogue.categories[random.index(Catalogue.categories.count)], interest: interest)
      case 3:
        let words = Catalogue.searches[random.index(Catalogue.searches.count)]
        happen(.search) {
          $0.text = words
          $0.url = "/search"
        }
        look(at: "/search", interest: interest)
      default:
        let item = random.popular(shop.size)
        look(at: "/p/" + shop.itemID(item), item: item, interest: interest)
        let shop = self
        if random.chance(0.05) { happen(.favourite) { shop.describe(item, in: &$0) } }
      }
    }
    if let item = shopper.bought, random.chance(0.2) { review(item) }
  }

  private mutating func review(_ item: Int) {
    shopper.bought = nil
    let stars = Double(random.index(9) + 2) / 2
    let text = Catalogue.reviews[random.index(Catalogue.reviews.count)]
    let (id, language) = (shop.itemID(item), shopper.market.language)
    happen(.review) {
      $0.itemID = id
      $0.rating = stars
      $0.text = text
      $0.language = language
    }
  }
}
