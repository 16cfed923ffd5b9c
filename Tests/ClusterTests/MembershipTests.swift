import ClusterSupport
import Foundation
import TestSupport
import Testing

/// Instances that come, go, freeze and wake up under load. Each scenario ends with the same comparison.
@Suite(.serialized, .enabled(if: Wishes.brokers != nil, Wishes.skipped)) struct `Members come, go and freeze`
{
  /// A scenario's stage: traffic that goes on for as long as the faults take.
  struct Stage: Sendable {
    let ground: ClusterGround
    let feeder: Feeder
    let records: ShopRecords
    let configuration: ClusterConfiguration
    let instances: [Instance]

    /// Waits until the partitions of `names` are what `condition` wants, by the instances' own words.
    func until(
      _ what: String, within limit: Duration = .seconds(60), _ condition: @Sendable () async throws -> Bool
    ) async throws -> Duration {
      let began = ContinuousClock.now
      do {
        _ = try await eventually(what, within: limit, every: .milliseconds(20)) { () async throws -> Bool? in
          for instance in instances { try instance.revive() }
          return try await condition() ? true : nil
        }
      } catch let error as TestSupportError {
        let logs = instances.map { "--- \($0.name):\n\($0.log.suffix(3_000))" }.joined(separator: "\n")
        throw TestSupportError("\(error)\n\(logs)")
      }
      return ContinuousClock.now - began
    }

    /// Waits until others than those who had committed last have committed for these partitions.
    func untilOthersCommit(_ partitions: Set<Int32>, before: [Int32: CommittedState]) async throws -> Duration
    {
      try await until("new owners commit partitions \(partitions.sorted())") {
        let now = try await ground.committed()
        return partitions.allSatisfy { now[$0]?.owner != before[$0]?.owner }
      }
    }
  }

  /// Runs `faults` while traffic flows, then compares.
  static func play(
    _ title: String, _ names: [String], _ configuration: ClusterConfiguration,
    eventsPerSecond: Double = 1_500,
    events: Int = 120_000,
    _ faults: @escaping @Sendable (Stage, inout [[String]]) async throws -> Void
  ) async throws {
    let brokers = try #require(Wishes.brokers)
    let records = ShopRecords(seed: Wishes.seed &+ 7, count: events, users: events / 250, partitions: 6)
    let (outcome, rows) = try await ClusterGround.with(brokers: brokers, partitions: 6) { ground in
      let feeder = try Feeder(records, to: ground)
      let instances = try names.map { try Instance($0, on: ground, configuration) }
      let stage = Stage(
        ground: ground, feeder: feeder, records: records, configuration: configuration, instances: instances)
      for instance in instances { try instance.start() }
      try await ground.settle(instances)
      try await feeder.feed(to: events / 20, perSecond: 10_000)
      try await ground.drain(feeder.written, instances)
      let traffic = Task { try await feeder.finish(perSecond: eventsPerSecond) }
      var rows: [[String]] = []
      do {
        try await faults(stage, &rows)
      } catch {
        traffic.cancel()
        throw error
      }
      rows.append(["events sent by the last fault", "\(await feeder.sent) of \(events)"])
      traffic.cancel()
      _ = try? await traffic.value
      try await feeder.finish()
      try await ground.drain(feeder.written, instances)
      let endings = instances.flatMap { instance in instance.endings.map { [instance.name, $0] } }
      if !endings.isEmpty {
        rows.append(["processes that ended and were started again", "\(endings.count)"])
      }
      return (try await ground.judge(records, instances, configuration), rows)
    }
    outcome.expectExact(title, rows)
  }

  @Test(.timeLimit(.minutes(20)))
  func `A third instance that joins and leaves again and again changes nothing`() async throws {
    var configuration = ClusterConfiguration.shortSessions
    configuration.state["flush_after"] = "1s"
    try await Self.play("rebalances under load", ["one", "two"], configuration) {
      [configuration] stage, rows in
      let third = try Instance("three", on: stage.ground, configuration)
      for round in 1...Wishes.rounds {
        var before = try await stage.ground.committed()
        try third.start()
        _ = try await stage.until("the third instance has partitions") {
          try third.revive()
          return !third.partitions.isEmpty
        }
        let taken = third.partitions
        let joined = try await stage.untilOthersCommit(taken, before: before)
        before = try await stage.ground.committed()
        // Leaves in good order and by a blow, in turn.
        let way = round % 2 == 1 ? "SIGTERM" : "kill -9"
        if round % 2 == 1 { #expect(try await third.stop() == 0) } else { third.kill9() }
        let left = try await stage.untilOthersCommit(taken, before: before)
        rows.append([
          "round \(round), \(way)",
          "took \(taken.count) partitions, processing \(joined.milliseconds) ms later; "
            + "stood in for \(left.milliseconds) ms after",
        ])
      }
      third.kill9()
    }
  }

  @Test(.timeLimit(.minutes(20)))
  func `A zombie that wakes up after its session has ended writes nothing`() async throws {
    var configuration = ClusterConfiguration.shortSessions
    configuration.state["flush_after"] = "1s"
    try await Self.play("frozen beyond the session timeout of 6 s", ["one", "two"], configuration) {
      stage, rows in
      for round in 1...Wishes.rounds {
        let victim = stage.instances[round % 2]
        _ = try await stage.until("both instances have partitions") {
          stage.instances.allSatisfy { !$0.partitions.isEmpty }
        }
        let taken = victim.partitions
        let before = try await stage.ground.committed()
        victim.freeze()
        let takenOver = try await stage.untilOthersCommit(taken, before: before)
        try await Task.sleep(for: .milliseconds(500))
        let during = try await stage.ground.committed()
        victim.thaw()
        // It is told, drops what it had, and gets its share anew.
        let back = try await stage.until("the zombie is a member again") {
          let now = try await stage.ground.committed()
          let changed = now.filter { $0.value.owner != during[$0.key]?.owner }
          return !changed.isEmpty && !victim.partitions.isEmpty
        }
        rows.append([
          "round \(round), \(victim.name)",
          "\(taken.count) partitions taken over \(takenOver.milliseconds) ms after SIGSTOP; "
            + "member again \(back.milliseconds) ms after SIGCONT",
        ])
      }
    }
  }

  @Test(.timeLimit(.minutes(20)))
  func `A transaction that times out is aborted, and what it held is written by the next`() async throws {
    var configuration = ClusterConfiguration()
    configuration.kafka = ["transaction_timeout: 5s"]
    configuration.state["flush_after"] = "1s"
    try await Self.play("frozen beyond the transaction timeout of 5 s", ["one", "two"], configuration) {
      stage, rows in
      for round in 1...Wishes.rounds {
        let victim = stage.instances[round % 2]
        _ = try await stage.until("the victim has partitions") { !victim.partitions.isEmpty }
        let taken = victim.partitions
        victim.freeze()
        // Timed-out transactions are looked for every 10 s by default.
        try await Task.sleep(for: .seconds(16))
        let during = try await stage.ground.committed()
        victim.thaw()
        let back = try await stage.until("its partitions are committed further") {
          let now = try await stage.ground.committed()
          return taken.allSatisfy { (now[$0]?.nextOffset ?? 0) > (during[$0]?.nextOffset ?? 0) }
        }
        rows.append([
          "round \(round), \(victim.name)",
          "\(taken.count) partitions committed further \(back.milliseconds) ms after SIGCONT",
        ])
      }
    }
  }

  @Test(.timeLimit(.minutes(20)))
  func `Stops and starts move nothing to others, and a changed configuration begins an epoch`() async throws {
    var configuration = ClusterConfiguration()
    configuration.state["flush_after"] = "5s"
    try await Self.play("clean stops, starts and a new epoch", ["one", "two"], configuration) {
      [configuration] stage, rows in
      let (one, two) = (stage.instances[0], stage.instances[1])
      _ = try await stage.until("both have partitions") { !one.partitions.isEmpty && !two.partitions.isEmpty }
      let moves = { (instance: Instance) in
        instance.logs.joined().components(separatedBy: "assigned ").count - 1
      }
      let before = moves(two)
      for round in 1...Wishes.rounds {
        let (taken, positions) = (one.partitions, try await stage.ground.committed())
        #expect(try await one.stop() == 0)
        let stopped = ContinuousClock.now
        try one.start()
        let back = try await stage.untilOthersCommit(taken, before: positions)
        rows.append([
          "restart \(round)",
          "\(back.milliseconds) ms until its \(taken.count) partitions are committed again",
        ])
        #expect(one.partitions == taken, "the same partitions \(ContinuousClock.now - stopped) later")
      }
      rows.append(["rebalances of the other instance", "\(moves(two) - before)"])
      #expect(moves(two) == before, "static membership: nobody else is moved")
      // An option that decides results, and does not for this traffic: another epoch, the same alerts.
      var changed = configuration
      changed.state["forget_after"] = "200d"
      for instance in stage.instances {
        let (taken, positions) = (instance.partitions, try await stage.ground.committed())
        try changed.write(on: stage.ground, instance: instance.name)
        #expect(try await instance.stop() == 0)
        try instance.start()
        let back = try await stage.untilOthersCommit(taken, before: positions)
        rows.append(["new configuration, \(instance.name)", "\(back.milliseconds) ms"])
      }
      _ = try await stage.until("every partition has been committed under the new epoch") {
        let hashes = try await stage.ground.committed().values.compactMap { $0.metadata?.epochHash }
        return Set(hashes).count == 1 && hashes.count == 6
      }
      let versions = Set(try await stage.ground.committedAlerts().map(\.configVersion))
      rows.append(["config_version seen so far", "\(versions.count)"])
    }
  }
}
