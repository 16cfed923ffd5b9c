import Pipeline
import Shard
import Synchronization
import Testing

/// Snapshots in memory, with everything that a lane does about them.
private final class MemorySnapshots: SnapshotWriter {
  struct Snapshot: Sendable {
    var header: SnapshotHeader
    var records = 0
    var bytes: [UInt8] = []
    var commit: SnapshotCommit?
    /// How many cuts were committed when it was finished.
    var cuts = 0
    var isDropped = false
  }

  struct State: Sendable {
    var snapshots: [Snapshot] = []
    var refusals = 0
  }

  let world: MemoryWorld
  let state: Mutex<State>

  init(_ world: MemoryWorld, refusals: Int) {
    self.world = world
    state = Mutex(State(refusals: refusals))
  }

  var all: [Snapshot] { state.withLock { $0.snapshots } }
  var finished: [Snapshot] { all.filter { $0.commit != nil } }

  func begin(_ header: SnapshotHeader) -> SnapshotTicket? {
    state.withLock { state in
      state.snapshots.append(Snapshot(header: header))
      return SnapshotTicket(UInt64(state.snapshots.count - 1))
    }
  }

  func append(_ bytes: [UInt8], records: Int, to ticket: SnapshotTicket) -> Bool {
    state.withLock { state in
      if state.refusals > 0 {
        state.refusals -= 1
        return false
      }
      state.snapshots[Int(ticket.number)].bytes += bytes
      state.snapshots[Int(ticket.number)].records += records
      return true
    }
  }

  func finish(_ ticket: SnapshotTicket, _ commit: SnapshotCommit) {
    let cuts = world.committed.count
    state.withLock { state in
      state.snapshots[Int(ticket.number)].commit = commit
      state.snapshots[Int(ticket.number)].cuts = cuts
    }
  }

  func drop(_ ticket: SnapshotTicket, because reason: String?) {
    state.withLock { $0.snapshots[Int(ticket.number)].isDropped = true }
  }

  func settle(withinMilliseconds milliseconds: Int64) { world.clock.advance(milliseconds) }
}

extension MemorySnapshots.Snapshot {
  /// The users whom it holds.
  func users() throws -> [String] {
    var users: [String] = []
    _ = try unsafe bytes.withUnsafeBytes { bytes in
      try unsafe SnapshotRecords.read(bytes, damaged: { $0 as any Error }) { key, value throws(any Error) in
        let record = try unsafe StoredRecord(key: key, value: value)
        if record.kind == .user { users.append(try record.userKey()) }
      }
    }
    return users.sorted()
  }
}

/// When a lane writes snapshots, and when they count.
@Suite struct LaneSnapshotTests {
  private func run(
    _ steps: [MemoryWorld.Step], everyMilliseconds: Int64 = 10_000, flushAfterMilliseconds: Int64 = 1_000,
    refusals: Int = 0
  ) throws -> MemorySnapshots {
    let world = MemoryWorld(steps + [.stop], wall: LaneTests.start)
    var settings = try LaneTests.settings(.init())
    settings.snapshotEveryMilliseconds = everyMilliseconds
    settings.flushAfterMilliseconds = flushAfterMilliseconds
    let snapshots = MemorySnapshots(world, refusals: refusals)
    var lane = Lane(
      input: MemoryInput(world), output: MemoryOutput(world), recoverer: MemoryRecoverer(world, settings),
      snapshots: snapshots, settings: settings, clock: world.clock.lane, monitor: world.monitor
    ) { notice in world.state.withLock { $0.notices.append(notice) } }
    try lane.run()
    return snapshots
  }

  private let two = [
    LaneTests.record(3, 0, "u", "cart_add", 0, LaneTests.add),
    LaneTests.record(3, 1, "v", "cart_add", 0, LaneTests.add),
  ]

  private func pause(_ seconds: Int) -> [MemoryWorld.Step] {
    Array(repeating: .wait(250), count: seconds * 4)
  }

  @Test func `One is written every so often, and finished with the next commit`() throws {
    let snapshots = try run([.assigned([3])] + two + pause(35))
    let finished = snapshots.finished
    #expect(finished.count == 4, "three in time, and the last one")
    for snapshot in finished { #expect(try snapshot.users() == ["u", "v"]) }
    #expect(finished.dropLast().allSatisfy { $0.commit?.position.offset == 2 })
    let times = finished.map(\.header.writtenAt)
    #expect(zip(times, times.dropFirst()).dropLast().allSatisfy { (9_500...10_500).contains($1 - $0) })
  }

  @Test
  func `Who is not flushed when his turn comes is left to the state topic, and his flush is waited for`()
    throws
  {
    let snapshots = try run(
      [.assigned([3])] + two + pause(9) + [LaneTests.record(3, 2, "w", "cart_add", 0, LaneTests.add)]
        + pause(9),
      flushAfterMilliseconds: 5_000)
    let first = try #require(snapshots.finished.first)
    #expect(try first.users() == ["u", "v"])
    let flushed = snapshots.world.committed.flatMap(\.sections).first { section in
      section.state.contains { $0.key == Array("w".utf8) }
    }
    let metadata = try #require(try CommitMetadata(flushed?.metadata ?? ""))
    #expect(first.commit!.cut.sequence >= metadata.cut.sequence)
  }

  @Test func `While a cut hangs nothing is finished`() throws {
    let snapshots = try run([.assigned([3])] + two + pause(9) + [.hold(true)] + two.map(later) + pause(60))
    #expect(snapshots.all.count == 1 && snapshots.finished.isEmpty)
    #expect(snapshots.all[0].isDropped, "the lane ended before it was committed")
  }

  private func later(_ step: MemoryWorld.Step) -> MemoryWorld.Step {
    guard case .record(let partition, let offset, let time, let key, _) = step else { return step }
    return .record(
      partition: partition, offset: offset + 2, timestamp: time, key: key,
      value: LaneTests.event("page_view", key!, 1))
  }

  @Test(arguments: [MemoryWorld.Step.lost([3]), .revoked([3])])
  func `A partition that goes takes its unfinished snapshot along`(step: MemoryWorld.Step) throws {
    let snapshots = try run(
      [.assigned([3])] + two + pause(9) + [.hold(true)] + two.map(later) + pause(4) + [step])
    #expect(snapshots.all.count == 1)
    #expect(snapshots.all[0].isDropped && snapshots.finished.isEmpty)
  }

  @Test func `A lane that stops leaves a snapshot of everybody behind its last cut`() throws {
    let snapshots = try run([.assigned([3])] + two + [.wait(20)], flushAfterMilliseconds: 60_000)
    let last = try #require(snapshots.finished.first)
    #expect(snapshots.all.count == 1)
    #expect(try last.users() == ["u", "v"])
    let section = try #require(snapshots.world.committed.last?.sections.first)
    #expect(last.commit?.position.offset == section.nextOffset)
    #expect(last.commit?.cut == snapshots.world.committed.last?.number)
    #expect(last.cuts == snapshots.world.committed.count)
  }

  @Test func `A lane that cannot commit in time leaves none`() throws {
    let snapshots = try run([.assigned([3])] + two + [.hold(true), .wait(20)])
    #expect(snapshots.all.isEmpty)
  }

  @Test func `A slice for which there is no room waits, and is written once`() throws {
    let snapshots = try run([.assigned([3])] + two + pause(12), refusals: 3)
    #expect(try snapshots.finished.first?.users() == ["u", "v"])
  }
}
