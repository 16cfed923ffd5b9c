import Events
import Pipeline
import Settings
import Shard
import Testing
import Triggers

/// A lane between two logs in memory: what is written, when, and under which offset.
@Suite struct LaneTests {
  static let start: Int64 = 1_772_442_000_000

  /// A native event at `start` + `minutes`.
  static func event(_ type: String, _ user: String, _ minutes: Int64, _ more: String = "") -> String {
    "{\"user_id\":\"\(user)\",\"type\":\"\(type)\",\"ts\":\(start + minutes * 60_000)\(more)}"
  }

  static func record(
    _ partition: Int32, _ offset: Int64, _ user: String, _ type: String, _ minutes: Int64, _ more: String = ""
  ) -> MemoryWorld.Step {
    .record(
      partition: partition, offset: offset, timestamp: start + minutes * 60_000, key: user,
      value: event(type, user, minutes, more))
  }

  /// Time in which nothing comes, in turns as short as a lane's.
  static func silence(minutes: Int) -> [MemoryWorld.Step] {
    Array(repeating: .wait(4_000), count: minutes * 15)
  }

  static let add = ",\"item_id\":\"a\",\"price_minor\":100,\"currency\":\"EUR\""

  static func settings(_ rules: Rules) throws -> LaneSettings {
    let plan = EpochPlan(
      epoch: Epoch(hash: 1, text: "one", rules: rules), mapping: try MappingFile.preset(named: "native"),
      limits: DecoderLimits())
    return LaneSettings(
      plan: plan, readEpoch: { _, _ in plan }, configVersion: "v", source: "/t", inputTopic: "clicks",
      owner: 7)
  }

  /// Runs a lane over the steps until it has stopped.
  @discardableResult
  func run(
    _ steps: [MemoryWorld.Step], rules: Rules = Rules(), outboxBytes: Int = 4 << 20
  ) throws -> MemoryWorld {
    // A day before anything is stale.
    let world = MemoryWorld(steps + [.stop], wall: Self.start)
    var settings = try Self.settings(rules)
    settings.outboxBytes = outboxBytes
    var lane = Lane(
      input: MemoryInput(world), output: MemoryOutput(world), recoverer: MemoryRecoverer(world, settings),
      settings: settings, clock: world.clock.lane, monitor: world.monitor
    ) { notice in world.state.withLock { $0.notices.append(notice) } }
    try lane.run()
    return world
  }

  @Test func `An alert is written with the offset behind the record that made it due`() throws {
    let world = try run([
      .assigned([3]), Self.record(3, 10, "u", "cart_add", 0, Self.add), .wait(20),
      Self.record(3, 11, "v", "page_view", 90), .wait(20), .wait(20),
    ])
    let alerts = world.written(to: .cartAlerts)
    #expect(alerts.count == 1)
    #expect(alerts.first?.key == Array("u".utf8))
    let section = world.committed.flatMap(\.sections).first { !$0.records.isEmpty }
    #expect(section?.partition == 3)
    #expect(section?.nextOffset == 12)
    #expect(world.offset(of: 3) == 12)
  }

  @Test func `A refused record becomes one dead letter, unchanged, and the next one counts`() throws {
    let world = try run([
      .assigned([0]),
      .record(partition: 0, offset: 5, timestamp: Self.start, key: "k", value: "{\"user_id\":"),
      .record(partition: 0, offset: 6, timestamp: Self.start, key: "k", value: nil),
      Self.record(0, 7, "u", "page_view", 0),
    ])
    let letters = world.written(to: .deadLetters)
    #expect(letters.map(\.value) == [Array("{\"user_id\":".utf8), nil])
    #expect(letters.map(\.key) == [Array("k".utf8), Array("k".utf8)])
    let offsets = letters.map { letter in
      letter.headers.first { $0.name == "ebb_offset" }.map { String(decoding: $0.value, as: UTF8.self) }
    }
    #expect(offsets == ["5", "6"])
    #expect(world.monitor.latest.rejectedCount == 2)
    #expect(world.offset(of: 0) == 8)
  }

  @Test func `While a cut is in flight no second one begins, and input goes on`() throws {
    let world = try run([
      .assigned([0]), .hold(true), Self.record(0, 0, "u", "cart_add", 0, Self.add),
      Self.record(0, 1, "v", "page_view", 70), .wait(2_000), Self.record(0, 2, "v", "page_view", 71),
      .wait(2_000), Self.record(0, 3, "v", "page_view", 72), .hold(false), .wait(2_000), .wait(2_000),
    ])
    #expect(world.monitor.latest.records == 4)
    #expect(world.offset(of: 0) == 4)
    #expect(world.begun.map(\.number.sequence) == Array(1...UInt64(world.begun.count)))
    #expect(world.begun == world.committed)
  }

  @Test func `Giving up partitions commits what is in hand before the call returns`() throws {
    let world = try run([
      .assigned([0, 1]), Self.record(0, 0, "u", "cart_add", 0, Self.add),
      Self.record(0, 1, "v", "page_view", 70), Self.record(1, 0, "w", "page_view", 0), .revoked([0, 1]),
    ])
    #expect(world.written(to: .cartAlerts).count == 1)
    #expect(world.offset(of: 0) == 2)
    #expect(world.offset(of: 1) == 1)
    #expect(world.monitor.latest.partitions.isEmpty)
  }

