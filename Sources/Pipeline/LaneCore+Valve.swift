// How a lane takes less input, or none, while the process is short of memory.
//
// ```
//  live ─► valve shut: (held) nothing is read, no time passes ─► valve open: started again where it stands
// ```
// A partition that becomes live meanwhile waits with the others, and no recovery begins.
extension LaneCore where Output: ~Copyable, Helper: ~Copyable {
  /// Follows the valve, between two batches.
  mutating func follow(_ valve: InputValve) {
    guard valve.isShut != isShut else { return }
    isShut = valve.isShut
    // All that are live are held, or started, below.
    starts.removeAll()
    for partition in owned where partition.phase == .live {
      if isShut { held.append(partition.number) } else { start(partition) }
    }
  }
}
