import ClusterSupport
import Foundation
import TestSupport
import Testing

/// A proxy between the daemon and the brokers, which answers slowly, in part, or rubbish, under load.
@Suite(.serialized, .timeLimit(.minutes(20)), .daemonLogs) struct `The way to the brokers is bad` {
  /// How long each kind of weather lasts; `EBB_WEATHER_SECONDS` says otherwise.
  static var seconds: Int {
    ProcessInfo.processInfo.environment["EBB_WEATHER_SECONDS"].flatMap { Int($0) } ?? 15
  }

  private static func plan(session: Int = 6_000) -> Trial.Plan {
    var plan = Trial.Plan(lanes: 2, eventsPerSecond: 150, sessionMilliseconds: session)
    plan.proxy = "127.0.0.1"
    return plan
  }

  @Test func `Slow answers, connections reset and cut in mid-answer and rubbish cost time, and nothing else`()
    async throws
  {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await Self.farAway() }
      group.addTask { try await Self.hit("connections reset in mid-answer", [.reset]) }
      group.addTask { try await Self.hit("connections cut and silent in mid-answer", [.cut, .silence]) }
      group.addTask { try await Self.hit("rubbish in place of answers", Self.rubbish) }
      try await group.waitForAll()
    }
  }

  /// Half a second there and back, and a narrow line.
  private static func farAway() async throws {
    var plan = plan()
    plan.lingerMilliseconds = 1_000
    try await Trial.play("500 ms of round trip", plan) { trial, rows in
      let instance = trial.instances[0]
      let length = instance.log.count
      var weather = Weather(delayMilliseconds: 250)
      weather.bytesPerSecond = 1 << 20
      trial.proxy?.set(weather)
      try await Task.sleep(for: .seconds(seconds))
      let ends = try await trial.witness.edges().map(\.high)
      let lag = try await trial.until("what was written by then is committed", within: promised(.seconds(20)))
      {
        zip(try await trial.witness.committed(), ends).allSatisfy { $0.nextOffset >= $1 }
      }
      let standing = try await instance.readiness()
      #expect(standing.isReady, "\(standing.reasons)")
      let complaints = instance.complaints(after: length)
      #expect(complaints.isEmpty, "slow is not broken: \(complaints)")
      #expect(instance.logs.count == 1, "the same process all the time")
      // Nor is it for one that starts far away.
      instance.kill9()
      try instance.start()
      let back = try await trial.until("the next process is ready", within: promised(.seconds(60))) {
        guard instance.log.contains("serving at") else { return false }
        return try await instance.readiness().isReady && !instance.partitions.isEmpty
      }
      rows.append(["the next process is ready", "\(back.milliseconds) ms after its start"])
      rows.append(["committed after", "\(lag.milliseconds) ms"])
    }
  }

  /// Bytes that are no answer: a length of 2 GB, of -1, of 0, and whatever the dice give.
  private static var rubbish: [Weather.Blow] {
    var dice = SeededGenerator(announcedAs: "rubbish", seed: 6)
    let noise = (0..<5).map { _ in (0..<64).map { _ in UInt8.random(in: 0...255, using: &dice) } }
    return [[0x7f, 0xff, 0xff, 0xff], [0xff, 0xff, 0xff, 0xff], [0, 0, 0, 0]].flatMap { length in
      [Weather.Blow.garbage(length + noise[0])]
    } + noise.map { .garbage($0) }
  }

  private static func hit(_ title: String, _ blows: [Weather.Blow]) async throws {
    try await Trial.play(title, plan()) { trial, rows in
      let instance = trial.instances[0]
      let length = instance.log.count
      let before = try await trial.witness.committed().map(\.nextOffset)
      trial.proxy?.set(Weather(blows, everyAnswers: 11))
      try await Task.sleep(for: .seconds(seconds))
      trial.proxy?.set(Weather())
      let hits = trial.proxy?.hits ?? 0
      #expect(hits >= blows.count, "\(title): \(hits) blows have fallen")
      let complaints = instance.complaints(after: length)
      #expect(complaints.count <= 12, "\(title): \(complaints.joined(separator: "\n"))")
      let back = try await trial.until("all partitions are committed further") {
        zip(try await trial.witness.committed(), before).allSatisfy { $0.nextOffset > $1 + 50 }
      }
      try await trial.until("it is ready again") { try await instance.readiness().isReady }
      #expect(instance.logs.count == 1, "\(title): the same process all the time")
      rows += [
        ["blows that fell", "\(hits)"], ["connections made", "\(trial.proxy?.newcomers ?? 0)"],
        ["committing again", "\(back.milliseconds) ms later"],
        ["complaints in the log", "\(complaints.count)"],
      ]
      rows += complaints.map { ["", String($0.prefix(200))] }
    }
  }
}
