import Foundation
import Supervision
import TestSupport
import Testing

/// A daemon that must do with little memory.
@Suite(.serialized, .timeLimit(.minutes(10)), .daemonLogs) struct `Memory is short` {
  private static let maximum: Int64 = 128 << 20
  private static let users = 400_000
  private static let partitions = 16

  /// One event each of users who were never seen before: at most as much as the embedded broker keeps.
  private static func flood() -> [String] {
    (0..<users).map { number in
      let user = "visitor-\(number)-of-a-flood"
      return "\(user)\t"
        + #"{"type":"cart_add","ts":\#(Native.start),"user_id":"\#(user)","item_id":"the-one"}"#
    }
  }

  @Test func `A flood of new users stops at the bound, loses nobody, and goes on when there is room`()
    async throws
  {
    let cluster = try await Cluster.start(partitions: Self.partitions)
    try await withTemporaryDirectory { directory in
      var configuration = TestConfiguration(bootstrap: cluster.bootstrap)
      // What is not flushed stays: the embedded broker would drop the state of so many.
      configuration.state = "{directory: off, flush_after: 1h, max_replay: 100000000}"
      configuration.lines = ["lanes: 2", "memory: {max: \(Self.maximum)}"]
      let served = try await Served.start(configuration, in: directory)
      _ = try await eventually("it is ready") { try served.get("/readyz").status == 200 ? true : nil }
      func rebalances() throws -> [Double?] {
        try ["0", "1"].map { try served.metric("ebb_rebalances_total{lane=\"\($0)\"}") }
      }
      // Whoever is first has all partitions, until the other is there.
      let joined = try rebalances()
      try await cluster.send(
        Self.flood(), partition: nil,
        ["-X", "topic.partitioner=murmur2_random", "-X", "batch.num.messages=500"])

      // What is freed by stopping may let a little more in before it stops for good.
      var (records, since) = (-1.0, ContinuousClock.now)
      let shut = try await eventually("nothing is read any more", within: .seconds(180)) {
        let used = try #require(try served.metric("ebb_memory_used_bytes"))
        #expect(used < Double(Self.maximum), "the bound is hard")
        let now = try served.records()
        guard try served.metric(#"ebb_memory_step{step="stopped"}"#) == 1, now == records else {
          (records, since) = (now, .now)
          return Double?.none
        }
        return ContinuousClock.now - since > .seconds(3) ? now : nil
      }
      let ready = try served.get("/readyz")
      #expect(
        ready.status == 503
          && ready.body.contains(" % of memory.max 128 MiB is in use, and nothing is read: raise it"))
      #expect(try served.get("/healthz").status == 200)
      // Longer than a session: its place in the group is kept.
      try await Task.sleep(for: .seconds(8))
      let after = try served.records()
      #expect(after - shut < 20_000, "what was on its way when it was shut")
      #expect(after < Double(Self.users))
      #expect(try served.users() == after, "no user is dropped")
      for step in ["warning", "held_back", "stopped"] {
        #expect(try served.metric("ebb_memory_steps_total{step=\"\(step)\"}")! >= 1)
      }
      let log = served.daemon.text(.error)
      for sentence in ["from 80 % on input is held back", "nothing is read any more, and no user is dropped"]
      {
        #expect(log.components(separatedBy: sentence).count == 2, "once: \(sentence)")
      }

      configuration.lines = ["lanes: 2", "memory: {max: 4294967296}"]
      configuration.http = "{listen: 127.0.0.1:0}"
      _ = try configuration.write(into: directory)
      served.daemon.send(SIGHUP)
      _ = try await eventually("everything is read") {
        try served.records() == Double(Self.users) ? true : nil
      }
      #expect(try served.users() == Double(Self.users))
      _ = try await eventually("it is ready again") { try served.get("/readyz").status == 200 ? true : nil }
      #expect(try rebalances() == joined, "its place in the group was kept")
      #expect(served.daemon.text(.error).contains("memory.max 134217728 -> 4294967296"))

      // All are written, and read back by one who has room for half of them.
      configuration.state = "{directory: \(directory)/state, flush_after: 100ms}"
      _ = try configuration.write(into: directory)
      served.daemon.send(SIGHUP)
      _ = try await eventually("everybody is flushed") {
        try served.sum("ebb_unflushed_users") == 0 ? true : nil
      }
      #expect(try await served.daemon.stop().status == 0)
      try await recover(configuration, in: directory)
    }
  }

  /// Starts with a bound that the state goes beyond.
  private func recover(_ given: TestConfiguration, in directory: String) async throws {
    var configuration = given
    configuration.lines = ["lanes: 2", "memory: {max: \(64 << 20)}"]
    configuration.http = "{listen: off}"
    let served = try await Served.start(configuration, in: directory)
    let waiting = try await eventually("the recovery waits for memory") {
      let ready = try served.get("/readyz")
      let used = try served.metric("ebb_memory_used_bytes") ?? 0
      #expect(used < Double(64 << 20), "the bound is hard")
      return ready.status == 503 && ready.body.contains("of memory.max 64 MiB is in use") ? ready.body : nil
    }
    #expect(waiting.contains("lane 0 recovers ") || waiting.contains("lane 1 recovers "), "\(waiting)")
    try await Task.sleep(for: .seconds(3))
    #expect(try served.users() < Double(Self.users))
    #expect(try served.get("/healthz").status == 200)
    configuration.lines = ["lanes: 2", "memory: {max: 4294967296}"]
    configuration.http = "{listen: 127.0.0.1:0}"
    _ = try configuration.write(into: directory)
    served.daemon.send(SIGHUP)
    _ = try await eventually("everybody is back") { try served.users() == Double(Self.users) ? true : nil }
    _ = try await eventually("it is ready") { try served.get("/readyz").status == 200 ? true : nil }
    #expect(try await served.daemon.stop().status == 0)
  }

  @Test func `A bound beyond what the machine has is told of, and one too small is refused`() async throws {
    try await withTemporaryDirectory { directory in
      var configuration = TestConfiguration(bootstrap: "127.0.0.1:1")
      configuration.lines = ["memory: {max: \(1 << 46)}"]
      let served = try await Served.start(configuration, in: directory)
      let told = served.daemon.text(.error).contains(
        /memory\.max 67.108.864 MiB is more than the .* MiB that this process can have/)
      #expect(told)
      #expect(try await served.daemon.stop().status == 0)
      configuration.lines = ["memory: {max: 1000}"]
      let validated = try await Daemon.ebbd([
        "validate", "--config", try configuration.write(into: directory),
      ])
      #expect(validated.status != 0)
      #expect((validated.output + validated.error).contains("memory.max"))
    }
  }
}

extension Served {
  fileprivate func records() throws -> Double { try sum("ebb_input_records_total") }
  fileprivate func users() throws -> Double { try sum("ebb_users") }

  fileprivate func sum(_ name: String) throws -> Double {
    try (0..<2).reduce(0) { try $0 + (metric("\(name){lane=\"\($1)\"}") ?? 0) }
  }
}
