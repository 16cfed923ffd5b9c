import Events
import Measuring
import Settings
import Shard
import Triggers

/// A shard with so many users, each of whom is there, and events for them: decoded beforehand into a batch of slots,
/// so that nothing but the shard is measured.
@safe final class Population {
  let users: Int
  /// Of the shop's time, between one event and the next.
  private let pace: Int64
  /// Microseconds since 1970 UTC, for paces below a millisecond.
  private var time = DemoShop.start * 1_000
  private var shard: Shard
  private var decoder: Decoder
  private var templates = EventTemplates()
  private var output = TriggerOutput()
  private var changes: [StateChange] = []
  private let slots: UnsafeMutablePointer<EventSlot>

  /// Events that are decoded at once: about as many as a lane has before it when a fetch comes.
  static let batch = 256

  /// - Parameters:
  ///   - users: at most 10^8.
  ///   - microseconds: of the shop's time, between one event and the next.
  init(users: Int, pace microseconds: Int64) throws {
    self.users = users
    pace = microseconds
    let epoch = Epoch(hash: 1, text: "bench", rules: Rules())
    shard = Shard(partition: 0, epoch: epoch, isJournaled: true)
    shard.beginEpoch(epoch, into: &changes)
    decoder = Decoder(mapping: try MappingFile.preset(named: "native"))
    unsafe slots = .allocate(capacity: Self.batch)
    for index in 0..<Self.batch { unsafe (slots + index).initialize(to: EventSlot()) }
  }

  deinit {
    unsafe slots.deinitialize(count: Self.batch)
    unsafe slots.deallocate()
  }

  var knownUsers: Int { shard.userCount }

  /// Lets every user come once, in an order that is not that of their numbers.
  func populate() {
    var place = 0
    while place < users {
      let count = min(Self.batch, users - place)
      fill(count) { UInt32((place + $0) % users) }
      applyBatch(count)
      place += count
      if place % (Self.batch * 64) == 0 { flush() }
    }
    flush()
    precondition(shard.userCount == users, "\(shard.userCount) of \(users) users are there")
  }

  /// Writes all changes out, and forgets them: what a lane does bit by bit.
  func flush() {
    while shard.flush(FlushLimit(ordinal: .max, users: 4_096, bytes: .max), into: &changes) {
      changes.removeAll(keepingCapacity: true)
    }
    changes.removeAll(keepingCapacity: true)
    shard.trimClockLog()
  }

  /// Events for the users of a sequence, from its place on, `events` in all; returns the place after them.
  ///
  /// - Parameter isPrefetched: whether memory is asked for a little ahead, as a lane does.
  func apply(
    _ sequence: [UInt32], from start: Int, events: Int, isPrefetched: Bool = true, _ meter: inout Meter
  ) -> Int {
    var place = start
    var left = events
    while left > 0 {
      let count = min(Self.batch, left)
      fill(count) { sequence[(place + $0) % sequence.count] }
      meter.measure { applyBatch(count, isPrefetched) }
      place += count
      left -= count
    }
    return place % sequence.count
  }

  private func fill(_ count: Int, _ user: (Int) -> UInt32) {
    for index in 0..<count {
      time += pace
      unsafe templates.next(user: user(index), time: time / 1_000, &decoder, into: &slots[index])
    }
  }

  private func applyBatch(_ count: Int, _ isPrefetched: Bool = true) {
    if isPrefetched {
      unsafe Self.applyPrefetched(slots, count, &shard, &output)
    } else {
      unsafe Self.apply(slots, count, &shard, &output)
    }
    output.alerts.removeAll(keepingCapacity: true)
  }

  private static func apply(
    _ slots: UnsafeMutablePointer<EventSlot>, _ count: Int, _ shard: inout Shard,
    _ output: inout TriggerOutput
  ) {
    for index in 0..<count {
      unsafe shard.apply(slots[index], recordClock: slots[index].ts, into: &output)
    }
  }

  /// Events whose memory is asked for at once: more would push out of the nearest cache what the first have fetched.
  private static let ahead = 32

  /// What a lane does with a batch, once it is decoded.
  private static func applyPrefetched(
    _ slots: UnsafeMutablePointer<EventSlot>, _ count: Int, _ shard: inout Shard,
    _ output: inout TriggerOutput
  ) {
    unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: ahead) { hashes in
      for start in stride(from: 0, to: count, by: ahead) {
        let end = min(start + ahead, count)
        for index in start..<end { unsafe hashes[index - start] = shard.prefetch(slots[index]) }
        for index in start..<end { unsafe shard.prefetchUser(hashes[index - start]) }
        for index in start..<end { unsafe shard.prefetchState(hashes[index - start]) }
        for index in start..<end {
          unsafe shard.apply(
            slots[index], hash: hashes[index - start], recordClock: slots[index].ts, into: &output)
        }
      }
    }
  }
}

/// Events into a shard of so many users.
final class ApplyStage: Stage {
  /// How the shop's time passes.
  enum Time {
    /// Every user there is has come within minutes: no session ends and no deadline comes due while it is measured.
    case stands
    /// Each user makes 12 events a day, as the simulated shop's do: sessions end and users are judged on the way.
    case flows
  }

  private let users: Int
  private let access: Access
  private let time: Time
  private let events: Int
  private let isPrefetched: Bool
  private let share: () throws -> Population
  private var population: Population?
  private var sequence: [UInt32] = []
  private var place = 0

  /// - Parameter share: the population, which stages of one size have in common.
  init(
    users: Int, _ access: Access, _ time: Time, events: Int, isPrefetched: Bool = true,
    share: @escaping () throws -> Population
  ) {
    self.users = users
    self.access = access
    self.time = time
    self.events = events
    self.isPrefetched = isPrefetched
    self.share = share
  }

  var name: String {
    "\(users.grouped) users, \(access.rawValue)" + (time == .flows ? ", deadlines come due" : "")
      + (isPrefetched ? "" : ", nothing prefetched")
  }

  /// Instructions do not depend on the number of users but for the depth of what grows with them.
  var fixedInput: String? {
    users == InstructionsCommand.users && isPrefetched ? "apply \(access.rawValue)" : nil
  }

  func prepare() throws {
    population = try share()
    sequence = access.sequence(max(events, 1 << 20), users: users, seed: 11)
    // The frequent users have many events, and the buffers their size.
    var meter = Meter()
    place = population!.apply(sequence, from: 0, events: events, &meter)
  }

  func run() -> Sample {
    population!.flush()
    var meter = Meter()
    place = population!.apply(
      sequence, from: place, events: events, isPrefetched: isPrefetched, &meter)
    return meter.sample(perEach: events)
  }

  /// - Parameter events: in each run.
  static func group(users sizes: [Int], events: Int) -> StageGroup {
    var stages: [ApplyStage] = []
    for users in sizes {
      var shared: Population?
      let share = {
        if let shared { return shared }
        let population = try Population(users: users, pace: users > 1_000_000 ? 10 : 100)
        population.populate()
        shared = population
        return population
      }
      for access in Access.allCases {
        for isPrefetched in [true, false] {
          stages.append(
            ApplyStage(
              users: users, access, .stands, events: events, isPrefetched: isPrefetched, share: share))
        }
      }
    }
    if let users = sizes.last(where: { $0 <= 1_000_000 }) {
      stages.append(
        ApplyStage(users: users, .zipf, .flows, events: events) {
          let population = try Population(users: users, pace: 86_400_000_000 / (12 * Int64(users)))
          population.populate()
          return population
        })
    }
    return StageGroup(title: "Apply: an event into a shard, after every user was there", stages: stages)
  }
}
