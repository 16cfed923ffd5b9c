import ClusterSupport
import Foundation
import TestSupport
import Testing

/// SIGHUP: another configuration while traffic flows.
@Suite(.serialized, .timeLimit(.minutes(10)), .daemonLogs) struct `A configuration is read again` {
  private static let asJava = ["-X", "topic.partitioner=murmur2_random"]

  /// Carts of users who come back to nothing, and time that passes for all of them.
  private static func traffic(_ round: Int) -> [String] {
    let begin = Int64(round) * 2 * Native.hour
    let carts = (0..<400).map { user in
      ("c\(round)-\(user)", Native.cartAdd("c\(round)-\(user)", at: begin + Int64(user) * 1_000))
    }
    let views = (0..<40).map { user in ("v\(user)", Native.view("v\(user)", at: begin + 2 * Native.hour - 1))
    }
    return (carts + views).map { "\($0)\t\($1)" }
  }

  @Test func `Every kind of change is applied under traffic, and no alert is lost or doubled`() async throws {
    let cluster = try await Cluster.start(partitions: 3)
    try await withTemporaryDirectory { directory in
      let preset = "\(Binaries.packageRoot)/Config/mappings/native.yaml"
      let mapping = try String(contentsOfFile: preset, encoding: .utf8)
      try mapping.write(toFile: "\(directory)/ours.yaml", atomically: true, encoding: .utf8)
      var configuration = TestConfiguration(bootstrap: cluster.bootstrap)
      let first = ["lanes: 2", "cart: {steps: [1h]}", "input: {mapping: ours.yaml}"]
      configuration.lines = first
      let path = try configuration.write(into: directory)
      let daemon = try Daemon.start(path)
      try await daemon.wait(for: .error, within: .seconds(60)) { $0.contains("recovered partition 2") }

      // Each changes what it says, and nothing about when carts are told of.
      let changes: [(lines: [String], state: String, says: [String])] = [
        (
          first + ["windows: {day: 24h, fortnight: 14d}"], "",
          ["windows {", "-> {day: 24h, fortnight: 14d}", "config_version "]
        ),
        (
          first + ["churn: {enter: 70}"], "",
          ["windows {day: 24h, fortnight: 14d} -> ", "churn.enter 60 -> 70"]
        ),
        (
          first + [
            "commit: {min_interval: 20ms, max_interval: 500ms, max_bytes: 1000000}", "log: {level: debug}",
          ],
          "",
          ["commit.min_interval 10ms -> 20ms", "commit.max_interval 1s -> 500ms", "log.level info -> debug"]
        ),
        (
          first, ", flush_after: 1s, max_replay: 2000",
          ["state.flush_after 60s -> 1s", "state.max_replay 500000 -> 2000", "log.level debug -> info"]
        ),
        (
          ["lanes: 1", "cart: {steps: [1h], quiet_hours: 03:00-03:01}", "input: {mapping: ours.yaml}"], "",
          ["cart.quiet_hours off -> 03:00-03:01", "; waits for a restart: lanes 2 -> 1; config_version "]
        ),
        (first, "", ["cart.quiet_hours 03:00-03:01 -> off"]),
      ]
      var sent: [String] = []
      var seen = 0
      for (round, change) in changes.enumerated() {
        let lines = Self.traffic(round)
        sent += lines
        async let sending: Void = cluster.send(lines, partition: nil, Self.asJava)
        configuration.lines = change.lines
        configuration.state = "{directory: off\(change.state)}"
        _ = try configuration.write(into: directory)
        daemon.send(SIGHUP)
        try await sending
        let told = try await Self.reloaded(daemon, after: &seen)
        for part in change.says { #expect(told.contains(part), "\(told)") }
      }
      // The mapping's text is what decides, not its name.
      try (mapping + "\n# another remark\n").write(
        toFile: "\(directory)/ours.yaml", atomically: true, encoding: .utf8)
      daemon.send(SIGHUP)
      #expect(try await Self.reloaded(daemon, after: &seen).contains("the text of input.mapping "))
      daemon.send(SIGHUP)
      #expect(try await Self.reloaded(daemon, after: &seen).hasSuffix(": nothing has changed"))

      let last = Self.traffic(changes.count)
      sent += last
      try await cluster.send(last, partition: nil, Self.asJava)
      let file = "\(directory)/events.ndjson"
      try sent.map { $0.drop { $0 != "\t" }.dropFirst() + "\n" }.joined()
        .write(toFile: file, atomically: true, encoding: .utf8)
      let due = try await Daemon.replay(["--config", path, file]).map { try AlertFace(line: $0).alert_id }
      #expect(due.count >= 400 * changes.count)
      let alerts = try await cluster.read(Cluster.cart, count: due.count)
      #expect(try await daemon.stop().status == 0)
      let ids = try alerts.map { try AlertFace(line: $0.valueText ?? "").alert_id }
      #expect(ids.sorted() == due.sorted())
      #expect(try await cluster.readAll(Cluster.cart).count == due.count)
    }
  }

  @Test func `Who comes after the change is decided by the new rules, and who came before by the old`()
    async throws
  {
    let cluster = try await Cluster.start()
    try await withTemporaryDirectory { directory in
      var configuration = TestConfiguration(bootstrap: cluster.bootstrap)
      configuration.lines = ["lanes: 1", "cart: {steps: [1h]}"]
      let daemon = try Daemon.start(try configuration.write(into: directory))
      try await cluster.send([
        "a\t" + Native.cartAdd("a"), "v\t" + Native.view("v", at: 2 * Native.hour),
      ])
      let first = try AlertFace(
        line: try #require(await cluster.read(Cluster.cart, count: 1).first?.valueText))
      configuration.lines = ["lanes: 1", "cart: {steps: [10m]}"]
      _ = try configuration.write(into: directory)
      var seen = 0
      daemon.send(SIGHUP)
      let told = try await Self.reloaded(daemon, after: &seen)
      #expect(told.contains("cart.steps [1h] -> [10m]"))
      try await daemon.wait(for: .error, within: .seconds(60)) { $0.contains(" decides on all partitions") }
      try await cluster.send([
        "b\t" + Native.cartAdd("b", at: 3 * Native.hour), "v\t" + Native.view("v", at: 4 * Native.hour),
      ])
      let alerts = try await cluster.read(Cluster.cart, count: 2).map {
        try AlertFace(line: $0.valueText ?? "")
      }
      #expect(first.user_id == "a" && first.fired_at == "2020-01-01T11:00:00.000Z")
      #expect(alerts[1].user_id == "b" && alerts[1].fired_at == "2020-01-01T13:10:00.000Z")
      #expect(try await daemon.stop().status == 0)
    }
  }

  @Test func `A bad file changes nothing, is reported with its place, and systemd is told the end of it`()
    async throws
  {
    let cluster = try await Cluster.start()
    try await withTemporaryDirectory { directory in
      let configuration = TestConfiguration(bootstrap: cluster.bootstrap)
      let path = try configuration.write(into: directory)
      let socket = try NotifySocket()
      let daemon = try RunningProcess(
        Binaries.path(of: "ebbd"), ["run", "--config", path], environment: ["NOTIFY_SOCKET": socket.name])
      func listen(until wanted: String) throws -> String {
        for _ in 0..<100 {
          guard let told = socket.next(within: 20) else { break }
          if told.hasPrefix(wanted) { return told }
        }
        throw TestSupportError("nobody has told \(wanted)")
      }
      _ = try listen(until: "READY=1")
      try (configuration.text + "cart:\n  steps: [1h, soon]\n  stops: 3\n").write(
        toFile: path, atomically: true, encoding: .utf8)
      daemon.send(SIGHUP)
      #expect(try listen(until: "RELOADING=1").contains("STATUS=Reloading the configuration"))
      #expect(try listen(until: "READY=1") == "READY=1")
      let log = try await daemon.wait(for: .error, within: .seconds(30)) {
        $0.contains("nothing was changed")
      }
      let line = configuration.text.split(separator: "\n", omittingEmptySubsequences: false).count + 1
      #expect(log.contains("error    \(path):\(line):15: error: cart.steps[1]: 'soon'"))
      #expect(
        log.contains(
          "error    \(path):\(line + 1):3: error: unknown option 'cart.stops'; did you mean 'cart.steps'?"))
      #expect(log.contains("error    \(path) cannot be used as it is: nothing was changed"))
      #expect(!log.contains("reloaded"))
      // It goes on as it was.
      try await cluster.send(["a\t" + Native.cartAdd("a"), "v\t" + Native.view("v", at: 2 * Native.hour)])
      #expect(try await cluster.read(Cluster.cart, count: 1).count == 1)
      try FileManager.default.removeItem(atPath: path)
      daemon.send(SIGHUP)
      #expect(try listen(until: "READY=1") == "READY=1")
      try await daemon.wait(for: .error, within: .seconds(30)) { $0.contains("there is no file \(path)") }
      #expect(try await daemon.stop().status == 0)
    }
  }

  @Test func `Bad files under load, one after the other, change nothing`() async throws {
    try await Trial.play("bad reloads under load", Trial.Plan(lanes: 2)) { trial, rows in
      let instance = trial.instances[0]
      let path = "\(trial.ground.directory)/\(instance.name).yaml"
      let good = try String(contentsOfFile: path, encoding: .utf8)
      let length = instance.log.count
      let bad = [
        good + "cart: {steps: [soon]}\n", good + "\t: : [\n", String(good.prefix(good.count / 2)),
        String(repeating: "[", count: 20_000), "",
      ]
      for (number, text) in bad.enumerated() {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        instance.hangUp()
        try await trial.until("file \(number) is refused") {
          instance.log.dropFirst(length).components(separatedBy: "nothing was changed").count == number + 2
        }
      }
      try good.write(toFile: path, atomically: true, encoding: .utf8)
      instance.hangUp()
      try await trial.until("the good one is taken") { instance.log.contains(": nothing has changed") }
      #expect(instance.logs.count == 1, "the same process all the time")
      rows.append(["bad files", "\(bad.count)"])
    }
  }

  /// The line that tells of the next reload.
  private static func reloaded(_ daemon: RunningProcess, after seen: inout Int) async throws -> String {
    func lines() -> [String] {
      daemon.lines(.error).filter { $0.contains(" reloaded ") }
    }
    let count = seen + 1
    seen = count
    let told = try await eventually("the configuration has been read again") {
      lines().count >= count ? lines() : nil
    }
    return told[count - 1]
  }
}
