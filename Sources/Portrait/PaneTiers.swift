import Events

/// How finely a user's past is kept: tiers of panes, finest first. A pane of tier k starts on a multiple of its hop
/// and is that long; it is kept in that tier for the tier's reach, then merged into the next, and dropped after the
/// last.
public struct PaneTiers: Sendable, Hashable {
  /// Tiers, 1 to 3.
  let count: Int
  // Of tiers that do not exist: 0.
  private let hops: SIMD4<Int64>
  private let reaches: SIMD4<Int64>
  /// Tells these tiers from others in one comparison.
  let mark: UInt64

  /// - Parameters:
  ///   - spans: lengths of everything that looks back, milliseconds. Must not be empty.
  ///   - slack: how far behind the user's horizon a regular look may lie (the allowed lateness).
  public init(spans: [Int64], slack: Int64) {
    precondition(!spans.isEmpty)
    var hops = SIMD4<Int64>()
    var reaches = SIMD4<Int64>()
    var count = 0
    for hop in Set(spans.map(WindowSpec.hop)).sorted() {
      hops[count] = hop
      reaches[count] = spans.filter { WindowSpec.hop($0) == hop }.max()! + slack
      count += 1
    }
    self.count = count
    self.hops = hops
    self.reaches = reaches
    var hash = StableHash(seed: 11)
    for tier in 0..<count {
      hash.combine(hops[tier])
      hash.combine(reaches[tier])
    }
    mark = hash.value
  }

  /// Length of a tier's panes, milliseconds; ascending, each divides the next.
  func hop(_ tier: Int) -> Int64 { hops[tier] }

  var lastHop: Int64 { hops[count - 1] }

  /// What a tier's end is a multiple of: the hop of the next tier, of the last one its own.
  private func grain(_ tier: Int) -> Int64 { hops[tier + 1 < count ? tier + 1 : tier] }

  /// Where each tier ends, counted back from the horizon; tiers that do not exist never begin.
  func cuts(horizon: Int64) -> PaneCuts {
    var cuts = PaneCuts(first: .max, second: .max, third: .max)
    cuts.first = cut(0, horizon)
    if count > 1 { cuts.second = cut(1, horizon) }
    if count > 2 { cuts.third = cut(2, horizon) }
    return cuts
  }

  private func cut(_ tier: Int, _ horizon: Int64) -> Int64 {
    Milliseconds.floor(horizon - reaches[tier], to: grain(tier))
  }

  /// The horizons from the given one on with the same cuts end before this one.
  func cutsChange(after horizon: Int64) -> Int64 {
    var change = Int64.max
    for tier in 0..<count { change = min(change, cut(tier, horizon) + reaches[tier] + grain(tier)) }
    return change
  }

  /// The first horizon at which a pane of a tier lies behind the tier's end.
  func end(of start: Int64, in tier: Int) -> Int64 {
    (Milliseconds.floor(start, to: grain(tier)) + grain(tier)).addingSaturated(reaches[tier])
  }

  /// The tier that a pane starting at `start` is in; nil: it is not kept.
  func tier(of start: Int64, _ cuts: PaneCuts) -> Int? {
    if start >= cuts.first { return 0 }
    if start >= cuts.second { return 1 }
    return start >= cuts.third ? 2 : nil
  }

  /// The hop of the tier that a pane starting at `start` is in.
  func hop(at start: Int64, _ cuts: PaneCuts) -> Int64 {
    if start >= cuts.first { return hops[0] }
    return start >= cuts.second && count > 1 ? hops[1] : lastHop
  }
}

/// Where the tiers of one user's panes end at his horizon.
struct PaneCuts: Sendable, Hashable {
  var first: Int64
  var second: Int64
  var third: Int64
}
