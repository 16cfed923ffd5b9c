import Events
import Portrait
import SideBySide
import TestSupport
import Testing

@testable import Triggers

/// Browsing that is applied to a user's block where it lies does what it does to his state.
@Suite struct VisitTests {
  /// A user twice: as a state, and as a block with so much room behind it.
  @safe final class Twin {
    let constants: EpochConstants
    let rules: VisitRules
    var state: UserState
    /// With what the state's deadlines are compared.
    var deadline: Int64
    let memory: UnsafeMutableRawPointer
    var room = 0
    var output = TriggerOutput()
    private(set) var inPlace = 0
    private(set) var early = 0

    init(_ state: UserState, _ constants: EpochConstants) {
      self.state = state
      self.constants = constants
      rules = VisitRules(constants.portrait)
      unsafe memory = .allocate(byteCount: 1 << 16 + BlockReader.overhang, alignment: 16)
      deadline = 0
      write()
    }

    deinit { unsafe memory.deallocate() }

    func write() {
      var writer = BlockWriter()
      var scratch = StateWriter()
      let growth = state.write(
        into: &writer, atHand: .all, from: BlockParts(), scratch: &scratch, constants)
      room = writer.count + growth
      unsafe memory.copyMemory(from: writer.bytes.baseAddress!, byteCount: writer.count)
      deadline = state.deadline(constants)?.time ?? .max
    }

    func read() -> UserState {
      var state = UserState(isIdentified: false, firstSeen: 0, constants)
      let parts = unsafe state.read(memory)
      state.load(.all, from: parts)
      return state
    }

    /// Applies an event to both.
    func apply(_ event: Event, watermark: Int64) {
      var slot = EventSlot()
      slot.set(event)
      let before = output.tally.duplicates
      Identity.with(key: "u", isIdentified: true) {
        state.apply(slot, of: $0, watermark: watermark, clock: event.ts, constants, &output)
      }
      let isDuplicate = output.tally.duplicates > before
      guard event.type.isBrowsing else { return write() }
      let outcome = unsafe UserState.browse(
        slot, in: memory, room: room, watermark: watermark, rules)
      let own = state.deadline(constants)?.time ?? .max
      switch outcome {
      case .notInPlace:
        write()
        return
      case .duplicate: #expect(isDuplicate)
      case .applied(let time, let isExact, _):
        #expect(!isDuplicate)
        #expect(time >= deadline, "a deadline never goes back in place")
        #expect(time > watermark)
        #expect(isExact ? time == own : time <= own)
        #expect(unsafe UserState.isDeadlineEarly(memory) == !isExact)
        deadline = time
        if time < own { early += 1 }
      }
      inPlace += 1
      #expect(read() == state)
    }

    /// Handles what is due, by the state.
    func fire(at limit: Int64) {
      while let next = state.deadline(constants), next.time <= limit {
        let remainder = Identity.with(key: "u", isIdentified: true) {
          state.fire(next.kind, of: $0, at: next.time, watermark: limit, clock: limit, constants, &output)
        }
        if remainder == .isForgotten { state = UserState(isIdentified: true, firstSeen: limit, constants) }
      }
      write()
    }
  }

  static func rules(_ dice: inout SeededGenerator) -> Rules {
    var rules = Rules()
    rules.sessions.inferDwell = Bool.random(using: &dice)
    rules.cart.activityExtends = Bool.random(using: &dice)
    rules.churn.enabled = Bool.random(using: &dice)
    rules.cart.stepsMilliseconds = [[10, 40], [60, 24 * 60], [3]].randomElement(using: &dice)!
      .map { $0 * Milliseconds.minute }
    return rules
  }

