import Events
import Portrait
import Shard
import SideBySide
import TestSupport
import Testing
import Triggers

/// What a recoded state looked like when it was not what it had been.
struct RecodingFault: Error, CustomStringConvertible {
  var description: String
}

/// A user's key and state.
struct KnownUser: Hashable {
  var key: String
  var state: UserState

  func encode(into writer: inout StateWriter) { state.encode(as: key, into: &writer) }
}

extension UserState {
  func encode(as key: String = "u", into writer: inout StateWriter) {
    Identity.with(key: key, isIdentified: isIdentified) { encode(of: $0, into: &writer) }
  }

  static func read(_ bytes: [UInt8], key: String) throws(StateError) -> UserState {
    let key = Array(key.utf8)
    return try StateReader.read(bytes) { reader throws(StateError) in
      let state = unsafe key.withUnsafeBytes { key in
        Result { () throws(StateError) in unsafe try UserState(key: key, from: &reader) }
      }
      return try state.get()
    }
  }
}

/// Writes a state and reads it back, and holds that nothing is lost: equal values, equal bytes.
func recode(_ user: KnownUser) throws -> KnownUser {
  var writer = StateWriter()
  user.encode(into: &writer)
  let again = KnownUser(key: user.key, state: try UserState.read(writer.bytes, key: user.key))
  if again != user {
    var (before, after) = ("", "")
    dump(user, to: &before)
    dump(again, to: &after)
    let lines = after.split(separator: "\n").difference(from: before.split(separator: "\n"))
    throw RecodingFault(
      description: "read back differently:\n\(lines.map { "\($0)" }.joined(separator: "\n"))")
  }
  var second = StateWriter()
  again.encode(into: &second)
  if second.bytes != writer.bytes { throw RecodingFault(description: "equal states have different bytes") }
  return again
}

/// A shard that is fed step by step.
struct Feeder: ~Copyable {
  var shard: Shard
  var output = TriggerOutput()
  private var slot = EventSlot()

  init(rules: Rules) {
    shard = Shard(partition: 0, rules: rules)
  }

  /// Takes a step; returns the alerts.
  mutating func take(_ step: Step) -> [Alert] {
    switch step {
    case .event(let event, let clock):
      slot.set(event)
      shard.apply(slot, recordClock: clock, into: &output)
    case .advance(let ts, let clock): shard.advance(eventTime: ts, recordClock: clock, into: &output)
    case .tick(let clock): _ = shard.tick(clock: clock, into: &output)
    case .resume(let clock): shard.resume(clock: clock)
    case .drain(let until): shard.drain(until: until, into: &output)
    }
    defer { output.alerts.removeAll() }
    return output.alerts
  }

  /// Every user.
  func users() -> [KnownUser] {
    var users: [KnownUser] = []
    shard.forEachUser { users.append(KnownUser(key: $0, state: copy $1)) }
    return users
  }
}

enum Histories {
  static let zones = ZoneTable.foundation(Dice<SeededGenerator>.zoneNames)

  static func world(seed: UInt64) -> World {
    RandomWorld.make(SeededGenerator(seed: seed), zones: zones)
  }

  /// The states of users in the midst of random histories, and the rules that they live under.
  static func states(seeds: Range<UInt64>, every steps: Int) -> [(user: KnownUser, rules: Rules)] {
    var found: [(KnownUser, Rules)] = []
    for seed in seeds {
      let world = world(seed: seed)
      var feeder = Feeder(rules: world.rules)
      for (index, step) in world.steps.enumerated() {
        _ = feeder.take(step)
        if index % steps == steps - 1 { found += feeder.users().map { ($0, world.rules) } }
      }
    }
    return found
  }
}
