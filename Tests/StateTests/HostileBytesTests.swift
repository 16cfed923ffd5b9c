import Events
@testable import Portrait
import Shard
import TestSupport
import Testing
import Triggers

/// Bytes that nobody wrote: refused with an error, or read as a state that has exactly these bytes.
@Suite struct HostileBytesTests {
  /// What one mutated state came to.
  enum Outcome: Hashable {
    case read
    case refused(String)
  }

  static func read(_ bytes: [UInt8], key: String) -> Outcome {
    do {
      let user = try UserState.read(bytes, key: key)
      var writer = StateWriter()
      user.encode(as: key, into: &writer)
      #expect(writer.bytes == bytes, "a state was read from bytes that it is not written as")
      return .read
    } catch {
      #expect(error.place >= 0 && error.place <= bytes.count)
      return .refused(error.code.name)
    }
  }

  private static let mutator = Mutator(pieces: Mutator.binaryPieces)

  static func mutate(_ bytes: [UInt8], _ dice: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    mutator.mutate(&bytes, &dice)
    return bytes
  }

  @Test func `A hundred thousand mutated states are refused or read, and never more`() {
    let states = Histories.states(seeds: 400..<460, every: 20).map { user, _ in
      var writer = StateWriter()
      user.encode(into: &writer)
      return (key: user.key, bytes: writer.bytes)
    }
    var dice = SeededGenerator(announcedAs: "mutated states", seed: 77)
    var outcomes: [Outcome: Int] = [:]
    for _ in 0..<100_000 {
      let state = states.randomElement(using: &dice)!
      outcomes[Self.read(Self.mutate(state.bytes, &dice), key: state.key), default: 0] += 1
    }
    print("mutated states: \(outcomes)")
    #expect(outcomes[.read, default: 0] > 0 && outcomes[.refused("truncated"), default: 0] > 0)
    #expect(outcomes[.refused("malformed"), default: 0] > 0 && outcomes[.refused("excess"), default: 0] > 0)
  }

  @Test func `Every beginning of a state is refused as cut short`() {
    for (user, _) in Histories.states(seeds: 460..<470, every: 30) {
      var writer = StateWriter()
      user.encode(into: &writer)
      for count in 0..<writer.count {
        let outcome = Self.read(Array(writer.bytes[..<count]), key: user.key)
        #expect(outcome == .refused("truncated") || outcome == .refused("malformed"))
      }
    }
  }

  @Test func `Random bytes are no state`() {
    var dice = SeededGenerator(announcedAs: "random bytes", seed: 78)
    for _ in 0..<20_000 {
      let count = Int.random(in: 0...200, using: &dice)
      _ = Self.read((0..<count).map { _ in UInt8.random(in: .min ... .max, using: &dice) }, key: "u")
    }
  }

  @Test func `A mutated record is refused by its checksum`() throws {
    let states = Histories.states(seeds: 470..<480, every: 30).map(\.user)
    var dice = SeededGenerator(announcedAs: "mutated records", seed: 79)
    for _ in 0..<20_000 {
      let user = states.randomElement(using: &dice)!
      var writer = StateWriter()
      let record = StateRecord(
        epoch: dice.next(), position: Position(offset: 7, watermark: 8), deadline: 9,
        content: .user(user.key, user.state))
      record.encode(into: &writer)
      let bytes = Self.mutate(writer.bytes, &dice)
      if bytes == writer.bytes { continue }
      #expect(throws: StateError.self) { try StateRecord(key: Array(user.key.utf8), value: bytes) }
    }
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity])
  func `A trait whose number is none is refused`(number: Double) {
    let (constants, time) = (EpochConstants(Rules()), Int64(1_700_000_000_000))
    var user = UserState(isIdentified: true, firstSeen: time, constants)
    var slot = EventSlot()
    slot.set(Event(type: .profile, ts: time, userID: "u", traits: ["age": .number(number)]))
    var output = TriggerOutput()
    Identity.with(key: "u", isIdentified: true) {
      user.apply(slot, of: $0, watermark: time, clock: time, constants, &output)
    }
    var writer = StateWriter()
    user.encode(as: "u", into: &writer)
    #expect(Self.read(writer.bytes, key: "u") == .refused("malformed"))
  }

  @Test(arguments: [1 << 44, 1 << 45, .max, -1 << 45] as [Int64])
  func `A pane that counts more than anybody could is refused`(count: Int64) {
    var sums = PaneSums()
    sums.events = count
    var writer = StateWriter()
    sums.encode(into: &writer)
    let isRead = unsafe writer.bytes.withUnsafeBytes { bytes in
      var reader = unsafe StateReader(bytes)
      return (try? PaneSums(from: &reader)) == sums
    }
    #expect(isRead == (count == 1 << 44))
  }

  @Test func `The key of an epoch has one spelling`() {
    func epoch(_ key: [UInt8]) -> UInt64? {
      unsafe key.withUnsafeBytes { unsafe StateRecord.epoch(ofKey: $0) }
    }
    let key = StateRecord.key(ofEpoch: 0xABC)
    #expect(epoch(key) == 0xABC)
    #expect(epoch(key.map { $0 == UInt8(ascii: "a") ? UInt8(ascii: "A") : $0 }) == nil)
    #expect(epoch(key.enumerated().map { $0 == 2 ? UInt8(ascii: "+") : $1 }) == nil)
  }
}
