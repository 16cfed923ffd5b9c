import Pipeline
import Shard
import Testing
import Triggers

/// A lane whose configuration changes while it runs, between two logs in memory.
@Suite struct ReloadTests {
  private typealias Step = MemoryWorld.Step

  /// Settings of an epoch of its own, in which carts are told of after so many minutes.
  static func settings(_ hash: UInt64, stepMinutes: Int64) throws -> LaneSettings {
    var rules = Rules()
    rules.cart.stepsMilliseconds = [stepMinutes * 60_000]
    var settings = try LaneTests.settings(rules)
    settings.plan.epoch = Epoch(hash: hash, text: "epoch \(hash)", rules: rules)
    settings.configVersion = "v\(hash)"
    return settings
  }

  private func run(_ steps: [MemoryWorld.Step]) throws -> MemoryWorld {
    let world = MemoryWorld(steps + [.stop], wall: LaneTests.start)
    let settings = try Self.settings(1, stepMinutes: 60)
    var lane = Lane(
      input: MemoryInput(world), output: MemoryOutput(world), recoverer: MemoryRecoverer(world, settings),
      settings: settings, clock: world.clock.lane, monitor: world.monitor, notify: { _ in })
    try lane.run()
    return world
  }

  /// The epochs of a partition's commits, each once in a row, with the first offset committed under it.
  private static func epochs(of partition: Int32, _ world: MemoryWorld) throws -> [[Int64]] {
    var epochs: [[Int64]] = []
    for section in world.committed.flatMap(\.sections) where section.partition == partition {
      let hash = Int64(try #require(try CommitMetadata(section.metadata)).epochHash)
      if epochs.last?[0] != hash { epochs.append([hash, section.nextOffset]) }
    }
    return epochs
  }

  private static func alerts(_ world: MemoryWorld) -> [String] {
    world.written(to: .cartAlerts).map { alert in
      let key = String(decoding: alert.key ?? [], as: UTF8.self)
      let text = String(decoding: alert.value ?? [], as: UTF8.self)
      return "\(key) \(["v1", "v2"].first { text.contains("\"config_version\":\"\($0)\"") } ?? "?")"
    }
  }

  @Test func `Records behind the change are decided by the new rules, and those before it by the old`() throws
  {
    let world = try run([
      .assigned([0]), LaneTests.record(0, 0, "a", "cart_add", 0, LaneTests.add),
      // Due an hour later, and told of with the next cut.
      LaneTests.record(0, 1, "v", "page_view", 70), .configure(try Self.settings(2, stepMinutes: 10)),
      LaneTests.record(0, 2, "b", "cart_add", 71, LaneTests.add),
      LaneTests.record(0, 3, "v", "page_view", 85), .wait(2_000),
    ])
    #expect(Self.alerts(world) == ["a v1", "b v2"])
    // Read again from where the old epoch ended, and from nowhere else.
    #expect(
      world.state.withLock { $0.started } == [PartitionOffset(0, 0), PartitionOffset(0, 2)])
    #expect(try Self.epochs(of: 0, world) == [[1, 0], [2, 2]])
    #expect(world.offset(of: 0) == 4)
    #expect(world.monitor.latest.configVersion == "v2")
  }

  @Test func `An epoch begins with all users of the one before flushed, in the cut that carries its text`()
    throws
  {
    var first = try Self.settings(2, stepMinutes: 10)
    first.flushAfterMilliseconds = 3_600_000
    let users = (0..<9).map { LaneTests.record(0, Int64($0), "u\($0)", "cart_add", 0, LaneTests.add) }
    let world = try run([.assigned([0])] + users + [.configure(first), .wait(2_000), .wait(2_000)])
    let sections = world.committed.flatMap(\.sections)
    let place = try #require(
      sections.firstIndex { (try? CommitMetadata($0.metadata))??.epochHash == 2 })
    let metadata = try #require(try CommitMetadata(sections[place].metadata))
    #expect(metadata.recoveryPoint.offset == 9 && sections[place].nextOffset == 9)
    #expect(metadata.storedCount == 9)
    #expect(sections[place].state.contains { $0.key == StateRecord.key(ofEpoch: 2) })
    #expect(!sections[..<place].contains { $0.state.contains { $0.key == StateRecord.key(ofEpoch: 2) } })
  }

  @Test func `Back and forth while a cut is held ends where it began, and each record counts once`() throws {
    let world = try run([
      .assigned([0]), LaneTests.record(0, 0, "a", "cart_add", 0, LaneTests.add), .hold(true), .wait(2_000),
      .configure(try Self.settings(2, stepMinutes: 10)), .configure(try Self.settings(1, stepMinutes: 60)),
      .hold(false), LaneTests.record(0, 1, "v", "page_view", 30),
      LaneTests.record(0, 2, "v", "page_view", 70), .wait(2_000),
    ])
    #expect(Self.alerts(world) == ["a v1"])
    #expect(try Self.epochs(of: 0, world).last?[0] == 1)
    #expect(world.monitor.latest.records == 3)
    #expect(world.offset(of: 0) == 3)
  }

  @Test func `Intervals change without a pause: no partition is held or started anew`() throws {
    var slower = try Self.settings(1, stepMinutes: 60)
    slower.maximumCutIntervalMilliseconds = 30_000
    let world = try run([
      .assigned([0]), LaneTests.record(0, 0, "a", "page_view", 0), .wait(2_000), .configure(slower),
      LaneTests.record(0, 1, "a", "page_view", 1), .wait(9_000), LaneTests.record(0, 2, "a", "page_view", 2),
      .wait(9_000),
    ])
    #expect(world.state.withLock { $0.started } == [PartitionOffset(0, 0)])
    // At the start, after a second as it was, and at the end: nothing in between.
    #expect(world.committed.flatMap(\.sections).map(\.nextOffset) == [0, 1, 3])
  }

  @Test func `A lane that owns nothing takes a change, and a partition that comes later begins under it`()
    throws
  {
    let world = try run([
      .configure(try Self.settings(2, stepMinutes: 10)), .wait(100), .assigned([0]),
      LaneTests.record(0, 0, "a", "cart_add", 0, LaneTests.add),
      LaneTests.record(0, 1, "v", "page_view", 15), .wait(2_000),
    ])
    #expect(Self.alerts(world) == ["a v2"])
    #expect(try Self.epochs(of: 0, world) == [[2, 0]])
  }
}
