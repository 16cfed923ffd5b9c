import Events
import Portrait
import Shard
import SideBySide
import Shop
import TestSupport
import Testing
import Triggers

/// How many bytes a user takes, and how long a million of them take to read. Printed; run in release for the time.
@Suite struct SizeTests {
  /// Values of the users' records, ascending by size; all of them read back.
  static func sizes(_ shard: borrowing Shard) throws -> [Int] {
    var sizes: [Int] = []
    var users: [KnownUser] = []
    shard.forEachUser { users.append(KnownUser(key: $0, state: copy $1)) }
    var writer = StateWriter()
    for var user in users {
      _ = try recode(user)
      writer.removeAll()
      let record = StateRecord(
        epoch: 0x1234_5678_9abc_def0, position: Position(offset: 1_000_000, watermark: shard.watermark),
        deadline: user.state.deadline(EpochConstants(Rules()))?.time, content: .user(user.key, user.state))
      record.encode(into: &writer)
      sizes.append(writer.count)
    }
    return sizes.sorted()
  }

  static func report(_ name: String, _ sizes: [Int]) {
    func at(_ share: Double) -> Int { sizes[min(sizes.count - 1, Int(share * Double(sizes.count)))] }
    print(
      "\(name): \(sizes.count) users; bytes of a record's value: median \(at(0.5)), p90 \(at(0.9)), "
        + "p99 \(at(0.99)), largest \(sizes.last!), mean \(sizes.reduce(0, +) / sizes.count)")
  }

  @Test func `Users of the simulated shop take few bytes`() throws {
    let start: Int64 = 1_750_000_000_000
    var shop = ShopSimulator(seed: 1, users: 1_000, startMilliseconds: start)
    var feeder = Feeder(rules: Rules())
    while case let item = shop.next(), item.arrivalMilliseconds < start + 30 * Milliseconds.day {
      _ = feeder.take(.event(item.event, clock: item.arrivalMilliseconds))
    }
    let sizes = try Self.sizes(feeder.shard)
    Self.report("simulated shop after 30 days", sizes)
    #expect(sizes[sizes.count / 2] < 600)
  }

  @Test func `A user's record is read a hundred thousand times over`() throws {
    let start: Int64 = 1_750_000_000_000
    var shop = ShopSimulator(seed: 2, users: 1_000, startMilliseconds: start)
    var feeder = Feeder(rules: Rules())
    while case let item = shop.next(), item.arrivalMilliseconds < start + 10 * Milliseconds.day {
      _ = feeder.take(.event(item.event, clock: item.arrivalMilliseconds))
    }
    let users = feeder.users()
    let records = users.map { user in
      let position = Position(offset: 1, watermark: 2)
      return (
        Array(user.key.utf8),
        RecordTests.bytes(.init(epoch: 1, position: position, content: .user(user.key, user.state)))
      )
    }
    let count = 100_000
    let clock = ContinuousClock()
    let elapsed = try clock.measure {
      for index in 0..<count {
        let (key, value) = records[index % records.count]
        _ = try StateRecord(key: key, value: value)
      }
    }
    print("\(count) records read in \(elapsed)")
  }
}
