import SideBySide
import TestSupport
import Testing
import Triggers

/// Snapshots that are written while the shard goes on: with the state topic behind them they are what the state topic
/// alone is.
@Suite struct RandomSnapshotTests {
  static let zones = ZoneTable.foundation(Dice<SeededGenerator>.zoneNames)

  private struct Outcome {
    var difference: String?
    var finished = 0
    var compared = 0
  }

  private func run(seed: UInt64, fault: SnapshotWorld.Fault? = nil) -> Outcome {
    let world = RandomWorld.make(SeededGenerator(seed: seed), zones: Self.zones)
    var lane = SnapshotWorld(world, seed: seed, fault: fault)
    for (index, step) in world.steps.enumerated() {
      if let difference = lane.take(step) {
        return Outcome(
          difference: "after step \(index): \(difference)", finished: lane.finished, compared: lane.compared)
      }
    }
    return Outcome(finished: lane.finished, compared: lane.compared)
  }

  @Test func `Snapshot and topic bring back what the topic alone brings back, at any moment`() {
    var seeds = SeededGenerator(announcedAs: "random snapshots", seed: 20_261_123)
    var (finished, compared) = (0, 0)
    for _ in 0..<400 {
      let seed = seeds.next()
      let outcome = run(seed: seed)
      if let difference = outcome.difference {
        Issue.record("history \(seed), \(difference)")
        return
      }
      finished += outcome.finished
      compared += outcome.compared
    }
    print("\(finished) snapshots, \(compared) restores compared")
    #expect(finished > 1_000 && compared > 1_000)
  }

  @Test(arguments: SnapshotWorld.Fault.allCases)
  func `A snapshot that breaks its promises is noticed`(fault: SnapshotWorld.Fault) {
    var seeds = SeededGenerator(seed: 20_261_124)
    #expect((0..<300).contains { _ in run(seed: seeds.next(), fault: fault).difference != nil })
  }
}
