import Events
import Shard
import Shop
import Testing
import Triggers

/// What the demonstration promises, held against the real triggers under their default rules.
@Suite struct DemonstrationTests {
  /// Shop time that passes in a second of the demonstration.
  static let second = 12 * Milliseconds.hour

  /// The alerts of the first `seconds`, each with the second in which it appears, and the number of events,
  /// and when each user looked at a page.
  static func run(seed: UInt64, users: Int, seconds: Int64) -> (
    alerts: [(Int64, Alert)], events: Int, visits: [String: [Int64]]
  ) {
    var visits: [String: [Int64]] = [:]
    var shop = ShopSimulator(
      seed: seed, users: users, startMilliseconds: StreamTests.start, options: .demonstration)
    var shard = Shard(partition: 0, rules: Rules())
    var slot = EventSlot()
    var output = TriggerOutput()
    var alerts: [(Int64, Alert)] = []
    var events = 0
    while case let item = shop.next(),
      item.arrivalMilliseconds < StreamTests.start + seconds * second
    {
      slot.set(item.event)
      shard.apply(slot, recordClock: item.arrivalMilliseconds, into: &output)
      events += 1
      if item.event.type == .pageView { visits[item.event.userKey ?? "", default: []].append(item.event.ts) }
      for alert in output.alerts {
        alerts.append(((item.arrivalMilliseconds - StreamTests.start) / second, alert))
      }
      output.alerts.removeAll(keepingCapacity: true)
    }
    return (alerts, events, visits)
  }

  @Test(arguments: [1, 2] as [UInt64])
  func `Cart alerts come at once, churn warnings within the minute, and every other type too`(seed: UInt64) {
    let users = 400
    let seconds: Int64 = 80
    let (alerts, events, visits) = Self.run(seed: seed, users: users, seconds: seconds)
    print(
      "seed \(seed): \(users) users, \(events / Int(seconds)) events/s, \(alerts.count) alerts in \(seconds) s"
    )
    for type in AlertType.allCases {
      let times = alerts.filter { $0.1.type == type }.map(\.0)
      print("  \(type.rawValue): \(times.count), first in seconds \(times.prefix(5))")
      #expect(!times.isEmpty)
    }
    let warnings = alerts.filter { $0.1.type == .churnWarning }
    let foundAgain = warnings.count { _, warning in
      let soon = warning.time + 1...warning.time + 7 * Milliseconds.day
      return visits[warning.user, default: []].contains { soon.contains($0) }
    }
    print("  warned users seen again within a week: \(foundAgain) of \(warnings.count)")
    let first = { (type: AlertType) in alerts.first { $0.1.type == type }?.0 ?? .max }
    #expect(first(.cartAbandoned) <= 5)
    #expect(first(.churnWarning) <= 45)
    #expect((1_000...10_000).contains(events / Int(seconds)))
  }
}
