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

/// Writes a state and reads it back, and holds that nothing is lost: equal values, equal bytes.
func recode(_ user: UserState) throws -> UserState {
  var writer = StateWriter()
  user.encode(into: &writer)
  let again = try StateReader.read(writer.bytes) { reader throws(StateError) in
    try UserState(key: user.key, from: &reader)
  }
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
  func users() -> [UserState] {
    var users: [UserState] = []
    shard.forEachUser { users.append(copy $0) }
    return users
  }
}

enum Histories {
  static let zones = ZoneTable.foundation(Dice<SeededGenerator>.zoneNames)

  static func world(seed: UInt64) -> World {
    RandomWorld.make(SeededGenerator(seed: seed), zones: zones)
  }

  /// The states of users in the midst of random histories, and the rules that they live under.
  static func states(seeds: Range<UInt64>, every steps: Int) -> [(user: UserState, rules: Rules)] {
    var found: [(UserState, Rules)] = []
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
