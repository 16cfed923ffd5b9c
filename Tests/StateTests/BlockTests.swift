import Events
import Portrait
import SideBySide
import TestSupport
import Testing

@testable import Triggers

/// A user as a block of memory: laid out again he is who he was, whichever parts were looked at meanwhile.
@Suite struct BlockTests {
  /// A block in memory of its own, with readable bytes behind it.
  @safe final class Block {
    let memory: UnsafeMutableRawPointer
    let count: Int

    init(_ bytes: UnsafeRawBufferPointer) {
      count = bytes.count
      unsafe memory = .allocate(byteCount: count + BlockReader.overhang, alignment: 16)
      unsafe memory.initializeMemory(as: UInt8.self, repeating: 0xA5, count: count + BlockReader.overhang)
      unsafe memory.copyMemory(from: bytes.baseAddress!, byteCount: count)
    }

    deinit { unsafe memory.deallocate() }
  }

  static func block(_ state: UserState) -> Block {
    var writer = BlockWriter()
    var scratch = StateWriter()
    var state = state
    _ = state.write(
      into: &writer, atHand: .all, from: BlockParts(), scratch: &scratch, EpochConstants(Rules()))
    return unsafe Block(writer.bytes)
  }

  static func blank() -> UserState {
    UserState(isIdentified: false, firstSeen: 0, EpochConstants(Rules()))
  }

  static func read(_ block: Block, over state: UserState = blank()) -> UserState {
    var state = state
    let parts = unsafe state.read(block.memory)
    state.load(.all, from: parts)
    return state
  }

  @Test func `Every state of random histories comes back from its block`() {
    // The state that was laid out before shows through nowhere.
    var desk = Self.blank()
    var largest = 0
    for (known, _) in Histories.states(seeds: 800..<1_000, every: 5) {
      let block = Self.block(known.state)
      largest = max(largest, block.count)
      desk = Self.read(block, over: desk)
      #expect(desk == known.state)
    }
    print("the largest block had \(largest) bytes")
  }

  @Test func `Parts that nobody looks at are carried along`() {
    var dice = SeededGenerator(announcedAs: "carried parts", seed: 91)
    let choices: [UserParts] = [[], .cart, .alerts, .traits, [.cart, .alerts], [.cart, .traits], .all]
    for (known, _) in Histories.states(seeds: 1_000..<1_060, every: 9) {
      var block = Self.block(known.state)
      for _ in 0..<4 {
        let looked = choices.randomElement(using: &dice)!
        var desk = Self.blank()
        let parts = unsafe desk.read(block.memory)
        desk.load(looked, from: parts)
        #expect(desk.portrait.cart.isEmpty == known.state.portrait.cart.isEmpty)
        var writer = BlockWriter()
        var scratch = StateWriter()
        _ = desk.write(into: &writer, atHand: looked, from: parts, scratch: &scratch, EpochConstants(Rules()))
        block = unsafe Block(writer.bytes)
      }
      #expect(Self.read(block) == known.state)
    }
  }

  /// The decoder lets times of many centuries through; they do not fit where most do.
  @Test(arguments: [20, 200, 2_000] as [Int64])
  func `Times that lie far apart come back`(years: Int64) {
    let constants = EpochConstants(Rules())
    let start: Int64 = 1_700_000_000_000
    let later = start + years * 365 * Milliseconds.day
    var state = UserState(isIdentified: true, firstSeen: start, constants)
    var output = TriggerOutput()
    var slot = EventSlot()
    for (index, ts) in [start, later, start + 1, later + 5].enumerated() {
      for type in [EventType.pageView, .cartAdd, .purchase, .cartAdd] {
        var event = Event(type: type, ts: ts, userID: "u", eventID: "\(type) \(index)", itemID: "i\(index)")
        event.valueMinor = .max
        slot.set(event)
        Identity.with(key: "u", isIdentified: true) {
          state.apply(slot, of: $0, watermark: ts, clock: ts, constants, &output)
        }
      }
    }
    #expect(Self.read(Self.block(state)) == state)
  }

  @Test func `Counts beyond a byte come back`() {
    let constants = EpochConstants(Rules())
    let start: Int64 = 1_700_000_000_000
    var state = UserState(isIdentified: true, firstSeen: start, constants)
    var output = TriggerOutput()
    var slot = EventSlot()
    for index in 0..<700 {
      var event = Event(
        type: index % 7 == 0 ? .cartAdd : .pageView, ts: start, userID: "u", eventID: "\(index)")
      if event.type == .cartAdd {
        event.itemID = "item-with-a-name-of-more-than-fifteen-bytes-\(index)"
        event.cartID = "cart-with-a-name-of-more-than-fifteen-bytes"
      }
      slot.set(event)
      Identity.with(key: "u", isIdentified: true) {
        state.apply(slot, of: $0, watermark: start, clock: start, constants, &output)
      }
    }
    let again = Self.read(Self.block(state))
    #expect(again == state)
    #expect(again.portrait.cart.lines.count == 50 && again.portrait.cart.uncountedLines == 50)
    #expect(again.portrait.window(Milliseconds.hour, at: start, constants.portrait.tiers).views == 600)
  }
}
