import CCounting
import Events
import Measuring
import Settings
import Shard
import Triggers

/// What the runtime and the allocator were asked for, in sum.
struct Tallied {
  var events = 0
  var decode = ebb_counts()
  var apply = ebb_counts()

  static func += (left: inout Tallied, right: Tallied) {
    left.events += right.events
    left.decode.add(right.decode)
    left.apply.add(right.apply)
  }
}

extension ebb_counts {
  mutating func add(_ other: ebb_counts) {
    allocations += other.allocations
    frees += other.frees
    objects += other.objects
    retains += other.retains
    releases += other.releases
  }

  func minus(_ other: ebb_counts) -> ebb_counts {
    ebb_counts(
      allocations: allocations - other.allocations, frees: frees - other.frees,
      objects: objects - other.objects,
      retains: retains - other.retains, releases: releases - other.releases)
  }
}

/// Allocations, retains and releases of every event of the demo's stream, after a warm-up.
struct Counts {
  /// By `EventType.rawValue`: events of users who were there, that brought no alert.
  private(set) var byType: [Tallied]
  /// Events that brought a user or took one away.
  private(set) var coming = Tallied()
  /// Events that brought alerts, their own user's or others'.
  private(set) var alerting = Tallied()

  /// The events of every day: what the guard is about.
  static let daily: [EventType] = [
    .pageView, .pageDwell, .click, .search, .favourite, .cartAdd, .cartRemove, .checkoutStart, .purchase,
  ]

  var dailyMix: Tallied {
    Self.daily.reduce(into: Tallied()) { $0 += byType[Int($1.rawValue)] }
  }

  /// - Parameters:
  ///   - users: of the shop.
  ///   - warmUp: events before the counting, so that users are there and buffers have their size.
  ///   - events: that are counted.
  ///   - wasting: the counts' own check: every event keeps and drops one object more.
  init(users: Int, warmUp: Int, events: Int, wasting: Bool = false) throws {
    byType = Array(repeating: Tallied(), count: Int(EventType.allCases.map(\.rawValue).max()!) + 1)
    let corpus = Corpus.demo(events: warmUp + events, users: users)
    var decoder = Decoder(mapping: try MappingFile.preset(named: "native"))
    var slot = EventSlot()
    var output = TriggerOutput()
    var changes: [StateChange] = []
    var rules = Rules()
    rules.time.allowedLatenessMilliseconds = 200 * DemoShop.speed
    let epoch = Epoch(hash: 1, text: "bench", rules: rules)
    var shard = Shard(partition: 0, epoch: epoch, isJournaled: true)
    shard.beginEpoch(epoch, into: &changes)
    let waste = wasting ? Waste() : nil
    var place = 0
    unsafe corpus.forEach { index, record in
      defer { place += 1 }
      if place % 5_000 == 0 {
        // What a cut does is not part of an event.
        _ = shard.flush(FlushLimit(ordinal: .max, users: .max, bytes: .max), into: &changes)
        shard.bury(upTo: shard.recoveryPoint, limit: .max, into: &changes)
        changes.removeAll(keepingCapacity: true)
        shard.trimClockLog()
      }
      let users = shard.userCount
      ebb_counting_start()
      let outcome = unsafe decoder.decode(
        payload: record, recordTimestamp: corpus.clocks[index], into: &slot)
      let decoded = ebb_counting_now()
      if outcome == .event { shard.apply(slot, recordClock: corpus.clocks[index], into: &output) }
      if let waste { waste.use() }
      let counted = ebb_counting_stop()
      if place >= warmUp {
        let one = Tallied(events: 1, decode: decoded, apply: counted.minus(decoded))
        if shard.userCount != users {
          coming += one
        } else if !output.alerts.isEmpty {
          alerting += one
        } else {
          byType[Int(slot.type.rawValue)] += one
        }
      }
      output.alerts.removeAll(keepingCapacity: true)
    }
  }

  /// One object made and dropped, for showing that the guard sees it.
  private final class Waste {
    private var kept: Waste?

    @inline(never) func use() {
      kept = Waste()
      kept = nil
    }
  }

  var table: TextTable {
    var table = TextTable([
      "", "events", "decode: allocations", "retains", "releases", "apply: allocations", "retains", "releases",
    ])
    table.add(heading: "Allocations and references: per event of the demo's stream, after a warm-up")
    func add(_ name: String, _ tallied: Tallied) {
      guard tallied.events > 0 else { return }
      let each = { (number: UInt64) in (Double(number) / Double(tallied.events)).text(digits: 3) }
      table.add([
        name, tallied.events.grouped, each(tallied.decode.allocations), each(tallied.decode.retains),
        each(tallied.decode.releases), each(tallied.apply.allocations), each(tallied.apply.retains),
        each(tallied.apply.releases),
      ])
    }
    for type in EventType.allCases { add(type.name, byType[Int(type.rawValue)]) }
    add("all of browsing, cart and purchase", dailyMix)
    add("events by which a user comes or goes", coming)
    add("events with alerts, of anybody", alerting)
    return table
  }
}
