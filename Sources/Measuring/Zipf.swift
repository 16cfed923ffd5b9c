/// Draws from 0 ..< n: uniformly, or by Zipf's law with exponent 1, where rank r (from 0) has the weight 1 / (r + 1).
///
/// Exact and in constant time by Walker's alias table in Vose's form ("A linear algorithm for generating random numbers
/// with a given distribution", 1991): each of n equal columns holds one rank and at most one other.
public struct AliasTable: Sendable {
  /// The share of its column that a rank keeps.
  private var threshold: [Double]
  private var alias: [UInt32]

  /// - Parameter weights: at least one, none negative, their sum positive; at most 2^32.
  public init(weights: [Double]) {
    let count = weights.count
    precondition((1...Int(UInt32.max)).contains(count), "from 1 to 2^32 weights")
    let sum = weights.reduce(0, +)
    precondition(sum > 0 && sum.isFinite && weights.allSatisfy { $0 >= 0 }, "weights are positive")
    var scaled = weights
    for index in scaled.indices { scaled[index] *= Double(count) / sum }
    alias = (0..<UInt32(count)).map { $0 }
    var small: [UInt32] = []
    var large: [UInt32] = []
    for index in scaled.indices {
      if scaled[index] < 1 { small.append(UInt32(index)) } else { large.append(UInt32(index)) }
    }
    while let less = small.popLast() {
      guard let more = large.last else {
        // Only rounding leaves a column that is not full, with nobody to fill it.
        scaled[Int(less)] = 1
        continue
      }
      alias[Int(less)] = more
      scaled[Int(more)] -= 1 - scaled[Int(less)]
      if scaled[Int(more)] < 1 { small.append(large.removeLast()) }
    }
    for more in large { scaled[Int(more)] = 1 }
    threshold = scaled
  }

  /// Zipf's law over so many ranks.
  public static func zipf(_ count: Int) -> AliasTable {
    AliasTable(weights: (0..<count).map { 1 / Double($0 + 1) })
  }

  /// One rank.
  public func draw(_ random: inout BenchRandom) -> Int {
    let column = random.below(threshold.count)
    return random.unit() < threshold[column] ? column : Int(alias[column])
  }

  /// How likely each rank is, from the table itself.
  public var probabilities: [Double] {
    var result = [Double](repeating: 0, count: threshold.count)
    for column in threshold.indices {
      result[column] += threshold[column] / Double(threshold.count)
      result[Int(alias[column])] += (1 - threshold[column]) / Double(threshold.count)
    }
    return result
  }
}

/// Who is accessed.
public enum Access: String, Sendable, CaseIterable {
  /// A few users very often, most seldom: the k-th most frequent 1/k as often as the first.
  case zipf
  case uniform

  /// A sequence of users, drawn beforehand so that drawing is not part of what is measured.
  ///
  /// - Parameter users: 1 to 2^32. The frequent ones are spread over all of them, so that no structure has them
  ///   side by side.
  public func sequence(_ length: Int, users: Int, seed: UInt64) -> [UInt32] {
    var random = BenchRandom(seed: seed)
    switch self {
    case .uniform: return (0..<length).map { _ in UInt32(random.below(users)) }
    case .zipf:
      let table = AliasTable.zipf(users)
      let step = Self.coprime(to: users)
      return (0..<length).map { _ in
        UInt32(table.draw(&random).multipliedReportingOverflow(by: step).partialValue % users)
      }
    }
  }

  /// A number near the golden section of `count` that shares no divisor with it: multiples of it modulo `count` are
  /// a permutation, and neighbours land far apart. At most 2^31, so that the product fits.
  static func coprime(to count: Int) -> Int {
    var candidate = max(1, min(Int(Double(count) * 0.618_033_988_75), 1 << 31))
    while gcd(candidate, count) != 1 { candidate += 1 }
    return candidate
  }

  private static func gcd(_ first: Int, _ second: Int) -> Int {
    var (first, second) = (first, second)
    while second != 0 { (first, second) = (second, first % second) }
    return first
  }
}

/// SplitMix64: the same seed gives the same numbers on every machine.
public struct BenchRandom: Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
    return word ^ word >> 31
  }

  /// 0 ..< bound, by Lemire's multiplication; its bias is below bound / 2^64.
  public mutating func below(_ bound: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// [0, 1)
  public mutating func unit() -> Double {
    Double(next() >> 11) * 0x1p-53
  }
}
