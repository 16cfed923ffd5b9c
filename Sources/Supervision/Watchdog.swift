/// Judges by their signs of life whether the workers of the process go on: a worker counts them up, and one whose
/// number has stood still for too long is stuck.
public struct Watchdog: Sendable {
  /// How long a worker may be silent, milliseconds.
  public let patienceMilliseconds: Int64
  private var seen: [(beats: UInt64, since: Int64)] = []

  public init(patienceMilliseconds: Int64) {
    self.patienceMilliseconds = patienceMilliseconds
  }

  /// - Parameters:
  ///   - beats: every worker's signs of life so far; always the same workers in the same order.
  ///   - now: milliseconds of a clock that never goes back.
  /// - Returns: the workers that are stuck.
  public mutating func stuck(_ beats: [UInt64], now: Int64) -> [Int] {
    if seen.count != beats.count { seen = beats.map { ($0, now) } }
    var stuck: [Int] = []
    for (worker, count) in beats.enumerated() {
      if count != seen[worker].beats { seen[worker] = (count, now) }
      if now - seen[worker].since > patienceMilliseconds { stuck.append(worker) }
    }
    return stuck
  }
}
