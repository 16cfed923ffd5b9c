import Portrait
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

  static func mutate(_ bytes: [UInt8], _ dice: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...3, using: &dice) {
      let place = Int.random(in: 0..<max(1, bytes.count), using: &dice)
      switch Int.random(in: 0..<6, using: &dice) {
      case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &dice)
      case 1 where place < bytes.count: bytes[place] = UInt8.random(in: .min ... .max, using: &dice)
      case 2 where place < bytes.count: bytes[place] = [0, 0x7F, 0x80, 0xFF].randomElement(using: &dice)!
      case 3: bytes.removeSubrange(min(place, bytes.count)...)
      case 4 where place < bytes.count: bytes.remove(at: place)
      default:
        let more = (0..<Int.random(in: 1...12, using: &dice)).map { _ in
          Bool.random(using: &dice) ? 0xFF : UInt8.random(in: .min ... .max, using: &dice)
        }
        bytes.insert(contentsOf: more, at: min(place, bytes.count))
      }
    }
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
}
