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
    let earlier = cuts
    cuts = new.cuts(horizon: horizon)
    var merged: [Pane] = []
    merged.reserveCapacity(panes.count)
    for pane in panes {
      // Nothing in the pane is later than the horizon.
      let end = pane.start + old.hop(at: pane.start, earlier)
      guard let start = start(of: max(pane.start, min(end - 1, horizon)), new) else { continue }
      if merged.last?.start == start {
        merged[merged.count - 1].sums += pane.sums
      } else {
        merged.append(Pane(start: start, sums: pane.sums))
      }
    }
    panes = merged
  }
}

extension PaneTiers {
  /// The hop of the tier that a pane starting at `start` is in.
  func hop(at start: Int64, _ cuts: PaneCuts) -> Int64 {
    if start >= cuts.first { return hops[0] }
    return start >= cuts.second && hops.count > 1 ? hops[1] : hops.last!
  }
}
