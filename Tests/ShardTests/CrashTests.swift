import Events
import Foundation
import Portrait
import Shard
import SideBySide
import TestSupport
import Testing
import Triggers

/// Random histories through a shard that is flushed and crashes at every step: what it commits is what an undisturbed
/// run over the committed clock log gives, and its state comes out bit for bit the same.
@Suite struct CrashTests {
  static let zones = ZoneTable.foundation(Dice<SeededGenerator>.zoneNames)

  /// What is wrong with a history, or nil.
  static func run(_ seed: UInt64, _ counts: inout [String: Int]) throws -> String? {
    let world = RandomWorld.make(SeededGenerator(seed: seed), zones: zones)
    let other = RandomWorld.make(SeededGenerator(seed: seed ^ 0x5DEE_CE66), zones: zones).rules
    var dice = SeededGenerator(seed: seed &+ 1)
    func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &dice) < percent }
    // Users are to expire and to return within the weeks of a history.
    let forgets = chance(50)
    let epochs = [world.rules, other].enumerated().map { index, rules in
      var rules = rules
      if forgets {
        rules.state.forgetAfterMilliseconds = 2 * Milliseconds.day
        rules.windows = [WindowSpec(name: "hour", lengthMilliseconds: Milliseconds.hour)]
        rules.churn.enabled = false
        rules.cart.forgottenMilliseconds = rules.cart.expiryMilliseconds
      }
      return Epoch(hash: UInt64(index + 1), text: "epoch \(index)", rules: rules)
    }
    var subject = CrashingShard(epochs: epochs)
    var which = 0
    let crashes = chance(80)
    let limit = chance(50) ? 1 : Int.max / 2
    func disturb(_ subject: inout CrashingShard) throws {
      if chance(30) { subject.close(users: Int.random(in: 0...3, using: &dice), all: false) }
      if chance(3) { subject.close(users: .max, all: true) }
      if chance(2) {
        which = 1 - which
        subject.change(to: epochs[which])
        counts["epochs", default: 0] += 1
      }
      if crashes, chance(10) { try subject.crash { $0.shuffled(using: &dice) } }
      counts["packed", default: 0] += subject.shard.packedCount
    }
    for step in world.steps {
      switch step {
      case .event(let event, let clock): subject.append(.event(event, clock: clock))
      case .advance(let time, let clock): subject.append(.time(time, clock: clock))
      case .tick(let clock):
        while subject.tick(clock, alerts: limit) == .partly {
          counts["part ticks", default: 0] += 1
          try disturb(&subject)
        }
      case .resume(let clock): subject.resume(clock)
      case .drain: break
      }
      while subject.hasMore {
        if !subject.read(alerts: limit) { counts["part steps", default: 0] += 1 }
        try disturb(&subject)
      }
    }
    subject.close(users: .max, all: true)
    subject.close(users: .max, all: true)
    counts["crashes", default: 0] += subject.crashes
    counts["replayed", default: 0] += subject.skipped
    counts["alerts", default: 0] += subject.alerts.count
    var alerts: [Alert] = []
    let expected = subject.undisturbed(&alerts)
    if let difference = differ(subject.alerts, alerts) { return difference }
    if let difference = differ(subject.shard, expected) { return difference }
    // And once more from nothing but what is stored.
    try subject.crash { $0 }
    return differ(subject.shard, expected)
  }

  static func differ(_ found: [Alert], _ expected: [Alert]) -> String? {
    let (left, right) = (Dictionary(grouping: found, by: \.user), Dictionary(grouping: expected, by: \.user))
    for user in Set(left.keys).union(right.keys).sorted() {
      let (a, b) = (left[user] ?? [], right[user] ?? [])
      for (one, two) in zip(a, b) where one != two { return "\(user): found \(one)\nexpected \(two)" }
      if a.count != b.count { return "\(user): \(a.count) alerts found, \(b.count) expected" }
    }
    return nil
  }

  static func differ(_ found: borrowing Shard, _ expected: borrowing Shard) -> String? {
    func states(_ shard: borrowing Shard) -> [String: [UInt8]] {
      var states: [String: [UInt8]] = [:]
      shard.forEachUser { key, user in
        var writer = StateWriter()
        Identity.with(key: key, isIdentified: user.isIdentified) { user.encode(of: $0, into: &writer) }
        states[key] = writer.bytes
      }
      return states
    }
    let (left, right) = (states(found), states(expected))
    for user in Set(left.keys).union(right.keys).sorted() where left[user] != right[user] {
      return "\(user): state differs (\(left[user]?.count ?? -1) and \(right[user]?.count ?? -1) bytes)"
    }
    if found.watermark != expected.watermark { return "watermark" }
    return nil
  }

  @Test func `What crashes leave behind is what an undisturbed run gives`() throws {
    let environment = ProcessInfo.processInfo.environment
    let count = environment["EBB_SEEDS"].flatMap { Int($0) } ?? 400
    var first = SeededGenerator(announcedAs: "crashing shards", seed: 20_240_909)
    var counts: [String: Int] = [:]
    for _ in 0..<count {
      let seed = first.next()
      do {
        if let difference = try Self.run(seed, &counts) {
          Issue.record("history \(seed): \(difference)")
          return
        }
      } catch {
        Issue.record("history \(seed): \(error)")
        return
      }
    }
    print("\(count) histories: \(counts.sorted { $0.key < $1.key })")
    for name in ["alerts", "crashes", "epochs", "packed", "part steps", "part ticks", "replayed"] {
      #expect(counts[name, default: 0] >= 20, "\(name) happened too rarely")
    }
  }
}
