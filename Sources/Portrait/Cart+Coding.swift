import Events

extension Cart {
  private enum Flag {
    static let lines: UInt64 = 1
    static let barrier: UInt64 = 2
    static let firstAdd: UInt64 = 4
    static let cartID: UInt64 = 8
    static let orderHash: UInt64 = 16
    static let itemBarriers: UInt64 = 32
    static let uncountedLines: UInt64 = 64
    static let end: UInt64 = 128
  }

  func encode(into writer: inout StateWriter, base: Int64) {
    var flags: UInt64 = lines.isEmpty ? 0 : Flag.lines
    if barrier != .min { flags |= Flag.barrier }
    if firstAdd != 0 { flags |= Flag.firstAdd }
    if cartID != nil { flags |= Flag.cartID }
    if orderHash != nil { flags |= Flag.orderHash }
    if !itemBarriers.isEmpty { flags |= Flag.itemBarriers }
    if uncountedLines != 0 { flags |= Flag.uncountedLines }
    writer.unsigned(flags)
    if barrier != .min { writer.time(barrier, from: base) }
    if firstAdd != 0 { writer.time(firstAdd, from: base) }
    if let cartID { writer.string(cartID) }
    if let orderHash { writer.fixed64(orderHash) }
    if uncountedLines != 0 { writer.signed(uncountedLines) }
    if !itemBarriers.isEmpty {
      writer.count(itemBarriers.count)
      for barrier in itemBarriers {
        writer.fixed64(barrier.hash)
        writer.time(barrier.time, from: base)
      }
    }
    guard !lines.isEmpty else { return }
    writer.count(lines.count)
    var currency: Currency?
    for line in lines {
      line.encode(into: &writer, base: base, earlier: currency)
      currency = line.currency ?? currency
    }
  }

  init(from reader: inout StateReader, base: Int64) throws(StateError) {
    self.init()
    let flags = try reader.unsigned(below: Flag.end)
    if flags & Flag.barrier != 0 { barrier = try reader.time(from: base) }
    if flags & Flag.firstAdd != 0 { firstAdd = try reader.time(from: base) }
    if flags & Flag.cartID != 0 { cartID = try reader.string() }
    if flags & Flag.orderHash != 0 { orderHash = try reader.fixed64() }
    if flags & Flag.uncountedLines != 0 { uncountedLines = try reader.signed() }
    if flags & Flag.itemBarriers != 0 {
      let count = try reader.count(Self.rememberedPurchases, each: 9)
      itemBarriers.reserveCapacity(count)
      for _ in 0..<count {
        itemBarriers.append(
          ItemBarrier(hash: try reader.fixed64(), time: try reader.time(from: base)))
      }
    }
    if flags & Flag.lines != 0 {
      let count = try reader.count(Self.maximumLines, each: 3)
      lines.reserveCapacity(count)
      var currency: Currency?
      for _ in 0..<count {
        let line = try CartLine(from: &reader, base: base, earlier: currency)
        currency = line.currency ?? currency
        lines.append(line)
      }
    }
    let isMisspelt =
      flags & Flag.firstAdd != 0 && firstAdd == 0
      || flags & Flag.uncountedLines != 0 && uncountedLines == 0
      || flags & Flag.itemBarriers != 0 && itemBarriers.isEmpty || flags & Flag.lines != 0 && lines.isEmpty
    if isMisspelt { throw reader.malformed("a part of a cart that is not there is written out") }
  }
}

extension CartLine {
  private enum Flag {
    static let priced: UInt64 = 1
    static let currency: UInt64 = 2
    static let sameCurrency: UInt64 = 4
    static let several: UInt64 = 8
    /// The hash is not that of the item id as it is kept.
    static let ownHash: UInt64 = 16
    static let end: UInt64 = 32
  }

  /// - Parameter earlier: the currency of the line before that has one.
  func encode(into writer: inout StateWriter, base: Int64, earlier: Currency?) {
    let hasOwnHash = hash != Cart.itemHash(itemID.utf8)
    var flags: UInt64 = priceMinor == nil ? 0 : Flag.priced
    if let currency { flags |= currency == earlier ? Flag.sameCurrency : Flag.currency }
    if quantity != 1 { flags |= Flag.several }
    if hasOwnHash { flags |= Flag.ownHash }
    writer.unsigned(flags)
    writer.string(itemID)
    if hasOwnHash { writer.fixed64(hash) }
    if quantity != 1 { writer.signed(quantity) }
    if let priceMinor { writer.signed(priceMinor) }
    if let currency, currency != earlier { writer.currency(currency) }
    writer.time(touched, from: base)
  }

  init(from reader: inout StateReader, base: Int64, earlier: Currency?) throws(StateError) {
    let flags = try reader.unsigned(below: Flag.end)
    let itemID = try reader.string()
    var hash = Cart.itemHash(itemID.utf8)
    if flags & Flag.ownHash != 0 {
      let own = try reader.fixed64()
      if own == hash { throw reader.malformed("the hash of an item is written out") }
      hash = own
    }
    let quantity = flags & Flag.several != 0 ? try reader.signed() : 1
    if flags & Flag.several != 0, quantity == 1 { throw reader.malformed("a quantity of 1 is written out") }
    if quantity < 1 || quantity > Cart.maximumQuantity { throw reader.malformed("no such quantity") }
    let price = flags & Flag.priced != 0 ? try reader.signed() : nil
    var currency: Currency?
    switch flags & (Flag.currency | Flag.sameCurrency) {
    case 0: break
    case Flag.currency:
      currency = try reader.currency()
      if currency == earlier { throw reader.malformed("a currency is written out again") }
    case Flag.sameCurrency:
      guard earlier != nil else { throw reader.malformed("there is no earlier currency") }
      currency = earlier
    default: throw reader.malformed("a line has two currencies")
    }
    self.init(
      itemID: itemID, hash: hash, quantity: quantity, priceMinor: price, currency: currency,
      touched: try reader.time(from: base))
  }
}
