/// The middle of some numbers: of an even count the mean of the two in the middle; nil of none.
public func median(_ numbers: [Double]) -> Double? {
  if numbers.isEmpty { return nil }
  let sorted = numbers.sorted()
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/// What a stage cost per event, in one run.
public struct Sample: Sendable, Hashable {
  /// Of the thread's processor time.
  public var nanoseconds: Double
  /// In user mode; nil: they could not be counted.
  public var instructions: Double?

  public init(nanoseconds: Double, instructions: Double?) {
    self.nanoseconds = nanoseconds
    self.instructions = instructions
  }
}

extension [Sample] {
  /// The medians of several runs; nil of none.
  public var medians: Sample? {
    guard let time = median(map(\.nanoseconds)) else { return nil }
    return Sample(nanoseconds: time, instructions: median(compactMap(\.instructions)))
  }

  /// Shortest and longest time, nanoseconds.
  public var spread: ClosedRange<Double>? {
    let times = map(\.nanoseconds)
    guard let least = times.min(), let most = times.max() else { return nil }
    return least...most
  }
}
