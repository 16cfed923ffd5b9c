import Dispatch
import Events
import Foundation
import Kafka
import Pipeline
import Replay
import Settings
import Synchronization
import Triggers

/// The running demo: broker, producer, lanes and reader, each on its own thread, and the status line on this one.
final class DemoStage: Sendable {
  private let setup: LoadedConfiguration
  private let clock: LaneClock
  private let stop: DemoStop
  private let seconds: Double?
  private let title: String
  private let traffic: Mutex<(any DemoTraffic)?>
  private let screen = DemoScreen()
  private let sent = Atomic<Int64>(0)
  /// Set when the reader has seen everything that the lanes wrote.
  private let isReaderDone = Atomic<Bool>(false)
  private let failure = Mutex<String?>(nil)

  private static let partitions = 4

  init(
    setup: LoadedConfiguration, clock: LaneClock, traffic: sending any DemoTraffic, stop: DemoStop,
    seconds: Double?, title: String
  ) {
    self.setup = setup
    self.clock = clock
    self.stop = stop
    self.seconds = seconds
    self.title = title
    self.traffic = Mutex(traffic)
  }

  func run() throws {
    let broker = try EmbeddedBroker()
    let topics = setup.configuration.topics
    for topic in [topics.input, topics.state] {
      try broker.createTopic(topic, partitions: Self.partitions)
    }
    for topic in [topics.cartAlerts, topics.churnAlerts, topics.deadLetters] {
      try broker.createTopic(topic, partitions: 1)
    }
    Console.say("ebbd demo: \(title)")
    Console.say("broker at \(broker.bootstrap): any Kafka client can join, for example")
    Console.say("  kcat -C -b \(broker.bootstrap) -t \(topics.cartAlerts) -o beginning")
    Console.say("waiting for the consumer groups to form (about three seconds)")

    let properties = ClientProperties(bootstrap: broker.bootstrap)
    let fleet = makeFleet(properties)
    let ended = DispatchSemaphore(value: 0)
    fleet.start { [self] error in
      if let error { fail("\(error)") }
      ended.signal()
    }
    let helpers = DispatchGroup()
    spawn("ebb-demo-reader", helpers) { [self] in try readAlerts(properties) }
    spawn("ebb-demo-shop", helpers) { [self] in try produce(properties, fleet) }
    watch(fleet)
    let users = fleet.snapshots.total.users
    stop.request()
    fleet.stop()
    // The lanes have their last cut to finish; a broker that is gone must not hold up the end.
    _ = ended.wait(timeout: .now() + 5)
    let tally = fleet.snapshots.total.tally
    let written = AlertType.allCases.reduce(0) { $0 + tally[emitted: $1] }
    for _ in 0..<100 where screen.alerts < written { usleep(10_000) }
    isReaderDone.store(true, ordering: .releasing)
    _ = helpers.wait(timeout: .now() + 3)
    screen.endStatus()
    summarise(fleet, users: users)
    if let failure = failure.withLock({ $0 }) {
      throw PipelineError(
        .output, "the demo ended early", hint: "mend the cause and start it again", cause: failure)
    }
  }

  private func makeFleet(_ properties: ClientProperties) -> LaneFleet {
    LaneFleet(
      LaneFleet.Plan(
        configuration: setup.configuration, epoch: setup.epoch, mapping: setup.mapping,
        properties: properties,
        instance: "demo", lanes: 1, clock: clock, callbacks: ClientCallbacks(),
        kafkaNotice: { [screen] notice in
          if notice.level != .info { screen.line("! \(notice.text)") }
        },
        laneNotice: { [screen] notice in
          if case .rejected(let rejection, let partition, let offset) = notice {
            screen.line("! refused partition \(partition) offset \(offset): \(rejection)")
          }
        }))
  }

  private func spawn(_ name: String, _ group: DispatchGroup, _ body: @escaping @Sendable () throws -> Void) {
    group.enter()
    let thread = Thread { [self] in
      do { try body() } catch { fail("\(error)") }
      group.leave()
    }
    thread.name = name
    thread.start()
  }

  private func fail(_ reason: String) {
    failure.withLock { if $0 == nil { $0 = reason } }
    stop.request()
  }

  // MARK: Shop

