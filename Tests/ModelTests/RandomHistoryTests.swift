import Foundation
import NaiveModel
import SideBySide
import TestSupport
import Testing
import Triggers

/// Random histories through engine and model: every alert and every count is equal.
@Suite struct RandomHistoryTests {
  /// How many histories, unless `EBB_SEEDS` says otherwise.
  static let usualCount = 1500

  /// After so many histories that differ the rest is not tried, unless `EBB_FAILURES` says otherwise.
  static let mostFailures = ProcessInfo.processInfo.environment["EBB_FAILURES"].flatMap { Int($0) } ?? 3

  static let zones = ZoneTable.foundation(Dice<SeededGenerator>.zoneNames)

  static func world(seed: UInt64) -> World {
    RandomWorld.make(SeededGenerator(seed: seed), zones: zones)
  }

  @Test func `Engine and model tell the same of every random history`() {
    let environment = ProcessInfo.processInfo.environment
    let count = environment["EBB_SEEDS"].flatMap { Int($0) } ?? Self.usualCount
    var first = SeededGenerator(announcedAs: "random histories", seed: 20_240_303)
    var census = Census()
    var failures = 0
    var steps = 0
    for _ in 0..<count {
      let seed = first.next()
      let world = Self.world(seed: seed)
      let (difference, counts) = world.run()
      census += counts
      steps += world.steps.count
      guard difference != nil else { continue }
      failures += 1
      Issue.record("history \(seed) (\(world.steps.count) steps), shrunk:\n\(world.shrunk().report)")
      if failures == Self.mostFailures { return }
    }
    print("\(count) histories, \(steps) steps; how often each thing happened:")
    for name in Set(Expected.names).union(census.counts.keys).sorted() {
      print("  \(name): \(census[name])")
    }
    let rare = Expected.names.filter { census[$0] < 20 }
    #expect(rare.isEmpty, "happened fewer than 20 times: \(rare.map { "\($0): \(census[$0])" })")
  }
}
