import Events

/// A slice of time in which a user's activity is summed.
struct Pane: Sendable, Hashable {
  var start: Int64
  var sums = PaneSums()
}

/// A user's panes, in order of time; an idle pane does not exist.
///
/// The horizon is the latest time the user was looked at; it never goes back. What lies behind a tier's cut at
/// the horizon has been merged into the next tier, or dropped.
///
/// The latest pane, which nearly all events belong to, lies open; those before it are bytes (`Panes+Bytes`), and are
/// taken apart only where one of them changes or is behind a cut.
public struct Panes: Sendable {
  public internal(set) var horizon: Int64 = .min
  /// Panes, the latest included.
  var count = 0
  /// Counts if there are any.
  var latest = Pane(start: 0)
  /// All others, oldest first, and the start of their last.
  var older = StateWriter()
  var olderStart: Int64 = 0
  /// Before the horizon gets here no pane is behind a cut.
  var nextMerge: Int64 = .max
  /// Where the tiers of this mark end, for the horizons from `cutsFrom` to before `cutsUntil`, whoever is looked at.
  var cuts = PaneCuts(first: .min, second: .min, third: .min)
  private var cutsMark: UInt64 = 0
  private var cutsFrom: Int64 = .max
  private var cutsUntil: Int64 = .min
  /// For the time of one call: the panes taken apart.
  var open: [Pane] = []

  public init() {}

  /// As if nobody had been here before. What is known of the cuts stays: it is nobody's.
  mutating func reset() {
    horizon = .min
    count = 0
    older.removeAll()
    nextMerge = .max
  }

  /// Moves the horizon (never back), merging and dropping what falls behind the cuts.
  public mutating func touch(_ time: Int64, _ tiers: PaneTiers) {
    if time > horizon { horizon = time }
    follow(tiers)
    if horizon >= nextMerge { merge(tiers) }
  }

  /// Brings the cuts to the horizon.
  mutating func follow(_ tiers: PaneTiers) {
    if horizon >= cutsFrom, horizon < cutsUntil, tiers.mark == cutsMark { return }
    setCuts(tiers)
  }

  @inline(never)
  private mutating func setCuts(_ tiers: PaneTiers) {
    if horizon == .min {
      cuts = PaneCuts(first: .min, second: .min, third: .min)
      cutsFrom = .max
      cutsUntil = .min
      return
    }
    cuts = tiers.cuts(horizon: horizon)
    cutsMark = tiers.mark
    cutsFrom = horizon
    cutsUntil = tiers.cutsChange(after: horizon)
  }

  /// Whether the latest pane is one of the finest tier.
  mutating func isLatestFine(_ tiers: PaneTiers) -> Bool {
    if count == 0 || horizon == .min { return false }
    follow(tiers)
    return latest.start >= cuts.first
  }

  @inline(never)
  private mutating func merge(_ tiers: PaneTiers) {
    takeApart()
    var kept = 0
    for index in open.indices {
      guard let start = start(of: open[index].start, tiers) else { continue }
      if kept > 0, open[kept - 1].start == start {
        open[kept - 1].sums += open[index].sums
      } else {
        let sums = open[index].sums
        open[kept] = Pane(start: start, sums: sums)
        kept += 1
      }
    }
    open.removeLast(open.count - kept)
    putTogether(tiers)
  }

  /// The start of the pane that holds `time`, or nil if nothing that old is kept.
  func start(of time: Int64, _ tiers: PaneTiers) -> Int64? {
    guard let tier = tiers.tier(of: time, cuts) else { return nil }
    return Milliseconds.floor(time, to: tiers.hop(tier))
  }

  /// Rounds the beginning of a window down to a boundary that the kept panes have.
  public func edge(_ time: Int64, _ tiers: PaneTiers) -> Int64 {
    start(of: time, tiers) ?? Milliseconds.floor(time, to: tiers.lastHop)
  }

  /// Whether a pane for `time` is kept.
  public func keeps(_ time: Int64, _ tiers: PaneTiers) -> Bool {
    tiers.tier(of: time, cuts) != nil
  }

  /// Changes the sums of the pane that holds `time`. Returns false, and changes nothing, if it is too old.
  @discardableResult
  public mutating func update(
    _ time: Int64, _ tiers: PaneTiers, _ change: (inout PaneSums) -> Void
  ) -> Bool {
    // The latest pane, without a division to find its start.
    if count > 0, time >= latest.start, time - latest.start < tiers.hop(0), latest.start >= cuts.first {
      change(&latest.sums)
      return true
    }
    guard let start = start(of: time, tiers) else { return false }
    if count > 0, start < latest.start {
      updateEarlier(start, tiers, change)
      return true
    }
    if count == 0 || start > latest.start { begin(start, tiers) }
    change(&latest.sums)
    return true
  }

  /// Makes room for a pane behind all others.
  private mutating func begin(_ start: Int64, _ tiers: PaneTiers) {
    if count > 0 { pushLatest() }
    latest = Pane(start: start)
    count += 1
    nextMerge = min(nextMerge, mergeTime(of: start, tiers))
  }

  @inline(never)
  private mutating func updateEarlier(
    _ start: Int64, _ tiers: PaneTiers, _ change: (inout PaneSums) -> Void
  ) {
    takeApart()
    var index = open.count
    while index > 0, open[index - 1].start > start { index -= 1 }
    if index > 0, open[index - 1].start == start {
      change(&open[index - 1].sums)
    } else {
      var pane = Pane(start: start)
      change(&pane.sums)
      open.insert(pane, at: index)
    }
    putTogether(tiers)
  }

  /// The horizon at which a pane falls behind the end of its tier.
  func mergeTime(of start: Int64, _ tiers: PaneTiers) -> Int64 {
    guard let tier = tiers.tier(of: start, cuts) else { return .min }
    return tiers.end(of: start, in: tier)
  }

  /// Sums from `begin` (a value of `edge`) up to `end`, or without an upper edge.
  public func sums(from begin: Int64, to end: Int64 = .max) -> PaneSums {
    var sums = PaneSums()
    forEach { pane in
      if pane.start >= begin, pane.start < end { sums += pane.sums }
    }
    return sums
  }

  /// UTC days with activity from `begin` up to `end` (both values of `edge`).
  public func activeDays(from begin: Int64, to end: Int64) -> Int {
    var days = 0
    var last = Int64.min
    forEach { pane in
      guard pane.start >= begin, pane.start < end, pane.sums.events > 0 else { return }
      let day = Milliseconds.dayNumber(pane.start)
      if day != last {
        days += 1
        last = day
      }
    }
    return days
  }
}

extension Panes: Hashable {
  /// Whether both hold the same panes at the same horizon.
  public static func == (left: Panes, right: Panes) -> Bool {
    left.horizon == right.horizon && left.count == right.count
      && (left.count == 0 || left.latest == right.latest) && left.older == right.older
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(horizon)
    hasher.combine(count)
    if count > 0 { hasher.combine(latest) }
  }
}
