import ClusterSupport
import Foundation
import TestSupport
import Testing

/// kill -9 in a loop under load: two instances of several lanes each, one of them killed at a random moment again and
/// again, sometimes both, sometimes one that has not recovered from the last kill yet.
@Suite(.serialized, .enabled(if: Wishes.brokers != nil, Wishes.skipped)) struct `kill -9` {
  /// One kill, as the table shows it.
  struct Row: Sendable {
    var number: Int
    var victim: String
    /// Records that the brokers had, and nothing was committed for.
    var uncommitted: Int64
    /// Records that a recovery reads again: from the recovery point to the committed offset.
    var replayed: Int64
    /// From the kill to the first commit of the next process, and to the last of its partitions'.
    var first: Int?
    var all: Int?

    var cells: [String] {
      [
        "\(number)", victim, "\(uncommitted)", "\(replayed)", first.map { "\($0)" } ?? "killed again",
        all.map { "\($0)" } ?? "",
      ]
    }
  }

  /// With the default configuration the same instance must process again within this.
  static let limitMilliseconds = 5_000

  @Test(.timeLimit(.minutes(90)))
  func `However often instances are killed, every alert is there once`() async throws {
    let brokers = try #require(Wishes.brokers)
    let (events, kills) = (Wishes.events, Wishes.kills)
    let records = ShopRecords(
      seed: Wishes.seed, count: events, users: max(100, events / 250), partitions: 6)
    say("\(records.count) records of \(records.bytesPerRecord) bytes, \(records.purchases.count) purchases")
    // Default but for what makes the replay the oracle.
    let configuration = ClusterConfiguration()
    let (outcome, rows) = try await ClusterGround.with(brokers: brokers, partitions: 6, patience: 5) {
      ground in
      let feeder = try Feeder(records, to: ground)
      let instances = try ["one", "two"].map { try Instance($0, on: ground, configuration) }
      for instance in instances { try instance.start() }
      let loop = KillLoop(ground: ground, feeder: feeder, instances: instances, seed: Wishes.seed)
      // Everybody is there and has committed before the first kill.
      try await ground.settle(instances)
      try await feeder.feed(to: events / (kills + 2), perSecond: 10_000)
      try await ground.drain(feeder.written, instances)
      let rows = try await loop.run(kills: kills, events: events)
      try await feeder.finish()
      try await ground.drain(feeder.written, instances)
      return (try await ground.judge(records, instances, configuration), rows)
    }
    printTable(
      "kill -9 under load, \(events) events, two instances of two lanes, 6 partitions",
      [
        [
          "kill", "instance", "uncommitted events", "events to replay", "ms to the first commit",
          "ms until all its partitions committed",
        ]
      ] + rows.map(\.cells))
    let all = rows.compactMap(\.all)
    outcome.expectExact(
      "what a read_committed reader sees after \(rows.count) kills",
      [
        ["kills with uncommitted events", "\(rows.count { $0.uncommitted > 0 })"],
        ["uncommitted events at a kill", rows.map { Int($0.uncommitted) }.spread],
        ["ms from kill to processing again", all.spread],
        ["of these above \(Self.limitMilliseconds) ms", "\(all.count { $0 > Self.limitMilliseconds })"],
      ])
    #expect(rows.contains { $0.uncommitted > 0 }, "kills hit work that was not committed")
    #expect(all.allSatisfy { $0 <= Self.limitMilliseconds }, "ms from kill to processing again: \(all)")
  }
}

/// Kills, starts again, measures.
struct KillLoop: Sendable {
  let ground: ClusterGround
  let feeder: Feeder
  let instances: [Instance]
  let seed: UInt64

