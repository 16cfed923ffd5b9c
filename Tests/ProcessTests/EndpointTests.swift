import Admin
import Foundation
import TestSupport
import Testing

/// What a running daemon shows of itself on HTTP.
@Suite(.timeLimit(.minutes(5)), .daemonLogs) struct `A daemon that is looked at` {
  private static let asJava = ["-X", "topic.partitioner=murmur2_random"]

  @Test func `It is alive before it is ready, and says what it waits for`() async throws {
    try await withTemporaryDirectory { directory in
      let served = try await Served.start(TestConfiguration(bootstrap: "127.0.0.1:1"), in: directory)
      #expect(try served.get("/healthz").status == 200)
      let ready = try served.get("/readyz")
      #expect(ready.status == 503)
      #expect(ready.body == "the brokers have not been reached yet\n")
      #expect(try served.metric("ebb_ready") == 0)
      #expect(try served.get("/v1/users/u1").status == 503)
      let status = try await Daemon.ebbd(["status", "--address", "127.0.0.1:\(served.port)"])
      #expect(status.status == 3)
      #expect(status.output.contains("state: not ready\n"))
      #expect(try await served.daemon.stop().status == 0)
    }
  }

  @Test func `Its numbers are those of what went through, and a user is told of as he is`() async throws {
    let cluster = try await Cluster.start(partitions: 2)
    try await withTemporaryDirectory { directory in
      var configuration = TestConfiguration(bootstrap: cluster.bootstrap)
      configuration.lines = ["lanes: 2"]
      let served = try await Served.start(configuration, in: directory)
      _ = try await eventually("it is ready") { try served.get("/readyz").status == 200 ? true : nil }
      #expect(try served.get("/v1/users/u1").status == 404)

      let events = [
        ("u1", Native.cartAdd("u1")), ("u2", Native.cartAdd("u2", at: 1_000)), ("u2", "hello"),
        ("u3", #"{"type":"purchase_of_nothing_known","ts":1577872800000,"user_id":"u3"}"#),
      ]
      try await cluster.send(events.map { "\($0)\t\($1)" }, partition: nil, Self.asJava)
      // Both users' partitions must see time pass.
      try await cluster.send(
        (0..<20).map { "v\($0)\t\(Native.view("v\($0)", at: 2 * Native.hour))" }, partition: nil, Self.asJava)
      _ = try await eventually("all of it is counted") {
        try served.metric("ebb_users{lane=\"0\"}")! + served.metric("ebb_users{lane=\"1\"}")! == 22
          ? true : nil
      }
      _ = try await eventually("both alerts are counted") {
        try served.metric(#"ebb_alerts_total{type="ebb.cart.abandoned",outcome="emitted"}"#) == 2 ? true : nil
      }
      let records =
        try served.metric("ebb_input_records_total{lane=\"0\"}")! + served.metric(
          "ebb_input_records_total{lane=\"1\"}")!
      #expect(records == 24)
      #expect(try served.metric(#"ebb_rejected_records_total{reason="not_json"}"#) == 1)
      #expect(try served.metric("ebb_ignored_records_total") == 1)
      #expect(try served.metric("ebb_carts_opened_total") == 2)
      #expect(try served.metric("ebb_ready") == 1)
      _ = try await eventually("nothing is left to read") {
        try (0..<2).allSatisfy { try served.metric("ebb_lag_records{partition=\"\($0)\"}") == 0 } ? true : nil
      }
      #expect(try served.metric("ebb_commit_duration_seconds_count")! >= 1)

      let alert = try #require(try await cluster.read(Cluster.cart, count: 2).first { $0.keyText == "u1" })
      let face = try AlertFace(line: alert.valueText ?? "")
      let user = try await Daemon.ebbd(["user", "u1", "--address", "127.0.0.1:\(served.port)"])
      #expect(user.status == 0)
      #expect(user.output.contains("item_id: i1\n"))
      #expect(user.output.contains(face.alert_id))
      #expect(user.output.contains("cart of 2 items (EUR 39.98) untouched for 1 h since 10:00 UTC"))
      let unknown = try await Daemon.ebbd(["user", "nobody", "--address", "127.0.0.1:\(served.port)"])
      #expect(unknown.status == 1)
      #expect(unknown.error == "ebbd user: no such user in the partitions of this process\n")
      let page = try served.get("/").body
      #expect(page.contains("<p class=\"good\">Ready</p>") && page.contains("untouched for 1 h"))
      #expect(try await Daemon.ebbd(["status", "--address", "127.0.0.1:\(served.port)"]).status == 0)
      #expect(try await served.daemon.stop().status == 0)
    }
  }

  @Test func `A token is asked for, and read from the file that the configuration names`() async throws {
    try await withTemporaryDirectory { directory in
      try "s3cret\n".write(toFile: "\(directory)/token", atomically: true, encoding: .utf8)
      var configuration = TestConfiguration(bootstrap: "127.0.0.1:1")
      configuration.http = "{listen: 127.0.0.1:0, token: {file: \(directory)/token}}"
      let served = try await Served.start(configuration, in: directory)
      #expect(try served.get("/metrics").status == 401)
      #expect(try served.get("/metrics", token: "s3cret").status == 200)
      #expect(try served.get("/healthz").status == 200)
      let refused = try await Daemon.ebbd(["status", "--address", "127.0.0.1:\(served.port)"])
      #expect(refused.status == 1)
      #expect(refused.error.contains("A token is wanted"))
      let asked = try await Daemon.ebbd([
        "status", "--address", "127.0.0.1:\(served.port)", "--token-file", "\(directory)/token",
      ])
      #expect(asked.status == 3)
      let stopped = try await served.daemon.stop()
      #expect(!stopped.error.contains("s3cret") && !stopped.output.contains("s3cret"))
    }
  }

  @Test func `A port that somebody has ends it before anything else, with what helps`() async throws {
    try await withTemporaryDirectory { directory in
      let first = try await Served.start(TestConfiguration(bootstrap: "127.0.0.1:1"), in: directory)
      var configuration = TestConfiguration(bootstrap: "127.0.0.1:1")
      configuration.http = "{listen: 127.0.0.1:\(first.port)}"
      let path = try configuration.write(into: directory, as: "second.yaml")
      let second = try await Daemon.ebbd(["run", "--config", path])
      #expect(second.status == 1)
      let last = try #require(second.error.split(separator: "\n").last)
      #expect(last.hasPrefix("ebbd run: http.listen: cannot listen at 127.0.0.1 port \(first.port): "))
      #expect(last.hasSuffix("; write a free address of this machine, or http.listen: off"))
      #expect(try await first.daemon.stop().status == 0)
    }
  }

  @Test func `Under load it is gone within five seconds of being asked, with a broker and without one`()
    async throws
  {
    for takesBrokerAway in [false, true] {
      let cluster = try await Cluster.start(partitions: 2)
      try await withTemporaryDirectory { directory in
        var configuration = TestConfiguration(bootstrap: cluster.bootstrap)
        configuration.lines = ["lanes: 2"]
        let served = try await Served.start(configuration, in: directory)
        // More than it has done by the time it is asked to stop.
        try await cluster.send(
          (0..<60_000).map { "w\($0 % 5_000)\t\(Native.cartAdd("w\($0 % 5_000)", at: Int64($0)))" },
          partition: nil, Self.asJava)
        _ = try await eventually("it is at work") {
          try served.metric("ebb_input_records_total{lane=\"0\"}") ?? 0 > 0 ? true : nil
        }
        if takesBrokerAway { cluster.process.send(SIGSTOP) }
        let began = ContinuousClock.now
        served.daemon.send(SIGTERM)
        let finished = try await served.daemon.finish(within: .seconds(30))
        let took = ContinuousClock.now - began
        if takesBrokerAway { cluster.process.send(SIGCONT) }
        #expect(finished.status == 0)
        #expect(took < promised(.seconds(5)), "\(took), broker away: \(takesBrokerAway)")
      }
    }
  }
}
