import Foundation

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): the same seed
/// gives the same numbers on every machine.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  public let seed: UInt64
  private var state: UInt64

  public init(seed: UInt64) {
    self.seed = seed
    state = seed
  }

  /// A generator whose seed is printed, so that a failure can be repeated: `EBB_SEED` if it is set, else `seed`
  /// if one is given, else a new one for every run.
  public init(announcedAs name: String, seed: UInt64? = nil) {
    let wanted = ProcessInfo.processInfo.environment["EBB_SEED"].flatMap { UInt64($0) }
    let chosen = wanted ?? seed ?? UInt64.random(in: 0...UInt64.max)
    FileHandle.standardOutput.write(Data("\(name): seed \(chosen) (repeat with EBB_SEED=\(chosen))\n".utf8))
    self.init(seed: chosen)
  }

  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
    return word ^ word >> 31
  }
}
