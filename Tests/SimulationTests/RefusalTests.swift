import Simulator
import Testing

/// What a lane must not go on from, it refuses with the sentence that names it, and commits nothing.
@Suite struct RefusalTests {
  @Test(arguments: Refusal.allCases, [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
  func `What cannot be gone on from is refused by name`(_ refusal: Refusal, seed: UInt64) throws {
    let outcome = try refusal.run(seed: seed)
    let ending = try #require(outcome.ending, "a lane went on")
    #expect(ending.code == refusal.code)
    #expect(ending.description.contains(refusal.words), "\(ending)")
    #expect(!ending.hint.isEmpty || refusal == .inputExpired)
    #expect(outcome.laterCommits == 0 || refusal == .partitionsAdded)
  }
}
