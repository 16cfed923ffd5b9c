import Pipeline
import Testing
import Triggers

/// A lane whose process is short of memory, between two logs in memory.
@Suite struct ValveTests {
  private typealias Step = MemoryWorld.Step

  private func run(_ steps: [MemoryWorld.Step], rules: Rules = Rules()) throws -> MemoryWorld {
    try LaneTests().run(steps, rules: rules)
  }

  @Test func `While it is shut nothing is read, and each record behind it counts once when it opens`() throws
  {
    let world = try run([
      .assigned([0, 1]), LaneTests.record(0, 0, "u", "cart_add", 0, LaneTests.add),
      LaneTests.record(1, 0, "w", "page_view", 0), .wait(2_000), .valve { $0.shut() }, .wait(2_000),
      .wait(2_000), .valve { $0.open() }, LaneTests.record(0, 1, "v", "page_view", 70), .wait(2_000),
    ])
    #expect(world.state.withLock { $0.held }.sorted() == [0, 1])
    // At the assignment, and where they stood when they were held.
    #expect(
      world.state.withLock { $0.started }.sorted {
        ($0.partition, $0.nextOffset) < ($1.partition, $1.nextOffset)
      }
        == [PartitionOffset(0, 0), PartitionOffset(0, 1), PartitionOffset(1, 0), PartitionOffset(1, 1)])
    #expect(world.monitor.latest.records == 3)
    #expect(world.written(to: .cartAlerts).count == 1)
    #expect(world.offset(of: 0) == 2)
  }

  @Test func `What waits to be written is written while it is shut`() throws {
    let world = try run([
      .assigned([0]), LaneTests.record(0, 0, "u", "cart_add", 0, LaneTests.add), .hold(true),
      LaneTests.record(0, 1, "v", "page_view", 70), .wait(2_000), .valve { $0.shut() }, .wait(100),
      .hold(false), .wait(2_000), .wait(2_000),
    ])
    #expect(world.written(to: .cartAlerts).count == 1)
    #expect(world.offset(of: 0) == 2)
  }

  @Test(arguments: [true, false])
  func `No time passes on quiet partitions while input is held back`(isShut: Bool) throws {
    let turn: @Sendable (InputValve) -> Void = { valve in
      if isShut { valve.shut() } else { valve.narrow(nanosecondsPerRecord: 1_000_000) }
    }
    let cart: [Step] = [
      .assigned([0]), LaneTests.record(0, 0, "u", "cart_add", 0, LaneTests.add),
      .end(partition: 0, nextOffset: 1),
    ]
    let world = try run(cart + [.valve(turn)] + LaneTests.silence(minutes: 70))
    #expect(world.monitor.latest.ticks == 0)
    #expect(world.written(to: .cartAlerts).isEmpty)
    let open = try run(cart + LaneTests.silence(minutes: 70))
    #expect(open.written(to: .cartAlerts).count == 1, "with the valve open it is told of")
  }

  @Test func `No recovery begins while it is shut, and what is recovered waits`() throws {
    let world = try run([
      .valve { $0.shut() }, .wait(10), .assigned([0]), .wait(2_000), .wait(2_000),
      .valve { valve in valve.open() }, LaneTests.record(0, 0, "u", "page_view", 0), .wait(2_000),
    ])
    #expect(world.state.withLock { $0.started } == [PartitionOffset(0, 0)])
    #expect(world.monitor.latest.records == 1)
    // The first commit, which carries the start, comes when the valve has opened.
    #expect(world.clock.lane.monotonic() >= 4_000 && world.offset(of: 0) == 1)
  }

  @Test func `A configuration that changes meanwhile decides what is read afterwards`() throws {
    let world = try run([
      .assigned([0]), LaneTests.record(0, 0, "u", "page_view", 0), .valve { $0.shut() }, .wait(100),
      .configure(try ReloadTests.settings(2, stepMinutes: 10)), .wait(2_000), .wait(2_000),
      .valve { $0.open() }, LaneTests.record(0, 1, "b", "cart_add", 1, LaneTests.add),
      LaneTests.record(0, 2, "v", "page_view", 15), .wait(2_000),
    ])
    #expect(world.state.withLock { $0.started } == [PartitionOffset(0, 0), PartitionOffset(0, 1)])
    #expect(world.written(to: .cartAlerts).count == 1)
    #expect(world.monitor.latest.configVersion == "v2")
  }

  @Test func `A lane rests after a batch in proportion to its records, and no longer than a second`() throws {
    func passed(_ nanoseconds: Int64, records: Int64) throws -> Int64 {
      let batch = Step.batch((0..<records).map { LaneTests.record(0, $0, "u\($0)", "page_view", 0) })
      let world = try run([
        .assigned([0]), .wait(2_000), .valve { $0.narrow(nanosecondsPerRecord: nanoseconds) }, batch,
        .wait(0),
      ])
      #expect(world.monitor.latest.records == records)
      return world.clock.lane.monotonic()
    }
    let quick = try passed(1, records: 100)
    #expect((190...230).contains(try passed(2_000_000, records: 100) - quick))
    #expect((1_000...1_040).contains(try passed(500_000_000, records: 100) - quick))
  }
}