  /// Sends each record when its time has come.
  private func produce(_ properties: ClientProperties, _ fleet: LaneFleet) throws {
    guard var traffic = traffic.withLock({ $0.take() }) else { return }
    var producer = try Producer(
      properties: properties.overridden(by: ClientProperties(["linger.ms": "5"])),
      callbacks: ClientCallbacks()
    ) { _ in }
    let topic = setup.configuration.topics.input
    let headers = HeaderList([])
    while !stop.isRequested, let record = traffic.next() {
      while !stop.isRequested, clock.wall() < record.time { usleep(2_000) }
      // The embedded broker keeps little: never run far ahead of the daemon.
      while !stop.isRequested, sent.load(ordering: .relaxed) - fleet.snapshots.total.records > 20_000 {
        usleep(2_000)
      }
      var isTaken = false
      while !isTaken, !stop.isRequested {
        isTaken = try producer.tryProduce(
          topic: topic, key: record.key, value: record.value, headers: headers, timestamp: record.time)
        if !isTaken { usleep(1_000) }
      }
      sent.add(1, ordering: .relaxed)
    }
    while !stop.isRequested, producer.outstanding > 0 { usleep(10_000) }
  }

  // MARK: Alerts

  /// A consumer like any other: what it prints has been through the alert topics.
  private func readAlerts(_ properties: ClientProperties) throws {
    let topics = setup.configuration.topics
    var consumer = try Consumer(properties: properties, group: "ebb-demo-reader")
    try consumer.subscribe([topics.cartAlerts, topics.churnAlerts])
    while !isReaderDone.load(ordering: .acquiring) {
      switch consumer.poll(timeoutMilliseconds: 100) {
      case .assigned(let partitions, _): try consumer.assign(partitions.map { ($0, .beginning) })
      case .revoked, .lost: try consumer.unassign()
      case .batch:
        consumer.drain { item in
          guard case .record(let view) = item, let value = unsafe view.value else { return }
          guard let alert = AlertLine(value: unsafe Array(value)) else { return }
          screen.alert(alert.text(withDate: true))
        }
      case .nothing, .trouble: break
      }
    }
    _ = consumer.close(timeoutMilliseconds: 1_000)
  }

  // MARK: Status

  /// Keeps the status line moving until the end.
  private func watch(_ fleet: LaneFleet) {
    let began = DispatchTime.now().uptimeNanoseconds
    var last = (time: began, records: Int64(0))
    var turn = 0
    while true {
      let now = DispatchTime.now().uptimeNanoseconds
      let elapsed = Double(now - began) / 1e9
      if let seconds, elapsed >= seconds { return }
      if stop.wait(milliseconds: 200) { return }
      turn += 1
      if turn % 5 != 0 { continue }
      let total = fleet.snapshots.total
      let rate = Double(total.records - last.records) / (Double(now - last.time) / 1e9)
      last = (now, total.records)
      screen.status(Self.status(total, rate: Int64(max(0, rate)), alerts: screen.alerts), second: turn / 5)
    }
  }

  private static func status(_ total: LaneSnapshot, rate: Int64, alerts: Int64) -> String {
    let time = total.watermark.map { String(WireText.instant($0).prefix(16)).replacing("T", with: " ") }
    return [
      "shop time \(time ?? "–")", "\(Console.grouped(rate)) events/s",
      "\(Console.grouped(Int64(total.users))) users", "\(Console.grouped(total.carts)) carts",
      "\(Console.grouped(alerts)) alerts read",
    ].joined(separator: "  ")
  }

  private func summarise(_ fleet: LaneFleet, users: Int) {
    let total = fleet.snapshots.total
    let tally = total.tally
    Console.say("")
    Console.say(
      "sent \(Console.grouped(sent.load(ordering: .relaxed))) records; the daemon read"
        + " \(Console.grouped(total.records)): \(users) users, \(total.rejectedCount) refused,"
        + " \(tally.duplicates) duplicates left out")
    for type in AlertType.allCases {
      let name = type.rawValue.dropFirst(4).replacing(".", with: " ")
      Console.say("  \(name): \(tally[emitted: type])")
    }
    Console.say(
      "carts: \(tally.cartsOpened) opened, "
        + CartEnding.allCases.filter { tally[$0] > 0 }
        .map { "\($0.name.replacing("_", with: " ")) \(tally[$0])" }.joined(separator: ", ")
        + ", not ended \(total.carts)")
    Console.say("\(Console.grouped(screen.alerts)) alerts were read back from the alert topics")
  }
}
