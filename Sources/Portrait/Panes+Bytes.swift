import Events

// The panes before the latest, as bytes: for each its distance from the one before (of the first: its start), and its
// sums. The same bytes for the same panes.
extension Panes {
  /// All hops are multiples of it, and divide a day.
  static let grain = 5 * Milliseconds.minute

  /// The latest pane becomes one of the older.
  mutating func pushLatest() {
    if count == 1 {
      older.signed(latest.start / Self.grain)
    } else {
      older.unsigned(Self.step(latest.start - olderStart))
    }
    latest.sums.encode(into: &older)
    olderStart = latest.start
  }

  /// Calls `body` with every pane, oldest first.
  func forEach(_ body: (borrowing Pane) -> Void) {
    if count == 0 { return }
    Self.forEach(older, count - 1, body)
    body(latest)
  }

  private static func forEach(_ older: borrowing StateWriter, _ count: Int, _ body: (borrowing Pane) -> Void)
  {
    unsafe older.withBytes { bytes in
      var reader = unsafe StateReader(bytes)
      var start: Int64 = 0
      for index in 0..<count {
        // What is read here was written here.
        do throws(StateError) {
          start = try index == 0 ? reader.signed() * grain : start + distance(&reader)
          body(Pane(start: start, sums: try PaneSums(from: &reader)))
        } catch {
          preconditionFailure("panes in memory are damaged")
        }
      }
    }
  }

  /// Leaves all panes in `open`.
  mutating func takeApart() {
    open.removeAll(keepingCapacity: true)
    if count == 0 { return }
    Self.append(older, count - 1, to: &open)
    open.append(latest)
  }

  /// By itself, for the list cannot be changed while all of `self` is looked at.
  private static func append(_ older: borrowing StateWriter, _ count: Int, to open: inout [Pane]) {
    forEach(older, count) { open.append(copy $0) }
  }

  /// Takes the panes from `open`.
  mutating func putTogether(_ tiers: PaneTiers?) {
    older.removeAll()
    count = 0
    nextMerge = .max
    for index in open.indices {
      if count > 0 { pushLatest() }
      latest = open[index]
      count += 1
      if let tiers { nextMerge = min(nextMerge, mergeTime(of: latest.start, tiers)) }
    }
    // Of bytes from elsewhere nobody knows under which tiers they are: they are looked at with the first touch.
    if tiers == nil, count > 0 { nextMerge = .min }
    open.removeAll(keepingCapacity: true)
  }

  /// A distance between panes in the largest hop that measures it: the unit in the lowest two bits.
  static func step(_ distance: Int64) -> UInt64 {
    // A pane is a whole number of grains from any other.
    let steps = UInt64(distance / grain)
    if steps % 12 != 0 { return steps << 2 }
    return steps % 288 == 0 ? (steps / 288) << 2 | 2 : (steps / 12) << 2 | 1
  }