  func run(kills: Int, events: Int) async throws -> [`kill -9`.Row] {
    var dice = SeededGenerator(seed: seed)
    var rows: [`kill -9`.Row] = []
    let first = await feeder.sent
    while rows.count < kills {
      // In bursts, so that there is work in hand when the blow falls; a fifth of all is kept for the time between.
      let share = (events - first) * (rows.count + 1) / (kills + 1) * 8 / 10
      let rate = Double([2_000, 5_000, 10_000, 20_000].randomElement(using: &dice)!)
      let span = Double(max(0, first + share - (await feeder.sent))) / rate
      let delay = Double.random(in: 0.2...0.9, using: &dice) * min(span, 3)
      let feeding = Task { try await feeder.feed(to: first + share, perSecond: rate) }
      try await Task.sleep(for: .seconds(delay))
      let victims =
        Int.random(in: 0..<10, using: &dice) == 0 ? instances : [instances.randomElement(using: &dice)!]
      let again = Int.random(in: 0..<6, using: &dice) == 0 && rows.count + 1 < kills
      let pause = Double.random(in: 0.05...1.2, using: &dice)
      var blow = try await kill(victims, number: rows.count + 1)
      if again {
        try await Task.sleep(for: .seconds(pause))
        rows.append(blow.row)
        let owners = blow.owners
        blow = try await kill(victims, number: rows.count + 1)
        blow.owners.merge(owners) { now, _ in now }
      }
      // Whoever has nothing to read has nothing to commit: so records go on coming.
      let trickle = Task {
        try await feeding.value
        while !Task.isCancelled { try await feeder.feed(to: (await feeder.sent) + 50, perSecond: 500) }
      }
      let row: `kill -9`.Row
      do {
        row = try await measure(blow)
        trickle.cancel()
      } catch {
        trickle.cancel()
        throw error
      }
      try await feeding.value
      rows.append(row)
      say(
        "  kill \(row.number) of \(row.victim): \(row.uncommitted) uncommitted, \(row.replayed) to replay, "
          + "\(row.first ?? -1) ms to the first commit, \(row.all ?? -1) ms to all")
    }
    return rows
  }

  /// A kill whose consequences are not known yet.
  struct Blow: Sendable {
    var row: `kill -9`.Row
    var moment: ContinuousClock.Instant
    /// Who had committed last for the partitions of those killed.
    var owners: [Int32: UInt64]
  }

  private func kill(_ victims: [Instance], number: Int) async throws -> Blow {
    for instance in instances { try instance.revive() }
    let partitions = victims.reduce(into: Set<Int32>()) { $0.formUnion($1.partitions) }
    let written = feeder.written
    let moment = victims.map { $0.kill9() }.first!
    // What is committed from now on was under way already.
    let before = try await ground.committed()
    for victim in victims { try victim.start() }
    let mine = before.filter { partitions.isEmpty || partitions.contains($0.key) }
    return Blow(
      row: `kill -9`.Row(
        number: number, victim: victims.map(\.name).joined(separator: " and "),
        uncommitted: mine.reduce(0) { $0 + max(0, written[Int($1.key)] - $1.value.nextOffset) },
        replayed: mine.reduce(0) { $0 + $1.value.nextOffset - $1.value.recoveryPoint }),
      moment: moment, owners: mine.compactMapValues(\.owner))
  }

  /// Waits until every partition of those killed has a commit by somebody new.
  private func measure(_ blow: Blow) async throws -> `kill -9`.Row {
    var row = blow.row
    var waiting = blow.owners
    let deadline = blow.moment + .seconds(90)
    while !waiting.isEmpty {
      for instance in instances { try instance.revive() }
      let now = try await ground.committed()
      let elapsed = (ContinuousClock.now - blow.moment).milliseconds
      for (partition, owner) in waiting {
        guard let state = now[partition] else { continue }
        if state.owner != owner {
          row.first = row.first ?? elapsed
          waiting[partition] = nil
        } else if instances.contains(where: {
          !blow.row.victim.contains($0.name) && $0.partitions.contains(partition)
        }) {
          // It had moved to somebody else before the blow, and was not hit.
          waiting[partition] = nil
        }
      }
      guard ContinuousClock.now < deadline else {
        let logs = instances.map { "--- \($0.name):\n\($0.log.suffix(2_500))" }.joined(separator: "\n")
        throw TestSupportError(
          "90 s after kill \(row.number) nobody commits partitions \(waiting.keys)\n\(logs)")
      }
      try await Task.sleep(for: .milliseconds(10))
    }
    row.all = (ContinuousClock.now - blow.moment).milliseconds
    return row
  }
}
