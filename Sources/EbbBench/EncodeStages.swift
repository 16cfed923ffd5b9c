import Events
import Measuring
import Settings
import Shard
import Shop
import Triggers

/// Users to records of the state topic: everything a flush does but handing them to Kafka.
final class FlushStage: Stage {
  let name = "flush: a user's state to its record"
  let unit = "user"
  let fixedInput: String? = "flush"
  private let population: ShopPopulation
  /// Of the latest run.
  private(set) var flushed = 0

  init(users: Int, days: Int64) throws {
    population = try ShopPopulation(users: users, days: days)
  }

  func prepare() { population.run() }

  func run() -> Sample {
    population.touchEverybody()
    var meter = Meter()
    flushed = population.flushAll(&meter)
    return meter.sample(perEach: flushed)
  }
}

/// Alerts to key, JSON and headers.
final class AlertStage: Stage {
  let name: String
  let unit = "alert"
  let fixedInput: String?
  private let alerts: [Alert]
  /// In the latest run.
  private(set) var written = 0
  private let writer = AlertWriter(context: WireContext(source: "/ebb/bench", configVersion: "bench"))

  init(_ name: String, _ alerts: [Alert], fixedInput: String? = nil) {
    self.name = name
    self.fixedInput = fixedInput
    self.alerts = alerts
  }

  func prepare() throws {
    if alerts.isEmpty { throw BenchError("the simulated shop gave no alert for '\(name)'") }
  }

  func run() -> Sample {
    let times = unsafe Meter.isCollected ? 1 : max(1, 20_000 / alerts.count)
    written = times * alerts.count
    var bytes = 0
    var meter = Meter()
    meter.measure {
      for _ in 0..<times {
        for alert in alerts { bytes += writer.record(alert).value?.count ?? 0 }
      }
    }
    precondition(bytes > 0)
    return meter.sample(perEach: written)
  }
}

/// A shard that has lived through some days of the demo's shop.
final class ShopPopulation {
  private let days: Int64
  private var shop: ShopSimulator
  private var shard: Shard
  private var slot = EventSlot()
  private var output = TriggerOutput()
  private var changes: [StateChange] = []
  private var seen: Set<String> = []
  private var now = DemoShop.start
  private(set) var alerts: [Alert] = []

  init(users: Int, days: Int64) throws {
    self.days = days
    shop = DemoShop.simulator(users: users)
    let epoch = Epoch(hash: 1, text: "bench", rules: Rules())
    shard = Shard(partition: 0, epoch: epoch, isJournaled: true)
    shard.beginEpoch(epoch, into: &changes)
  }

  func run() {
    var event = 0
    while now < DemoShop.start + days * Milliseconds.day {
      let item = shop.next()
      now = item.arrivalMilliseconds
      slot.set(item.event)
      if let user = item.event.userID { seen.insert(user) }
      apply()
      event += 1
      if event % 10_000 == 0 {
        var meter = Meter()
        _ = flushAll(&meter)
      }
    }
    var meter = Meter()
    _ = flushAll(&meter)
  }

  private func apply() {
    shard.apply(slot, recordClock: now, into: &output)
    alerts += output.alerts
    output.alerts.removeAll(keepingCapacity: true)
  }

  /// An event for every user, so that all have to be flushed.
  func touchEverybody() {
    for user in seen {
      now += 1
      slot.set(Event(type: .pageView, ts: now, userID: user, eventID: "t\(now)", url: "/p/1"))
      apply()
    }
  }

  func flushAll(_ meter: inout Meter) -> Int {
    changes.removeAll(keepingCapacity: true)
    meter.measure {
      _ = shard.flush(FlushLimit(ordinal: .max, users: .max, bytes: .max), into: &changes)
    }
    return changes.count
  }

  static func encodeGroup() throws -> StageGroup {
    let source = try ShopPopulation(users: 2_000, days: 24)
    source.run()
    let alerts = source.alerts
    return StageGroup(
      title: "Encode: what is written",
      stages: [
        try FlushStage(users: 5_000, days: 7),
        AlertStage("alert: ebb.cart.abandoned to JSON", alerts.filter { $0.type == .cartAbandoned }),
        AlertStage("alert: ebb.churn.warning to JSON", alerts.filter { $0.type == .churnWarning }),
        AlertStage("alert: the demo's mix", alerts, fixedInput: "alert"),
      ])
  }
}