  @Test func `Giving up partitions ends in time even if the cut does not`() throws {
    let world = try run([
      .assigned([0]), .hold(true), Self.record(0, 0, "u", "cart_add", 0, Self.add),
      Self.record(0, 1, "v", "page_view", 70), .wait(50), .revoked([0]), .hold(false),
    ])
    #expect(world.offset(of: 0) == 0, "only the start")
    #expect(world.state.withLock { $0.abandoned } == 1)
    let timedOut = world.state.withLock { state in
      state.notices.contains { if case .handoverTimedOut = $0 { true } else { false } }
    }
    #expect(timedOut)
  }

  @Test func `Nothing of lost partitions is written any more`() throws {
    let world = try run([
      .assigned([0]), .hold(true), Self.record(0, 0, "u", "cart_add", 0, Self.add),
      Self.record(0, 1, "v", "page_view", 70), .wait(50), .lost([0]), .hold(false), .wait(2_000),
    ])
    #expect(world.offset(of: 0) == 0, "only the start")
    #expect(world.monitor.latest.partitions.isEmpty)
  }

  @Test func `A quiet partition at its end follows the clock, and its last user is reminded`() throws {
    let world = try run(
      [.assigned([0]), Self.record(0, 0, "u", "cart_add", 0, Self.add), .end(partition: 0, nextOffset: 1)]
        + Self.silence(minutes: 63))
    #expect(world.written(to: .cartAlerts).count == 1)
    #expect(world.offset(of: 0) == 1)
    #expect(world.monitor.latest.ticks > 0)
  }

  @Test(arguments: [
    ("not at its end", [MemoryWorld.Step]()),
    ("brokers away", [.end(partition: 0, nextOffset: 1), .healthy(false)]),
  ])
  func `A partition of which silence proves nothing does not tick`(why: String, steps: [MemoryWorld.Step])
    throws
  {
    let world = try run(
      [.assigned([0]), Self.record(0, 0, "u", "cart_add", 0, Self.add)] + steps
        + Self.silence(minutes: 90))
    #expect(world.written(to: .cartAlerts).isEmpty, "\(why)")
    #expect(world.monitor.latest.ticks == 0)
  }

  @Test func `A lane that was asleep reads its backlog before it takes silence for granted`() throws {
    let world = try run(
      [
        .assigned([0]), Self.record(0, 0, "u", "cart_add", 0, Self.add), .end(partition: 0, nextOffset: 1),
        .wait(1_000), .wait(90 * 60_000), Self.record(0, 1, "u", "purchase", 30, Self.add),
        .end(partition: 0, nextOffset: 2),
      ] + Self.silence(minutes: 5))
    #expect(world.written(to: .cartAlerts).isEmpty)
  }

  @Test func `Ticks end tick_for after the last event`() throws {
    var rules = Rules()
    rules.time.tickForMilliseconds = 30 * Milliseconds.minute
    let world = try run(
      [
        .assigned([0]), Self.record(0, 0, "u", "cart_add", 0, Self.add), .end(partition: 0, nextOffset: 1),
      ] + Self.silence(minutes: 300), rules: rules)
    #expect(world.written(to: .cartAlerts).isEmpty)
  }

  @Test func `A full outbox holds input until the cut in flight is safe`() throws {
    // Every refused record fills the outbox; the lane must not go on past two of them while a cut is held.
    let bad = { (offset: Int64) in
      MemoryWorld.Step.record(partition: 0, offset: offset, timestamp: Self.start, key: "k", value: "x")
    }
    let world = try run([.assigned([0])] + (0..<20).map(bad), outboxBytes: 1)
    #expect(world.written(to: .deadLetters).count == 20)
    #expect(world.committed.allSatisfy { $0.sections.reduce(0) { $0 + $1.records.count } <= 2 })
  }

  @Test func `History is not mailed: what is due before the start is stale`() throws {
    let old = Self.start - 40 * Milliseconds.day
    func at(_ time: Int64, _ offset: Int64, _ user: String, _ rest: String) -> MemoryWorld.Step {
      .record(
        partition: 0, offset: offset, timestamp: time, key: user,
        value: "{\"user_id\":\"\(user)\",\"ts\":\(time),\(rest)}")
    }
    let world = try run([
      .assigned([0]), at(old, 0, "u", "\"type\":\"cart_add\",\"item_id\":\"a\""),
      at(old + 2 * Milliseconds.hour, 1, "v", "\"type\":\"page_view\""), .wait(2_000),
    ])
    #expect(world.written(to: .cartAlerts).isEmpty)
    #expect(world.monitor.latest.tally[stale: 1] == 1)
  }

  @Test func `A record keyed by something else is counted, and told once`() throws {
    let world = try run([
      .assigned([0]),
      .record(partition: 0, offset: 0, timestamp: Self.start, key: "x", value: Self.event("click", "u", 0)),
      .record(partition: 0, offset: 1, timestamp: Self.start, key: nil, value: Self.event("click", "u", 1)),
      Self.record(0, 2, "u", "click", 2),
    ])
    #expect(world.monitor.latest.foreignKeys == 2)
    let told = world.state.withLock { state in
      state.notices.count { if case .foreignKey = $0 { true } else { false } }
    }
    #expect(told == 1)
  }
}
