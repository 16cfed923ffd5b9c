import Events

// Panes as bytes: the horizon, the cuts, then for each pane its distance from the one before, a mask of the sums
// that are not 0, and these. Pane starts and cuts are multiples of the finest hop there is.

extension PaneSums {
  static let fieldCount = 13

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
    for index in 0..<Self.fieldCount where self[field: index] != 0 { mask |= 1 << UInt64(index) }
    writer.unsigned(mask)
    for index in 0..<Self.fieldCount where self[field: index] != 0 { writer.signed(self[field: index]) }
  }

  init(from reader: inout StateReader) throws(StateError) {
    self.init()
    var mask = try reader.unsigned(below: 1 << UInt64(Self.fieldCount))
    while mask != 0 {
      let value = try reader.signed()
      if value == 0 { throw reader.malformed("a sum of 0 is written out") }
      self[field: mask.trailingZeroBitCount] = value
      mask &= mask - 1
    }
  }
}

extension Panes {
  /// All hops are multiples of it, and divide a day.
  private static let grain = 5 * Milliseconds.minute
  /// Panes that a user can have: 12 hours in steps of 5 minutes, 12 days in hours, and days beyond them.
  private static let maximumPanes = 100_000

  private var tierCount: Int {
    if horizon == .min { return 0 }
    if cuts.second == .max { return 1 }
    return cuts.third == .max ? 2 : 3
  }

  func encode(into writer: inout StateWriter, base: Int64) {
    writer.unsigned(UInt64(panes.count) << 2 | UInt64(tierCount))
    var place = Milliseconds.floor(base, to: Self.grain)
    if horizon != .min {
      writer.time(horizon, from: base)
      place = Milliseconds.floor(horizon, to: Self.grain)
      writer.unsigned(UInt64((place - cuts.first) / Self.grain))
      if tierCount > 1 { writer.unsigned(UInt64((place - cuts.second) / Self.grain)) }
      if tierCount > 2 { writer.unsigned(UInt64((place - cuts.third) / Self.grain)) }
    }
    for (index, pane) in panes.enumerated() {
      if index == 0 {
        writer.signed((place - pane.start) / Self.grain)
      } else {
        writer.unsigned(Self.step(pane.start - place))
      }
      place = pane.start
      pane.sums.encode(into: &writer)
    }
  }

  /// A distance between panes in the largest hop that measures it: the unit in the lowest two bits.
  private static func step(_ distance: Int64) -> UInt64 {
    if distance % Milliseconds.day == 0 { return UInt64(distance / Milliseconds.day) << 2 | 2 }
    if distance % Milliseconds.hour == 0 { return UInt64(distance / Milliseconds.hour) << 2 | 1 }
    return UInt64(distance / grain) << 2
  }

  init(from reader: inout StateReader, base: Int64) throws(StateError) {
    self.init()
    let head = try reader.unsigned(below: UInt64(Self.maximumPanes) << 2)
    let count = Int(head >> 2)
    // A pane takes two bytes at least.
    if count > reader.rest / 2 { throw reader.malformed("there are more panes than bytes") }
    var place = Milliseconds.floor(base, to: Self.grain)
    if head & 3 > 0 {
      horizon = try reader.time(from: base)
      place = Milliseconds.floor(horizon, to: Self.grain)
      cuts = PaneCuts(first: try Self.cut(place, &reader), second: .max, third: .max)
      if head & 3 > 1 { cuts.second = try Self.cut(place, &reader) }
      if head & 3 > 2 { cuts.third = try Self.cut(place, &reader) }
    }
    panes.reserveCapacity(count)
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
      panes.append(Pane(start: place, sums: try PaneSums(from: &reader)))
    }
  }

  private static func cut(_ place: Int64, _ reader: inout StateReader) throws(StateError) -> Int64 {
    place - Int64(try reader.unsigned(below: UInt64(farthestTime / grain))) * grain
  }

  private static func distance(_ reader: inout StateReader) throws(StateError) -> Int64 {
    let value = try reader.unsigned(below: UInt64(farthestTime / grain) << 2)
    let amount = Int64(value >> 2)
    let hop =
      switch value & 3 {
      case 0: grain
      case 1: Milliseconds.hour
      case 2: Milliseconds.day
      default: throw reader.malformed("there is no such hop")
      }
    let (distance, overflow) = amount.multipliedReportingOverflow(by: hop)
    if overflow || distance <= 0 || distance > farthestTime || step(distance) != value {
      throw reader.malformed("a distance between panes is misspelt")
    }
    return distance
  }
}
