import Events

/// How finely a user's past is kept: tiers of panes, finest first. A pane of tier k starts on a multiple of
/// `hops[k]` and is that long; it is kept in that tier for `reaches[k]`, then merged into the next, and dropped
/// after the last.
public struct PaneTiers: Sendable, Hashable {
  /// Ascending; each divides the next.
  public let hops: [Int64]
  /// For each tier the longest span that needs it, plus the slack.
  public let reaches: [Int64]

  /// - Parameters:
  ///   - spans: lengths of everything that looks back, milliseconds. Must not be empty.
  ///   - slack: how far behind the user's horizon a regular look may lie (the allowed lateness).
  public init(spans: [Int64], slack: Int64) {
    precondition(!spans.isEmpty)
    var hops: [Int64] = []
    var reaches: [Int64] = []
    for hop in Set(spans.map(WindowSpec.hop)).sorted() {
      hops.append(hop)
      reaches.append(spans.filter { WindowSpec.hop($0) == hop }.max()! + slack)
    }
    self.hops = hops
    self.reaches = reaches
  }

  /// Where each tier ends, counted back from the horizon; tiers that do not exist never begin.
  func cuts(horizon: Int64) -> PaneCuts {
    var cuts = PaneCuts(first: .max, second: .max, third: .max)
    cuts.first = cut(0, horizon)
    if hops.count > 1 { cuts.second = cut(1, horizon) }
    if hops.count > 2 { cuts.third = cut(2, horizon) }
    return cuts
  }

  private func cut(_ index: Int, _ horizon: Int64) -> Int64 {
    let next = index + 1 < hops.count ? hops[index + 1] : hops[index]
    return Milliseconds.floor(horizon - reaches[index], to: next)
  }
}

/// Where the tiers of one user's panes end at his horizon.
struct PaneCuts: Sendable, Hashable {
  var first: Int64
  var second: Int64
  var third: Int64
}

/// A slice of time in which a user's activity is summed.
struct Pane: Sendable, Hashable {
  var start: Int64
  var sums = PaneSums()
}

/// A user's panes, in order of time; an idle pane does not exist.
///
/// The horizon is the latest time the user was looked at; it never goes back. What lies behind a tier's cut at
/// the horizon has been merged into the next tier, or dropped.
public struct Panes: Sendable, Hashable {
  var panes: [Pane] = []
  public internal(set) var horizon: Int64 = .min
  var cuts = PaneCuts(first: .min, second: .min, third: .min)

  public init() {}

  /// Moves the horizon (never back), merging and dropping what falls behind the cuts.
  public mutating func touch(_ time: Int64, _ tiers: PaneTiers) {
    guard time > horizon else { return }
    horizon = time
    cuts = tiers.cuts(horizon: time)
    // Nothing is older than the finest cut: the usual case, and nothing to do.
    guard let oldest = panes.first?.start, oldest < cuts.first else { return }
    var kept = 0
    for index in panes.indices {
      guard let start = start(of: panes[index].start, tiers) else { continue }
      if kept > 0, panes[kept - 1].start == start {
        panes[kept - 1].sums += panes[index].sums
      } else {
        let sums = panes[index].sums
        panes[kept] = Pane(start: start, sums: sums)
        kept += 1
      }
    }
    panes.removeSubrange(kept...)
  }

  /// The start of the pane that holds `time`, or nil if nothing that old is kept.
  func start(of time: Int64, _ tiers: PaneTiers) -> Int64? {
    if time >= cuts.first { return Milliseconds.floor(time, to: tiers.hops[0]) }
    if time >= cuts.second { return Milliseconds.floor(time, to: tiers.hops[1]) }
    if time >= cuts.third { return Milliseconds.floor(time, to: tiers.hops[2]) }
    return nil
  }

  /// Rounds the beginning of a window down to a boundary that the kept panes have.
  public func edge(_ time: Int64, _ tiers: PaneTiers) -> Int64 {
    start(of: time, tiers) ?? Milliseconds.floor(time, to: tiers.hops.last!)
  }

  /// Whether a pane for `time` is kept.
  public func keeps(_ time: Int64, _ tiers: PaneTiers) -> Bool {
    start(of: time, tiers) != nil
  }

  /// Changes the sums of the pane that holds `time`. Returns false, and changes nothing, if it is too old.
  @discardableResult
  public mutating func update(
    _ time: Int64, _ tiers: PaneTiers, _ change: (inout PaneSums) -> Void
  ) -> Bool {
    guard let start = start(of: time, tiers) else { return false }
    var index = panes.count
    while index > 0, panes[index - 1].start > start { index -= 1 }
    if index > 0, panes[index - 1].start == start {
      change(&panes[index - 1].sums)
    } else {
      var pane = Pane(start: start)
      change(&pane.sums)
      panes.insert(pane, at: index)
    }
    return true
  }

  /// Sums from `begin` (a value of `edge`) up to `end`, or without an upper edge.
  public func sums(from begin: Int64, to end: Int64 = .max) -> PaneSums {
    var sums = PaneSums()
    for pane in panes.reversed() {
      if pane.start < begin { break }
      if pane.start < end { sums += pane.sums }
    }
    return sums
  }

  /// UTC days with activity from `begin` up to `end` (both values of `edge`).
  public func activeDays(from begin: Int64, to end: Int64) -> Int {
    var days = 0
    var last = Int64.min
    for pane in panes where pane.start >= begin && pane.start < end && pane.sums.events > 0 {
      let day = Milliseconds.dayNumber(pane.start)
      if day != last {
        days += 1
        last = day
      }
    }
    return days
  }
}
