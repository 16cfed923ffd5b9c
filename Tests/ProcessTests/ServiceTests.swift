import ClusterSupport
import Foundation
import TestSupport
import Testing

/// `ebbd run` as a service of systemd's type `notify`, with a socket that stands in for systemd.
@Suite(.serialized, .timeLimit(.minutes(5)), .daemonLogs) struct `Under a service manager` {
  private static func environment(_ socket: NotifySocket) -> [String: String?] {
    ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "4000000", "WATCHDOG_PID": nil]
  }

  @Test func `It is ready when it has joined, tells how it is, gives signs of life, and says that it stops`()
    async throws
  {
    let cluster = try await Cluster.start()
    try await withTemporaryDirectory { directory in
      let configuration = try TestConfiguration(bootstrap: cluster.bootstrap).write(into: directory)
      let socket = try NotifySocket()
      let daemon = try RunningProcess(
        Binaries.path(of: "ebbd"), ["run", "--config", configuration], environment: Self.environment(socket))
      var told = try Self.listen(to: socket, until: "READY=1")
      #expect(told.allSatisfy { $0.hasPrefix("EXTEND_TIMEOUT_USEC=") || $0 == "READY=1" }, "\(told)")
      #expect(told.dropLast().allSatisfy { $0.contains("STATUS=") }, "\(told)")
      told = try Self.listen(to: socket, until: "STATUS=")
      #expect(
        try #require(told.last).contains(" events/s, 1 partitions, 0 users, 0 open carts, watermark none"))
      // An idle poll is a sign of life: twice the limit without a record.
      let began = ContinuousClock.now
      var signs = 0
      while ContinuousClock.now - began < .seconds(8) {
        if try Self.listen(to: socket, until: "WATCHDOG=1").last == "WATCHDOG=1" { signs += 1 }
      }
      #expect(signs >= 4, "\(signs) signs of life in 8 s")
      daemon.send(SIGTERM)
      told = try Self.listen(to: socket, until: "STOPPING=1")
      #expect(told.last == "STOPPING=1\nSTATUS=Stopping: finishing the cut in hand")
      #expect(try await daemon.finish().status == 0)
    }
  }

  @Test func `A lane that is stuck ends the signs of life, and everybody who asks is told`() async throws {
    let cluster = try await Cluster.start(partitions: 2)
    try await withTemporaryDirectory { directory in
      var configuration = TestConfiguration(bootstrap: cluster.bootstrap)
      configuration.lines = ["lanes: 2"]
      configuration.http = "{listen: 127.0.0.1:0}"
      let path = try configuration.write(into: directory)
      let socket = try NotifySocket()
      var environment = Self.environment(socket)
      environment["EBB_STALL_LANE_AFTER_SECONDS"] = "8"
      let daemon = try RunningProcess(
        Binaries.path(of: "ebbd"), ["run", "--config", path], environment: environment)
      _ = try Self.listen(to: socket, until: "READY=1")
      _ = try Self.listen(to: socket, until: "WATCHDOG=1")
      // Half of the limit of 4 s after the lane has stopped.
      let told = try Self.listen(to: socket, until: "STATUS=Lane 0 is stuck")
      #expect(told.contains("WATCHDOG=1"))
      let began = ContinuousClock.now
      while ContinuousClock.now - began < .seconds(8) {
        if let more = socket.next(within: 1) { #expect(!more.contains("WATCHDOG=1"), "\(more)") }
      }
      #expect(
        daemon.text(.error).contains("lane 0 has given no sign of life for 2 s; systemd is told nothing more")
      )
      // What systemd does next.
      daemon.send(SIGKILL)
      #expect(try await daemon.finish().status != 0)
    }
  }

  @Test func `A stuck lane's process is killed and started again, as systemd does it, and nothing is lost`()
    async throws
  {
    let socket = try NotifySocket()
    var plan = Trial.Plan(lanes: 2, eventsPerSecond: 200)
    plan.surroundings.environment = Self.environment(socket).merging(["EBB_STALL_LANE_AFTER_SECONDS": "12"]) {
      $1
    }
    try await Trial.play("a stuck lane, ended by the watchdog", plan) { trial, rows in
      let instance = trial.instances[0]
      // The limit of 4 s without a word of life, as systemd counts it.
      var lastSign = ContinuousClock.now
      while ContinuousClock.now - lastSign < .seconds(4) {
        if socket.next(within: 1)?.contains("WATCHDOG=1") == true { lastSign = .now }
      }
      let before = try await trial.witness.committed()
      let ends = try await trial.witness.edges().map(\.high)
      let behind = zip(ends, before).map { $0 - $1.nextOffset }
      #expect(behind.contains { $0 > 100 }, "a lane stood still: \(behind)")
      #expect(behind.contains { $0 < 100 }, "and the other did not: \(behind)")
      instance.kill9()
      instance.move(to: Program.Surroundings())
      try instance.start()
      let back = try await trial.untilOthersCommit(before: before)
      rows.append([
        "stuck",
        "\(behind.max() ?? 0) events behind; all partitions committed \(back.milliseconds) ms after the start",
      ])
    }
  }

  @Test func `While no broker answers it asks for more time, and is never ready`() async throws {
    try await withTemporaryDirectory { directory in
      let configuration = try TestConfiguration(bootstrap: "127.0.0.1:1").write(into: directory)
      let socket = try NotifySocket()
      let daemon = try RunningProcess(
        Binaries.path(of: "ebbd"), ["run", "--config", configuration], environment: Self.environment(socket))
      for _ in 0..<5 {
        let told = try #require(socket.next())
        #expect(told == "EXTEND_TIMEOUT_USEC=15000000\nSTATUS=Connecting to the brokers")
      }
      daemon.send(SIGTERM)
      _ = try Self.listen(to: socket, until: "STOPPING=1")
      #expect(try await daemon.finish().status == 0)
    }
  }

  @Test func `A socket that is not there is refused before anything else`() async throws {
    try await withTemporaryDirectory { directory in
      let configuration = try TestConfiguration(bootstrap: "127.0.0.1:1").write(into: directory)
      let daemon = try RunningProcess(
        Binaries.path(of: "ebbd"), ["run", "--config", configuration],
        environment: ["NOTIFY_SOCKET": "\(directory)/nobody"])
      let finished = try await daemon.finish()
      #expect(finished.status != 0)
      #expect(finished.error.contains("NOTIFY_SOCKET '\(directory)/nobody'"), "\(finished.error)")
    }
  }

  /// Everything up to the first datagram that begins with this.
  private static func listen(to socket: NotifySocket, until wanted: String) throws -> [String] {
    var told: [String] = []
    while true {
      let next = try #require(socket.next(within: 30), "after \(told)")
      told.append(next)
      if next.hasPrefix(wanted) { return told }
    }
  }
}
