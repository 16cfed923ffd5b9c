import Events
import Portrait
import Shard
import TestSupport
import Testing
import Triggers

/// Traffic that no shop has: what it costs is bounded, and nobody else pays for it.
@Suite struct FloodTests {
  private static let start: Int64 = 1_772_442_000_000

  private static func shard() -> Shard {
    Shard(partition: 0, epoch: Epoch(hash: 1, text: "one", rules: Rules()), isJournaled: true)
  }

  private static func slot(_ event: Event) -> EventSlot {
    var slot = EventSlot()
    slot.set(event)
    return slot
  }

  @Test func `A user with events without end takes no more than one with ten thousand`() {
    var shard = Self.shard()
    var output = TriggerOutput()
    var dice = SeededGenerator(announcedAs: "one user", seed: 5)
    let types: [EventType] = [.pageView, .click, .cartAdd, .cartRemove, .pageDwell, .favourite]
    var sizes: [Int] = []
    for number in 0..<200_000 {
      // Two events a second, of three hundred items, for more than a day.
      var event = Event(
        type: types[Int(dice.next() % 6)], ts: Self.start + Int64(number) * 500, userID: "robot",
        eventID: "e\(number)")
      event.itemID = "item-\(dice.next() % 300)"
      event.priceMinor = 100
      event.currency = Currency("EUR")
      event.dwellMilliseconds = 1_000
      shard.apply(Self.slot(event), recordClock: event.ts, into: &output)
      output.alerts.removeAll()
      if number % 10_000 == 9_999 { sizes.append(shard.memoryBytes) }
    }
    #expect(shard.userCount == 1)
    #expect(sizes.max()! <= sizes[0] + 65_536, "\(sizes.prefix(3)) … \(sizes.suffix(3))")
    #expect(shard.look(for: "robot")?.state.portrait.cart.lines.count ?? 0 <= Cart.maximumLines)
  }

  @Test func `Who comes again and again has no more hints of deadlines than who came twice`() {
    var shard = Self.shard()
    var output = TriggerOutput()
    let users = 100
    // A visit every two hours for three weeks, each over before the next.
    for visit in 0..<252 {
      for user in 0..<users {
        let ts = Self.start + Int64(visit) * 2 * Milliseconds.hour + Int64(user)
        let event = Event(type: .pageView, ts: ts, userID: "user-\(user)", eventID: "\(visit)")
        shard.apply(Self.slot(event), recordClock: ts, into: &output)
      }
      #expect(shard.hintCount <= 2 * users, "visit \(visit)")
    }
    // Each still fires what he is due: the end of his last visit, and what follows.
    let last = Self.start + 21 * Milliseconds.day
    #expect(shard.tick(clock: last + Milliseconds.day, into: &output) != .notTaken)
    #expect(shard.hintCount <= 2 * users)
  }

  @Test func `The same item in every cart costs each user as much as any other item does`() {
    func memory(_ item: (Int) -> String) -> Int {
      var shard = Self.shard()
      var output = TriggerOutput()
      for number in 0..<50_000 {
        var event = Event(type: .cartAdd, ts: Self.start, userID: "user-\(number + 100_000)")
        event.itemID = item(number)
        event.priceMinor = 100
        event.currency = Currency("EUR")
        shard.apply(Self.slot(event), recordClock: event.ts, into: &output)
      }
      return shard.memoryBytes
    }
    let same = memory { _ in "item-100000" }
    let own = memory { "item-\($0 + 100_000)" }
    #expect(same == own)
  }

  @Test func `Users who come once cost the same however many have come before`() {
    var shard = Self.shard()
    var output = TriggerOutput()
    var perUser: [Double] = []
    for number in 0..<400_000 {
      let event = Event(
        type: .pageView, ts: Self.start + Int64(number), userID: "visitor-\(number + 10_000_000)")
      shard.apply(Self.slot(event), recordClock: event.ts, into: &output)
      if [25_000, 100_000, 400_000].contains(number + 1) {
        perUser.append(Double(shard.memoryBytes) / Double(number + 1))
      }
    }
    #expect(perUser.allSatisfy { $0 < 320 }, "\(perUser) bytes a user")
    #expect(perUser.last! < perUser[0] * 1.3, "\(perUser) bytes a user")
    #expect(shard.growthBytes < shard.memoryBytes / 4)
  }
}
