import Simulator
import Testing

/// Whole worlds: lanes over a model of a cluster, everything that can go wrong, held against the undisturbed run.
@Suite struct SeedTests {
  @Test(arguments: 1...30)
  func `Whatever goes wrong, what is committed is what an undisturbed run writes`(_ seed: UInt64) {
    let report = Simulation.run(seed: seed)
    #expect(report.difference == nil, "seed \(seed) (make simulate SEED=\(seed) shows what happened)")
  }
}
