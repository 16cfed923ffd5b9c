/// Counts spans of time by length.
public struct LatencyHistogram: Sendable, Hashable {
  /// Upper bounds of the buckets, inclusive, milliseconds. A last bucket without a bound follows.
  public static let bounds: [Int64] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000]

  /// How many spans fell into each bucket; one more than there are bounds.
  public private(set) var counts = [Int64](repeating: 0, count: bounds.count + 1)
  /// All spans together, milliseconds.
  public private(set) var sum: Int64 = 0

  public init() {}

  /// How many spans were counted.
  public var count: Int64 { counts.reduce(0, +) }

  /// Counts one span; one below zero, by a clock that was set, counts as none.
  public mutating func observe(_ milliseconds: Int64) {
    let span = max(0, milliseconds)
    counts[Self.bounds.firstIndex { span <= $0 } ?? Self.bounds.count] += 1
    sum += span
  }

  /// Adds what another has counted.
  public static func += (left: inout LatencyHistogram, right: LatencyHistogram) {
    for index in left.counts.indices { left.counts[index] += right.counts[index] }
    left.sum += right.sum
  }

  /// The bound at or below which so large a share (0 to 1) of the spans lies, milliseconds; nil: nothing was counted, or
  /// it is above the last bound.
  public func quantileBound(_ share: Double) -> Int64? {
    let count = count
    var seen: Int64 = 0
    for (bound, inBucket) in zip(Self.bounds, counts) {
      seen += inBucket
      if count > 0, Double(seen) >= share * Double(count) { return bound }
    }
    return nil
  }
}
