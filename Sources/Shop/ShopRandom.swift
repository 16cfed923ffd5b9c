import Events

/// The simulated shop's source of chance: SplitMix64 (Steele, Lea and Flood, 2014) and the few distributions
/// that shoppers need. Only exactly rounded arithmetic is used, no mathematical library, so that a seed gives
/// the same stream on every machine.
struct ShopRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    return Self.mix(state)
  }

  /// Spreads a number's bits over all 64; one-to-one.
  static func mix(_ word: UInt64) -> UInt64 {
    var word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
    return word ^ word >> 31
  }

  /// Uniform in [0, 1).
  mutating func unit() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// True with this probability.
  mutating func chance(_ probability: Double) -> Bool {
    unit() < probability
  }

  /// Uniform in 0 ..< `count`.
  mutating func index(_ count: Int) -> Int {
    Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(count)).high)
  }

  /// Uniform, both ends included.
  mutating func between(_ low: Int64, _ high: Int64) -> Int64 {
    low + Int64(index(Int(high - low + 1)))
  }

  /// Uniform in a range of days; milliseconds.
  mutating func days(_ range: ClosedRange<Double>) -> Int64 {
    let days = range.lowerBound + (range.upperBound - range.lowerBound) * unit()
    return Int64(days * Double(Milliseconds.day))
  }

  /// Exponential with mean 1.
  mutating func exponential() -> Double {
    // 1 − u is in (0, 1], so the logarithm is finite.
    -Self.naturalLogarithm(1 - unit())
  }

  /// Erlang with mean 1: the mean of `shape` exponentials. The larger the shape, the more regular.
  mutating func erlang(_ shape: Int) -> Double {
    var sum = 0.0
    for _ in 0..<shape { sum += exponential() }
    return sum / Double(shape)
  }

  /// A number of things, at least 1, with about this mean: few when `shape` is small, near the mean when large.
  mutating func count(mean: Double, shape: Int = 1) -> Int {
    guard mean > 1 else { return 1 }
    return 1 + Int(erlang(shape) * (mean - 0.5))
  }

  /// An index in 0 ..< `count` whose probability falls as 1 / (index + 1), as the popularity of goods does:
  /// an octave first, then a place in it.
  mutating func popular(_ count: Int) -> Int {
    let octaves = Int.bitWidth - count.leadingZeroBitCount
    while true {
      let start = 1 << index(octaves)
      let place = start - 1 + index(start)
      if place < count { return place }
    }
  }

  /// ln x for x > 0: the exponent, and for the significand ln m = 2 artanh((m − 1) / (m + 1)) as a series.
  static func naturalLogarithm(_ x: Double) -> Double {
    let ratio = (x.significand - 1) / (x.significand + 1)
    let square = ratio * ratio
    var power = ratio
    var sum = 0.0
    // The ratio is below 1/3, so 18 terms reach a double's precision.
    for term in 0..<18 {
      sum += power / Double(2 * term + 1)
      power *= square
    }
    return Double(x.exponent) * 0.693_147_180_559_945_3 + 2 * sum
  }
}
