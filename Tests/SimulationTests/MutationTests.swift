import Simulator
import Testing

/// Rules broken on purpose. A simulator that does not notice tests nothing.
@Suite struct MutationTests {
  private static let most: UInt64 = 1_000

  @Test(arguments: Mutation.allCases)
  func `A rule broken on purpose is noticed`(_ mutation: Mutation) {
    // The same world without the fault must be as undisturbed: it is the fault that is noticed.
    for seed in 1...Self.most {
      guard let difference = Simulation.run(seed: seed, mutation: mutation).difference else { continue }
      print("\(mutation.rawValue): noticed by seed \(seed): \(difference.prefix(160))")
      #expect(Simulation.run(seed: seed).difference == nil, "seed \(seed) is not right without it either")
      return
    }
    Issue.record("not noticed within \(Self.most) seeds")
  }
}
