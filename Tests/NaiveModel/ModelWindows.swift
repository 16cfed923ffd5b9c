import Events
import Portrait
import Triggers

extension ModelUser {
  /// One tier of panes: its hop, and where it ends at the present horizon.
  struct Tier {
    var hop: Int64
    var cut: Int64
  }

  /// Lengths of everything that is summed.
  func spans() -> [Int64] {
    var spans = rules.windows.map(\.lengthMilliseconds)
    if rules.churn.enabled {
      spans.append(rules.churn.recentMilliseconds)
      spans.append(rules.churn.recentMilliseconds + rules.churn.baselineMilliseconds)
    }
    return spans
  }

  /// Finest first.
  func tiers() -> [Tier] {
    let spans = spans()
    let hops = Set(spans.map(WindowSpec.hop)).sorted()
    return hops.indices.map { index in
      let reach = spans.filter { WindowSpec.hop($0) == hops[index] }.max()!
      let step = index + 1 < hops.count ? hops[index + 1] : hops[index]
      let cut = Milliseconds.floor(horizon - reach - rules.time.allowedLatenessMilliseconds, to: step)
      return Tier(hop: hops[index], cut: cut)
    }
  }

  /// Whether nothing is kept at that time any more.
  func isBeyondPanes(_ ts: Int64) -> Bool {
    ts < tiers().last?.cut ?? Int64.min
  }

  /// Where a window of that length begins at `time`.
  func windowBegin(_ time: Int64, _ length: Int64) -> Int64 {
    let edge = Milliseconds.floor(time - length, to: WindowSpec.hop(length))
    let tiers = tiers()
    let tier = tiers.first { edge >= $0.cut } ?? tiers.last!
    if tier.hop > WindowSpec.hop(length) { world.census.count("window: coarser tail") }
    return Milliseconds.floor(edge, to: tier.hop)
  }

  /// Sums over [begin, end), as far as panes are kept.
  func sums(from begin: Int64, to end: Int64 = Int64.max) -> PaneSums {
    let kept = max(begin, tiers().last?.cut ?? Int64.min)
    var total = PaneSums()
    for one in contributions where one.ts >= kept && one.ts < end { total += one.sums }
    for session in sessions {
      if let at = session.countedAt, at >= kept, at < end { total.sessions += 1 }
      if let at = session.bounceAt, at >= kept, at < end { total.bounces += 1 }
    }
    return total
  }

  /// UTC days with activity in [begin, end), as far as panes are kept.
  func activeDays(from begin: Int64, to end: Int64) -> Int {
    let kept = max(begin, tiers().last?.cut ?? Int64.min)
    let active = contributions.filter { $0.sums.events > 0 && $0.ts >= kept && $0.ts < end }
    return Set(active.map { Milliseconds.dayNumber($0.ts) }).count
  }

  func features(at time: Int64) -> [WindowFeatures] {
    rules.windows.map { window in
      WindowFeatures(
        name: window.name, lengthMilliseconds: window.lengthMilliseconds,
        sums: sums(from: windowBegin(time, window.lengthMilliseconds)))
    }
  }
}
