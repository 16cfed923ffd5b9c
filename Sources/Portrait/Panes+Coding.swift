import Events

// Panes as stored bytes: the horizon, then for each pane its distance from the one before, a mask of the sums that are
// not 0, and these. Pane starts are multiples of the finest hop there is.

extension PaneSums {
  static let fieldCount = 13
  /// What counts events and not units, milliseconds or money: by number, as bits.
  private static let counts: UInt64 = 0b1110_0101_0111
  /// No pane counts as many events, and no sum over all of a user's panes is beyond an `Int64`.
  private static let farthestCount: UInt64 = 1 << 45

  /// The sums by number, the most frequent first: a mask of the first seven takes one byte.
  subscript(field index: Int) -> Int64 {
    get {
      switch index {
      case 0: events
      case 1: views
      case 2: sessions
      case 3: dwellMilliseconds
      case 4: clicks
      case 5: cartAdds
      case 6: purchases
      case 7: itemsBought
      case 8: revenueMinor
      case 9: bounces
      case 10: searches
      case 11: favourites
      case 12: cartRemovals
      default: preconditionFailure("no such sum")
      }
    }
    set {
      switch index {
      case 0: events = newValue
      case 1: views = newValue
      case 2: sessions = newValue
      case 3: dwellMilliseconds = newValue
      case 4: clicks = newValue
      case 5: cartAdds = newValue
      case 6: purchases = newValue
      case 7: itemsBought = newValue
      case 8: revenueMinor = newValue
      case 9: bounces = newValue
      case 10: searches = newValue
      case 11: favourites = newValue
      case 12: cartRemovals = newValue
      default: preconditionFailure("no such sum")
      }
    }
  }

  func encode(into writer: inout StateWriter) {
    var mask: UInt64 = 0
    if events != 0 { mask |= 1 }
    if views != 0 { mask |= 2 }
    if sessions != 0 { mask |= 4 }
    if dwellMilliseconds != 0 { mask |= 8 }
    if clicks != 0 { mask |= 16 }
    if cartAdds != 0 { mask |= 32 }
    if purchases != 0 { mask |= 64 }
    if itemsBought != 0 { mask |= 128 }
    if revenueMinor != 0 { mask |= 256 }
    if bounces != 0 { mask |= 512 }
    if searches != 0 { mask |= 1_024 }
    if favourites != 0 { mask |= 2_048 }
    if cartRemovals != 0 { mask |= 4_096 }
    unsafe writer.write(atMost: (Self.fieldCount + 1) * StateWriter.longestNumber) { start in
      var place = unsafe start + StateWriter.store(mask, at: start)
      func store(_ value: Int64) {
        unsafe place += StateWriter.store(StateWriter.zigzag(value), at: place)
      }
      if mask & 1 != 0 { store(events) }
      if mask & 2 != 0 { store(views) }
      if mask & 4 != 0 { store(sessions) }
      if mask & 8 != 0 { store(dwellMilliseconds) }
      if mask & 16 != 0 { store(clicks) }
      if mask >= 32 {
        if mask & 32 != 0 { store(cartAdds) }
        if mask & 64 != 0 { store(purchases) }
        if mask & 128 != 0 { store(itemsBought) }
        if mask & 256 != 0 { store(revenueMinor) }
        if mask & 512 != 0 { store(bounces) }
        if mask & 1_024 != 0 { store(searches) }
        if mask & 2_048 != 0 { store(favourites) }
        if mask & 4_096 != 0 { store(cartRemovals) }
      }
      return unsafe place - start
    }
  }

  init(from reader: inout StateReader) throws(StateError) {
    self.init()
    var mask = try reader.unsigned(below: 1 << UInt64(Self.fieldCount))
    while mask != 0 {
      let value = try reader.signed()
      if value == 0 { throw reader.malformed("a sum of 0 is written out") }
      let field = mask.trailingZeroBitCount
      if Self.counts & 1 << UInt64(field) != 0, value.magnitude >= Self.farthestCount {
        throw reader.malformed("a pane counts more than anybody could")
      }
      self[field: field] = value
      mask &= mask - 1
    }
  }
}

extension Panes {
  /// Panes that a user can have: 12 hours in steps of 5 minutes, 12 days in hours, and days beyond them.
  private static let maximumPanes = 100_000

  func encode(into writer: inout StateWriter, base: Int64) {
    writer.unsigned(UInt64(count) << 1 | (horizon == .min ? 0 : 1))
    var place = Milliseconds.floor(base, to: Self.grain)
    if horizon != .min {
      writer.time(horizon, from: base)
      place = Milliseconds.floor(horizon, to: Self.grain)
    }
    if count == 0 { return }
    if count == 1 {
      writer.signed((place - latest.start) / Self.grain)
    } else {
      // The older ones are in memory as they are here, except for where the first begins.
      unsafe older.withBytes { bytes in
        var reader = unsafe StateReader(bytes)
        let first = trusted { () throws(StateError) in try reader.signed() }
        writer.signed(place / Self.grain - first)
        unsafe writer.raw(UnsafeRawBufferPointer(rebasing: bytes[reader.place...]))
      }
      writer.unsigned(Self.step(latest.start - olderStart))
    }
    latest.sums.encode(into: &writer)
  }

  /// Takes the place of whatever panes are here.
  mutating func decode(from reader: inout StateReader, base: Int64) throws(StateError) {
    let head = try reader.unsigned(below: UInt64(Self.maximumPanes) << 1)
    let count = Int(head >> 1)
    // A pane takes two bytes at least.
    if count > reader.rest / 2 { throw reader.malformed("there are more panes than bytes") }
    var place = Milliseconds.floor(base, to: Self.grain)
    horizon = .min
    if head & 1 > 0 {
      horizon = try reader.time(from: base)
      place = Milliseconds.floor(horizon, to: Self.grain)
    }
    open.removeAll(keepingCapacity: true)
    open.reserveCapacity(count)
    for index in 0..<count {
      if index == 0 {
        let steps = try reader.signed()
        guard abs(steps / 2) < farthestTime / Self.grain else {
          throw reader.malformed("a pane is out of range")
        }
        place -= steps * Self.grain
      } else {
        place += try Self.distance(&reader)
      }
      if abs(place) > farthestTime { throw reader.malformed("a pane is out of range") }
      open.append(Pane(start: place, sums: try PaneSums(from: &reader)))
    }
    putTogether(nil)
  }
}
