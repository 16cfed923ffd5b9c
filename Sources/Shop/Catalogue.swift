import Events

/// A country that the shop sells to.
struct Market: Sendable {
  /// IANA name.
  var timezone: String
  /// Its winter offset from UTC. Shoppers' daily rhythm need not know of summer time.
  var offsetHours: Int64
  var currency: Currency
  var language: String
  /// Minor units here for one euro cent.
  var price: Double

  private init(_ timezone: String, _ offset: Int64, _ currency: String, _ language: String, _ price: Double) {
    guard let currency = Currency(currency) else { preconditionFailure("\(currency) is no currency") }
    self.timezone = timezone
    offsetHours = offset
    self.currency = currency
    self.language = language
    self.price = price
  }

  /// Each as often as it stands here.
  static let all = [
    Market("Europe/Berlin", 1, "EUR", "de", 1), Market("Europe/Berlin", 1, "EUR", "de", 1),
    Market("Europe/Paris", 1, "EUR", "fr", 1), Market("Europe/Madrid", 1, "EUR", "es", 0.95),
    Market("Europe/London", 0, "GBP", "en", 0.86), Market("America/New_York", -5, "USD", "en", 1.08),
    Market("Asia/Tokyo", 9, "JPY", "ja", 1.6), Market("Asia/Shanghai", 8, "CNY", "zh", 7.8),
  ]
}

/// What the shop sells. Nothing is stored: category, brand and price follow from the item's number.
struct Catalogue: Sendable {
  static let categories = [
    "books", "coffee", "garden", "games", "kitchen", "lighting", "outdoor", "shoes", "stationery", "tea",
    "tools", "toys",
  ]
  static let brands = ["Ahlgren", "Bruma", "Corvo", "Dal", "Estuary", "Fjord", "Gale", "Haven"]
  static let searches = ["gift", "blue lamp", "running shoes", "oolong", "board game", "notebook a5"]
  static let reviews = [
    "Exactly as described.", "Came late, but fine.", "Smaller than it looks in the picture.",
    "Would buy again.", "Der Griff wackelt.", "とても良いです",
  ]

  /// Number of items.
  let size: Int

  func itemID(_ item: Int) -> String { "sku-\(1_000 + item)" }

  func category(_ item: Int) -> String {
    Self.categories[Int(ShopRandom.mix(UInt64(item)) % UInt64(Self.categories.count))]
  }

  func brand(_ item: Int) -> String {
    Self.brands[Int(ShopRandom.mix(UInt64(item) ^ 0xb5) % UInt64(Self.brands.count))]
  }

  /// Unit price in minor units of the market's currency: 3 to about 500 euros, cheap things being more.
  func priceMinor(_ item: Int, _ market: Market) -> Int64 {
    let place = Double(ShopRandom.mix(UInt64(item) ^ 0x9c) >> 11) * 0x1p-53
    let euros = 3 + 12 * place + 485 * place * place * place * place
    return max(1, Int64(euros * 100 * market.price))
  }
}
