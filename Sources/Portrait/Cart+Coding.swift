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
    if hasCartID { flags |= Flag.cartID }
    if orderHash != nil { flags |= Flag.orderHash }
    if !itemBarriers.isEmpty { flags |= Flag.itemBarriers }
    if uncountedLines != 0 { flags |= Flag.uncountedLines }
    writer.unsigned(flags)
    if barrier != .min { writer.time(barrier, from: base) }
    if firstAdd != 0 { writer.time(firstAdd, from: base) }
    if hasCartID {
      writer.count(cartIDText.count)
      writer.raw(cartIDText)
    }
    if let orderHash { writer.fixed64(orderHash) }
    if uncountedLines != 0 { writer.signed(uncountedLines) }
    if !itemBarriers.isEmpty {
      writer.count(itemBarriers.count)
      for index in 0..<itemBarriers.count {
        writer.fixed64(itemBarriers[index].hash)
        writer.time(itemBarriers[index].time, from: base)
      }
    }
    guard !lines.isEmpty else { return }
    writer.count(lines.count)
    var currency: Currency?
    // By its place: whoever walks along a list holds on to it, and each reference is counted.
    for index in 0..<lines.count {
      encode(lines[index], into: &writer, base: base, earlier: currency)
      currency = lines[index].currency ?? currency
    }
  }

  /// Takes the place of whatever cart is here.
  mutating func decode(from reader: inout StateReader, base: Int64) throws(StateError) {
    reset()
    let flags = try reader.unsigned(below: Flag.end)
    if flags & Flag.barrier != 0 { barrier = try reader.time(from: base) }
    if flags & Flag.firstAdd != 0 { firstAdd = try reader.time(from: base) }
    if flags & Flag.cartID != 0 {
      hasCartID = true
      try reader.appendText(to: &cartIDText)
    }
    if flags & Flag.orderHash != 0 { orderHash = try reader.fixed64() }
    if flags & Flag.uncountedLines != 0 { uncountedLines = try reader.signed() }
    if flags & Flag.itemBarriers != 0 {
      let count = try reader.count(Self.rememberedPurchases, each: 9)
      for _ in 0..<count {
        itemBarriers.append(
          ItemBarrier(hash: try reader.fixed64(), time: try reader.time(from: base)))
      }
    }
    if flags & Flag.lines != 0 {
      let count = try reader.count(Self.maximumLines, each: 3)
      var currency: Currency?
      for _ in 0..<count {
        let line = try decodeLine(from: &reader, base: base, earlier: currency)
        currency = line.currency ?? currency
        append(line)
      }
    }
    let isMisspelt =
      flags & Flag.firstAdd != 0 && firstAdd == 0
      || flags & Flag.uncountedLines != 0 && uncountedLines == 0
      || flags & Flag.itemBarriers != 0 && itemBarriers.isEmpty || flags & Flag.lines != 0 && lines.isEmpty
    if isMisspelt { throw reader.malformed("a part of a cart that is not there is written out") }
  }
}

// A line.
extension Cart {
  private enum LineFlag {
    static let priced: UInt64 = 1
    static let currency: UInt64 = 2
    static let sameCurrency: UInt64 = 4
    static let several: UInt64 = 8
    /// The hash is not that of the item id as it is kept.
    static let ownHash: UInt64 = 16
    static let end: UInt64 = 32
  }

  /// - Parameter earlier: the currency of the line before that has one.
  private func encode(
    _ line: CartLine, into writer: inout StateWriter, base: Int64, earlier: Currency?
  ) {
    let place = Int(line.item.start)..<Int(line.item.start) + Int(line.item.count)
    let hasOwnHash = unsafe text.withUnsafeBytes { unsafe line.hash != Cart.itemHash($0[place]) }
    var flags: UInt64 = line.priceMinor == nil ? 0 : LineFlag.priced
    if let currency = line.currency {
      flags |= currency == earlier ? LineFlag.sameCurrency : LineFlag.currency
    }
    if line.quantity != 1 { flags |= LineFlag.several }
    if hasOwnHash { flags |= LineFlag.ownHash }
    writer.unsigned(flags)
    writer.count(place.count)
    unsafe text.withUnsafeBytes { unsafe writer.raw(UnsafeRawBufferPointer(rebasing: $0[place])) }
    if hasOwnHash { writer.fixed64(line.hash) }
    if line.quantity != 1 { writer.signed(line.quantity) }
    if let priceMinor = line.priceMinor { writer.signed(priceMinor) }
    if let currency = line.currency, currency != earlier { writer.currency(currency) }
    writer.time(line.touched, from: base)
  }

  /// The text of its item goes behind that of the others; the line itself is the caller's to append.
  private mutating func decodeLine(
    from reader: inout StateReader, base: Int64, earlier: Currency?
  ) throws(StateError) -> CartLine {
    let flags = try reader.unsigned(below: LineFlag.end)
    let start = text.count
    try reader.appendText(to: &text)
    var hash = unsafe text.withUnsafeBytes { unsafe Cart.itemHash($0[start...]) }
    if flags & LineFlag.ownHash != 0 {
      let own = try reader.fixed64()
      if own == hash { throw reader.malformed("the hash of an item is written out") }
      hash = own
    }
    let quantity = flags & LineFlag.several != 0 ? try reader.signed() : 1
    if flags & LineFlag.several != 0, quantity == 1 {
      throw reader.malformed("a quantity of 1 is written out")
    }
    if quantity < 1 || quantity > Cart.maximumQuantity { throw reader.malformed("no such quantity") }
    let price = flags & LineFlag.priced != 0 ? try reader.signed() : nil
    var currency: Currency?
    switch flags & (LineFlag.currency | LineFlag.sameCurrency) {
    case 0: break
    case LineFlag.currency:
      currency = try reader.currency()
      if currency == earlier { throw reader.malformed("a currency is written out again") }
    case LineFlag.sameCurrency:
      guard earlier != nil else { throw reader.malformed("there is no earlier currency") }
      currency = earlier
    default: throw reader.malformed("a line has two currencies")
    }
    return CartLine(
      item: TextRange(start: UInt32(start), count: UInt32(text.count - start)), hash: hash,
      quantity: quantity, priceMinor: price, currency: currency,
      touched: try reader.time(from: base))
  }
}
