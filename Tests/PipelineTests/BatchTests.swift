import Pipeline
import Settings
import TestSupport
import Testing
import Triggers

/// Records that come together are decoded ahead and applied later: nothing that is written shows it.
@Suite struct BatchTests {
  /// Events of a few users over some days, two partitions to and fro, refused records among them, and records that
  /// come twice.
  static func records(seed: UInt64) -> [MemoryWorld.Step] {
    var dice = SeededGenerator(seed: seed)
    var minutes: [Int64] = [0, 0]
    var offsets: [Int64] = [0, 0]
    var partition = 0
    return (0..<400).map { _ in
      if Int.random(in: 0..<6, using: &dice) == 0 { partition = 1 - partition }
      minutes[partition] += Int64.random(in: 0...40, using: &dice) * Int64.random(in: 0...2, using: &dice)
      let number = Int32(partition)
      defer { offsets[partition] += 1 }
      switch Int.random(in: 0..<40, using: &dice) {
      case 0:
        return .record(
          partition: number, offset: offsets[partition], timestamp: LaneTests.start, key: "k", value: "{")
      case 1: offsets[partition] = max(0, offsets[partition] - 2)
      case 2:
        return LaneTests.record(
          number, offsets[partition], "somebody", "nothing_mapped", minutes[partition])
      default: break
      }
      let user = "user \(partition) \(Int.random(in: 0..<30, using: &dice))"
      let type = ["page_view", "cart_add", "purchase"].randomElement(using: &dice)!
      return LaneTests.record(number, offsets[partition], user, type, minutes[partition], LaneTests.add)
    }
  }

  /// Everything that was written for a partition, and its last offset.
  static func told(_ world: MemoryWorld, _ partition: Int32) -> [OutputRecord] {
    world.committed.flatMap(\.sections).filter { $0.partition == partition }.flatMap(\.records)
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `Records that come together are applied as if they came one by one`(seed: UInt64) throws {
    let records = Self.records(seed: seed)
    var batches: [MemoryWorld.Step] = []
    var dice = SeededGenerator(seed: seed)
    var rest = records[...]
    while !rest.isEmpty {
      let count = min(rest.count, Int.random(in: 1...100, using: &dice))
      batches.append(.batch(Array(rest.prefix(count))))
      rest = rest.dropFirst(count)
    }
    let end: [MemoryWorld.Step] = [.wait(2_000), .wait(2_000), .revoked([0, 1])]
    // A small outbox stops jumps of the watermark half-way.
    let bytes = seed.isMultiple(of: 3) ? 8_192 : 4 << 20
    let one = try LaneTests().run([.assigned([0, 1])] + records + end, outboxBytes: bytes)
    let together = try LaneTests().run([.assigned([0, 1])] + batches + end, outboxBytes: bytes)
    for partition in [0, 1] as [Int32] {
      #expect(!Self.told(one, partition).isEmpty)
      #expect(Self.told(together, partition) == Self.told(one, partition))
      #expect(together.offset(of: partition) == one.offset(of: partition))
    }
    let (found, expected) = (together.monitor.latest, one.monitor.latest)
    #expect(found.records == expected.records && found.bytes == expected.bytes)
    #expect(found.tally == expected.tally && found.rejectedCount == expected.rejectedCount)
    #expect(found.ignored == expected.ignored && found.foreignKeys == expected.foreignKeys)
  }

  @Test func `Partitions that are lost take what they have brought with them`() throws {
    let world = try LaneTests().run([
      .assigned([0]), .batch((0..<10).map { LaneTests.record(0, $0, "u", "page_view", $0) }), .lost([0]),
      .assigned([0]), .batch((0..<40).map { LaneTests.record(0, $0, "u", "page_view", $0) }), .wait(2_000),
      .wait(2_000),
    ])
    #expect(world.offset(of: 0) == 40)
  }
}
