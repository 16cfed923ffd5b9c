import Events

// State goes on under other rules: panes are cut anew, everything else is a fact about the past and stays.

extension Portrait {
  /// Cuts the panes anew for other tiers. Equal tiers change nothing.
  public mutating func convert(from old: PortraitRules, to new: PortraitRules) {
    if old.tiers != new.tiers { panes.convert(from: old.tiers, to: new.tiers) }
  }
}

extension Panes {
  /// Merges panes under other tiers, at the present horizon.
  ///
  /// A pane that is coarser than its new tier is put at its last place there: a window that begins inside of it
  /// counts all of it, so that no window is shorter than it says, and merging it again gives the pane that it was.
  /// What was dropped stays so.
  mutating func convert(from old: PaneTiers, to new: PaneTiers) {
    guard horizon != .min else { return }
    let earlier = old.cuts(horizon: horizon)
    follow(new)
    takeApart()
    var kept = 0
    for index in open.indices {
      let pane = open[index]
      // Nothing in the pane is later than the horizon.
      let end = pane.start + old.hop(at: pane.start, earlier)
      guard let start = start(of: max(pane.start, min(end - 1, horizon)), new) else { continue }
      if kept > 0, open[kept - 1].start == start {
        open[kept - 1].sums += pane.sums
      } else {
        open[kept] = Pane(start: start, sums: pane.sums)
        kept += 1
      }
    }
    open.removeLast(open.count - kept)
    putTogether(new)
  }
}
