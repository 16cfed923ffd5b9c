import ClusterSupport
import Foundation
import TestSupport
import Testing

/// kill -9 in a loop under load, with at least once as the promise: the embedded broker's transactions have no effect.
@Suite(.serialized, .timeLimit(.minutes(10)), .daemonLogs) struct `Killed again and again` {
  /// One kill, as the table shows it.
  struct Blow: Sendable {
    /// Next offsets that were committed when it was dead.
    var committed: [Int64]
    /// Records that the brokers had acknowledged at the kill, and that were not committed.
    var uncommitted: Int64
    /// Carts that were open at the committed position.
    var openCarts = 0
    /// Milliseconds from the start of the next process until all partitions are committed by it.
    var back = 0
  }

  /// Kills that land in work; `EBB_KILLS` asks for more.
  static var kills: Int {
    max(8, ProcessInfo.processInfo.environment["EBB_KILLS"].flatMap { Int($0) } ?? 0)
  }

  @Test
  func `However often it is killed in the midst of its work, no alert is missing, and repeats are equal`()
    async throws
  {
    // Slow answers, so that there is always something on its way.
    try await Trial.play(
      "kill -9 in a loop under load",
      Trial.Plan(roundTrip: 5, eventsPerSecond: 250, sessionMilliseconds: 2_500)
    ) { trial, rows in
      let instance = trial.instances[0]
      var dice = SeededGenerator(announcedAs: "moments of the kills", seed: 5)
      var blows: [Blow] = []
      // A kill that hits nothing uncommitted does not count; more than twice as many are not tried.
      while blows.count(where: { $0.uncommitted > 0 }) < Self.kills, blows.count < 2 * Self.kills {
        try await Task.sleep(for: .milliseconds(Int.random(in: 50...900, using: &dice)))
        let written = trial.feeder.written
        instance.kill9()
        // What its last requests may have left with the broker is done by then.
        try await Task.sleep(for: .milliseconds(100))
        let before = try await trial.witness.committed()
        let committed = before.map(\.nextOffset)
        let uncommitted = zip(written, committed).reduce(0) { $0 + max(0, $1.0 - $1.1) }
        var blow = Blow(committed: committed, uncommitted: uncommitted)
        try instance.start()
        blow.back = try await trial.untilOthersCommit(before: before).milliseconds
        blows.append(blow)
      }
      let input = try await Findings.input(trial)
      for index in blows.indices {
        let processed = input.filter { $0.offset < blows[index].committed[$0.partition] }
        blows[index].openCarts = try await Findings.openCarts(processed.map(\.value), trial)
        let blow = blows[index]
        rows.append([
          "kill \(index + 1)",
          "\(blow.uncommitted) events uncommitted, \(blow.openCarts) carts open, committing again "
            + "\(blow.back) ms after the start",
        ])
      }
      let landed = blows.count { $0.uncommitted > 0 && $0.openCarts > 0 }
      #expect(landed >= Self.kills, "kills that hit uncommitted events and open carts")
      try Self.expectRestored(instance.logs, processes: blows.count + 1)
    }
  }

  /// Every process but the first has read its users from the state topic, each partition's.
  private static func expectRestored(_ logs: [String], processes: Int) throws {
    #expect(logs.count == processes)
    for log in logs.dropFirst() {
      var restored: Set<Int> = []
      for line in log.matches(
        of: /recovered partition ([0-9]+) of .* s: ([0-9]+) users.* state_records=([0-9]+)/)
      {
        let numbers = [line.output.1, line.output.2, line.output.3].compactMap { Int($0) }
        if numbers[1] > 0, numbers[2] > 0 { restored.insert(numbers[0]) }
      }
      #expect(
        restored == Set(0..<Trial.partitions), "users came back from the state topic: \(log.suffix(2_500))")
    }
  }
}