  @Test(arguments: 1...60 as ClosedRange<UInt64>)
  func `Visits of random users`(seed: UInt64) {
    var dice = SeededGenerator(announcedAs: "visits", seed: seed)
    let constants = EpochConstants(Self.rules(&dice))
    var now: Int64 = 1_700_000_000_000
    let twin = Twin(UserState(isIdentified: true, firstSeen: now, constants), constants)
    let browsing: [EventType] = [.pageView, .pageView, .pageDwell, .click, .search, .favourite, .review]
    let others: [EventType] = [.cartAdd, .cartAdd, .cartSet, .purchase, .profile, .refund, .checkoutStart]
    for step in 0..<1_200 {
      switch Int.random(in: 0..<100, using: &dice) {
      case 0..<80: now += Int64.random(in: 0...20_000, using: &dice)
      case 80..<97: now += Int64.random(in: 0...(10 * Milliseconds.minute), using: &dice)
      default: now += Int64.random(in: 0...(40 * Milliseconds.day), using: &dice)
      }
      let late = Int.random(in: 0..<12, using: &dice) == 0 ? Int64.random(in: 0...7_200_000, using: &dice) : 0
      let isBrowsing = Int.random(in: 0..<30, using: &dice) > 0
      let type = (isBrowsing ? browsing : others).randomElement(using: &dice)!
      var event = Event(
        type: type, ts: now - late, userID: "u", eventID: "\(Int.random(in: (step - 2)...step, using: &dice))"
      )
      if type == .pageDwell {
        event.dwellMilliseconds = Int64.random(
          in: 0...(step % 50 == 0 ? 9_000_000_000 : 90_000), using: &dice)
      }
      if type.isCart || type == .purchase { event.itemID = "i\(step % 3)" }
      // Deadlines fire before the event, as a shard lets them.
      let watermark = now - 30_000
      if twin.deadline <= watermark { twin.fire(at: watermark) }
      twin.apply(event, watermark: watermark)
    }
    #expect(twin.inPlace > 300, "most browsing is done in place")
  }

  /// Of a visitor with a cart, whose reminders browsing puts off.
  @Test func `A deadline that browsing has moved on is told as too early`() {
    var rules = Rules()
    rules.cart.activityExtends = true
    rules.cart.stepsMilliseconds = [10 * Milliseconds.minute]
    let constants = EpochConstants(rules)
    let start: Int64 = 1_700_000_000_000
    let twin = Twin(UserState(isIdentified: true, firstSeen: start, constants), constants)
    var add = Event(type: .cartAdd, ts: start, userID: "u", eventID: "add")
    add.itemID = "i"
    twin.apply(add, watermark: start)
    for minute in 1...8 as ClosedRange<Int64> {
      let ts = start + minute * Milliseconds.minute
      twin.apply(Event(type: .pageView, ts: ts, userID: "u", eventID: "v\(minute)"), watermark: ts - 1)
    }
    #expect(twin.inPlace > 3 && twin.early > 3)
    #expect(twin.read().cart.anchor == start + 8 * Milliseconds.minute)
  }

  @Test func `More events than a place holds go the long way and are all counted`() {
    let constants = EpochConstants(Rules())
    let start: Int64 = 1_700_000_400_000
    let twin = Twin(UserState(isIdentified: true, firstSeen: start, constants), constants)
    var slot = EventSlot()
    for number in 0..<70_000 {
      slot.set(Event(type: .pageView, ts: start, userID: "u", eventID: "\(number)"))
      let outcome = unsafe UserState.browse(
        slot, in: twin.memory, room: twin.room, watermark: start - 1, twin.rules)
      guard outcome == .notInPlace else { continue }
      twin.state = twin.read()
      Identity.with(key: "u", isIdentified: true) {
        twin.state.apply(slot, of: $0, watermark: start - 1, clock: start, constants, &twin.output)
      }
      twin.write()
    }
    let read = twin.read()
    #expect(read.portrait.window(Milliseconds.hour, at: start, constants.portrait.tiers).views == 70_000)
    #expect(read.portrait.sessions.open?.pages == 70_000)
  }
}
