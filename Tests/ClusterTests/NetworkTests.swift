import ClusterSupport
import Foundation
import TestSupport
import Testing

/// A proxy between the daemon and the cluster: exactly once over a way that is slow, that breaks in mid-answer, and that
/// falls silent.
@Suite(.serialized, .enabled(if: Wishes.brokers != nil, Wishes.skipped))
struct `The way to the cluster is bad` {
  /// How long each kind of weather lasts.
  static var seconds: Int { 10 * Wishes.rounds }

  /// Traffic that goes straight to the cluster, and an instance whose way leads through the proxy.
  private static func play(
    _ title: String, _ weather: Weather, hitsExpected: Int = 0, secondsLong: Int = seconds
  ) async throws {
    let brokers = try #require(Wishes.brokers)
    let events = 30_000
    let records = ShopRecords(seed: Wishes.seed &+ 9, count: events, users: events / 250, partitions: 6)
    let (outcome, rows) = try await ClusterGround.with(brokers: brokers, partitions: 6) { ground in
      let proxy = try FaultProxy(to: brokers)
      var configuration = ClusterConfiguration.shortSessions
      configuration.brokers = proxy.bootstrap
      configuration.properties["session.timeout.ms"] = "10000"
      configuration.properties["reconnect.backoff.max.ms"] = "500"
      configuration.state["flush_after"] = "1s"
      let feeder = try Feeder(records, to: ground)
      let instance = try Instance("one", on: ground, configuration)
      try instance.start()
      try await ground.settle([instance])
      try await feeder.feed(to: events / 10, perSecond: 10_000)
      try await ground.drain(feeder.written, [instance])
      let traffic = Task { try await feeder.finish(perSecond: 600) }
      let before = instance.log.count
      proxy.set(weather)
      try await Task.sleep(for: .seconds(secondsLong))
      let hits = proxy.hits
      #expect(hits >= hitsExpected, "blows that fell")
      proxy.set(Weather())
      traffic.cancel()
      _ = try? await traffic.value
      let began = ContinuousClock.now
      try await feeder.finish()
      try await ground.drain(feeder.written, [instance])
      let complaints = instance.log.dropFirst(before).split(separator: "\n").filter {
        $0.contains(" warning ") || $0.contains(" critical ")
      }
      var rows = [
        ["blows that fell", "\(hits)"], ["connections made", "\(proxy.newcomers)"],
        ["everything committed", "\((ContinuousClock.now - began).milliseconds) ms after the weather"],
        ["processes that ended and were started again", "\(instance.endings.count)"],
        ["complaints in the log", "\(complaints.count)"],
      ]
      rows += complaints.prefix(8).map { ["", String($0.prefix(200))] }
      rows += instance.endings.map { ["ended", String($0.prefix(300))] }
      #expect(instance.endings.isEmpty, "nobody ends by himself")
      return (try await ground.judge(records, [instance], configuration), rows)
    }
    outcome.expectExact(title, rows)
  }

  @Test(.timeLimit(.minutes(10)))
  func `500 ms of round trip`() async throws {
    try await Self.play("500 ms of round trip", Weather(delayMilliseconds: 250))
  }

  @Test(.timeLimit(.minutes(10)))
  func `Connections that are reset in mid-answer again and again`() async throws {
    try await Self.play(
      "connections reset in mid-answer", Weather([.reset, .cut], everyAnswers: 31), hitsExpected: 10)
  }

  @Test(.timeLimit(.minutes(10)))
  func `Rubbish in place of answers`() async throws {
    let rubbish: [[UInt8]] = [[0x7f, 0xff, 0xff, 0xff], [0xff, 0xff, 0xff, 0xff], [0, 0, 0, 0]]
    try await Self.play(
      "rubbish in place of answers",
      Weather(rubbish.map { .garbage($0 + Array(repeating: 7, count: 60)) }, everyAnswers: 31),
      hitsExpected: 5)
  }

  @Test(.timeLimit(.minutes(10)))
  func `Connections that stay open, and nothing comes through`() async throws {
    var weather = Weather()
    weather.isSilent = true
    // Longer than a transaction and a session may take.
    try await Self.play("half-open connections", weather, secondsLong: max(25, Self.seconds))
  }
}
