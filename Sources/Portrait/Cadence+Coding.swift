import Events

extension Cadence {
  private enum Flag {
    static let firstPurchase: UInt64 = 1
    static let lastPurchase: UInt64 = 2
    static let hasRevenueCurrency: UInt64 = 4
    static let revenueCurrency: UInt64 = 8
    static let revenue: UInt64 = 16
    static let meanGap: UInt64 = 32
    static let gapSquares: UInt64 = 64
    static let end: UInt64 = 128
  }

  func encode(into writer: inout StateWriter, base: Int64) {
    var flags: UInt64 = firstPurchase == nil ? 0 : Flag.firstPurchase
    if lastPurchase != nil { flags |= Flag.lastPurchase }
    if hasRevenueCurrency { flags |= Flag.hasRevenueCurrency }
    if revenueCurrency != nil { flags |= Flag.revenueCurrency }
    if lifetimeRevenueMinor != 0 { flags |= Flag.revenue }
    // By bits: a negative zero is not a zero.
    if meanGapDays.bitPattern != 0 { flags |= Flag.meanGap }
    if gapSquares.bitPattern != 0 { flags |= Flag.gapSquares }
    writer.unsigned(flags)
    writer.signed(purchases)
    writer.signed(purchaseDays)
    writer.signed(Milliseconds.dayNumber(base) - lastPurchaseDay)
    if let lastPurchase { writer.time(lastPurchase, from: base) }
    if let firstPurchase { writer.time(firstPurchase, from: lastPurchase ?? base) }
    if let revenueCurrency { writer.currency(revenueCurrency) }
    if lifetimeRevenueMinor != 0 { writer.signed(lifetimeRevenueMinor) }
    if meanGapDays.bitPattern != 0 { writer.double(meanGapDays) }
    if gapSquares.bitPattern != 0 { writer.double(gapSquares) }
    // The count in three bits, then two bits for each basis.
    var head = UInt64(orders.count)
    for index in 0..<orders.count {
      head |= UInt64(orders[basis: index].rawValue) << UInt64(3 + 2 * index)
    }
    writer.unsigned(head)
    for index in 0..<orders.count { writer.fixed64(orders.keys[index]) }
  }

  init(from reader: inout StateReader, base: Int64) throws(StateError) {
    self.init()
    let flags = try reader.unsigned(below: Flag.end)
    purchases = try reader.signed()
    purchaseDays = try reader.signed()
    lastPurchaseDay = Milliseconds.dayNumber(base) &- (try reader.signed())
    guard abs(lastPurchaseDay / 2) < farthestTime / Milliseconds.day else {
      throw reader.malformed("a day is out of range")
    }
    if flags & Flag.lastPurchase != 0 { lastPurchase = try reader.time(from: base) }
    if flags & Flag.firstPurchase != 0 { firstPurchase = try reader.time(from: lastPurchase ?? base) }
    hasRevenueCurrency = flags & Flag.hasRevenueCurrency != 0
    if flags & Flag.revenueCurrency != 0 { revenueCurrency = try reader.currency() }
    if flags & Flag.revenue != 0 { lifetimeRevenueMinor = try reader.signed() }
    if flags & Flag.meanGap != 0 { meanGapDays = try reader.double() }
    if flags & Flag.gapSquares != 0 { gapSquares = try reader.double() }
    let isMisspelt =
      flags & Flag.revenue != 0 && lifetimeRevenueMinor == 0
      || flags & Flag.meanGap != 0 && meanGapDays.bitPattern == 0
      || flags & Flag.gapSquares != 0 && gapSquares.bitPattern == 0
      || flags & Flag.meanGap != 0 && !meanGapDays.isFinite
      || flags & Flag.gapSquares != 0 && !gapSquares.isFinite
    if isMisspelt { throw reader.malformed("a sum over purchases is misspelt") }
    try readOrders(&reader)
  }

  private mutating func readOrders(_ reader: inout StateReader) throws(StateError) {
    var head = try reader.unsigned(below: 1 << UInt64(3 + 2 * RecentOrders.maximum))
    let count = Int(head & 7)
    head >>= 3
    if count > RecentOrders.maximum || head >> UInt64(2 * count) != 0 {
      throw reader.malformed("there are too many orders")
    }
    for _ in 0..<count {
      guard let basis = RecentOrders.Basis(rawValue: UInt8(head & 3)) else {
        throw reader.malformed("there is no such basis of a value")
      }
      _ = orders.append(try reader.fixed64(), basis)
      head >>= 2
    }
  }
}

// In a user's block.
extension Cadence {
  mutating func write(into writer: inout BlockWriter) {
    var flags: UInt8 = hasRevenueCurrency ? 1 : 0
    if revenueCurrency != nil { flags |= 2 }
    if purchaseDays > 1 { flags |= 4 }
    if lastPurchase != firstPurchase { flags |= 8 }
    if lastPurchase != nil { flags |= 16 }
    writer.byte(flags)
    writer.small(purchases)
    writer.small(purchaseDays)
    if let lastPurchase { writer.time(lastPurchase) }
    if flags & 8 != 0 { writer.time(firstPurchase ?? 0) }
    writer.amount(lastPurchaseDay)
    if let revenueCurrency { writer.fixed32(revenueCurrency.code) }
    writer.amount(lifetimeRevenueMinor)
    if flags & 4 != 0 {
      writer.double(meanGapDays)
      writer.double(gapSquares)
    }
    orders.write(into: &writer)
  }

  init(from reader: inout BlockReader) {
    self.init()
    let flags = reader.byte()
    purchases = reader.small()
    purchaseDays = reader.small()
    if flags & 16 != 0 { lastPurchase = reader.time() }
    firstPurchase = flags & 8 != 0 ? reader.time() : lastPurchase
    lastPurchaseDay = reader.amount()
    hasRevenueCurrency = flags & 1 != 0
    if flags & 2 != 0 { revenueCurrency = Currency(trusted: reader.fixed32()) }
    lifetimeRevenueMinor = reader.amount()
    if flags & 4 != 0 {
      meanGapDays = reader.double()
      gapSquares = reader.double()
    }
    orders = RecentOrders(from: &reader)
  }
}