  static func distance(_ reader: inout StateReader) throws(StateError) -> Int64 {
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

// In a user's block: the latest pane's sums as they are, the older bytes as they are.
extension Panes {
  /// Minutes from the horizon to the next merge are kept up to this; a merge too early only costs time.
  private static let maximumMinutes: Int64 = 65_535

  /// - Parameters:
  ///   - base: where most horizons are.
  ///   - isVisiting: whether a `Visit` holds the horizon and the browsing of the latest pane.
  mutating func write(into writer: inout BlockWriter, base: Int64, isVisiting: Bool) {
    writer.small(Int64(count))
    if isVisiting {
      latest.sums.withoutBrowsing.write(into: &writer)
    } else {
      writer.time(horizon == .min ? base : horizon)
      if count == 0 { return }
      writer.amount(latest.start / Self.grain)
      latest.sums.write(into: &writer)
      // Never later than it is.
      let minutes = nextMerge == .min ? 0 : max(0, nextMerge.addingSaturated(-horizon) / Milliseconds.minute)
      writer.fixed16(UInt16(min(minutes, Self.maximumMinutes)))
    }
    if count == 1 { return }
    writer.amount(olderStart / Self.grain)
    writer.size(older.count)
    unsafe older.withBytes { unsafe writer.raw($0) }
  }

  /// Takes the place of whatever panes are here.
  mutating func read(from reader: inout BlockReader, hasHorizon: Bool, _ visit: Visit?) {
    count = Int(reader.small())
    older.removeAll()
    if let visit {
      horizon = visit.time(visit.horizon)
      latest.start = visit.time(visit.paneStart)
      latest.sums.read(from: &reader)
      visit.add(to: &latest.sums)
      nextMerge = visit.time(visit.nextMerge)
    } else {
      let horizon = reader.time()
      self.horizon = hasHorizon ? horizon : .min
      nextMerge = .max
      if count == 0 { return }
      latest.start = reader.amount() * Self.grain
      latest.sums.read(from: &reader)
      nextMerge = horizon + Int64(reader.fixed16()) * Milliseconds.minute
    }
    if count == 1 { return }
    olderStart = reader.amount() * Self.grain
    let bytes = reader.size()
    unsafe older.raw(reader.raw(bytes))
  }
}

extension PaneSums {
  func write(into writer: inout BlockWriter) {
    // Counts in a byte each, those that are 0 not at all.
    var mask: UInt16 = 0
    if events != 0 { mask |= 1 }
    if views != 0 { mask |= 2 }
    if sessions != 0 { mask |= 4 }
    if clicks != 0 { mask |= 8 }
    if searches != 0 { mask |= 16 }
    if favourites != 0 { mask |= 32 }
    if cartAdds != 0 { mask |= 64 }
    if cartRemovals != 0 { mask |= 128 }
    if purchases != 0 { mask |= 256 }
    if itemsBought != 0 { mask |= 512 }
    if bounces != 0 { mask |= 1_024 }
    if dwellMilliseconds != 0 { mask |= 2_048 }
    if revenueMinor != 0 { mask |= 4_096 }
    writer.fixed16(mask)
    writer.small(events)
    if mask & 2 != 0 { writer.small(views) }
    if mask & 4 != 0 { writer.small(sessions) }
    if mask & 8 != 0 { writer.small(clicks) }
    if mask & 2_048 != 0 { writer.amount(dwellMilliseconds) }
    if mask & ~2_063 == 0 { return }
    if mask & 16 != 0 { writer.small(searches) }
    if mask & 32 != 0 { writer.small(favourites) }
    if mask & 64 != 0 { writer.small(cartAdds) }
    if mask & 128 != 0 { writer.small(cartRemovals) }
    if mask & 256 != 0 { writer.small(purchases) }
    if mask & 512 != 0 { writer.small(itemsBought) }
    if mask & 1_024 != 0 { writer.small(bounces) }
    if mask & 4_096 != 0 { writer.amount(revenueMinor) }
  }

  mutating func read(from reader: inout BlockReader) {
    self = PaneSums()
    let mask = reader.fixed16()
    events = reader.small()
    if mask & 2 != 0 { views = reader.small() }
    if mask & 4 != 0 { sessions = reader.small() }
    if mask & 8 != 0 { clicks = reader.small() }
    if mask & 2_048 != 0 { dwellMilliseconds = reader.amount() }
    if mask & ~2_063 == 0 { return }
    if mask & 16 != 0 { searches = reader.small() }
    if mask & 32 != 0 { favourites = reader.small() }
    if mask & 64 != 0 { cartAdds = reader.small() }
    if mask & 128 != 0 { cartRemovals = reader.small() }
    if mask & 256 != 0 { purchases = reader.small() }
    if mask & 512 != 0 { itemsBought = reader.small() }
    if mask & 1_024 != 0 { bounces = reader.small() }
    if mask & 4_096 != 0 { revenueMinor = reader.amount() }
  }
}
