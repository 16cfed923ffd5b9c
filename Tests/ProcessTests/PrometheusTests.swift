import Admin
import Foundation
import TestSupport
import Testing

/// What Prometheus makes of the metrics, the alert rules and the board, with a server of its own that scrapes a daemon.
@Suite(.timeLimit(.minutes(5)), .daemonLogs) struct `Watched by Prometheus` {
  private static func tool(_ name: String) -> String? {
    let unpacked = "\(Binaries.packageRoot)/.build/tools/usr/bin/\(name)"
    if FileManager.default.isExecutableFile(atPath: unpacked) { return unpacked }
    if let installed = Binaries.tool(name) { return installed }
    print("skipped: there is no \(name); scripts/setup.sh test brings it")
    return nil
  }

  private static let rules = "\(Binaries.packageRoot)/Config/prometheus/ebb.rules.yml"

  @Test func `The alert rules are rules`() async throws {
    guard let promtool = Self.tool("promtool") else { return }
    let checked = try await run(promtool, ["check", "rules", Self.rules])
    #expect(checked.status == 0, "\(checked.output)\(checked.error)")
  }

  /// Every query of the board, by panel.
  private static func board() throws -> [(panel: String, query: String)] {
    struct Board: Decodable {
      struct Panel: Decodable {
        struct Target: Decodable { var expr: String }
        var title: String
        var targets: [Target]
      }
      var panels: [Panel]
    }
    let file = try Data(
      contentsOf: URL(fileURLWithPath: "\(Binaries.packageRoot)/Config/grafana/ebb.json"))
    return try JSONDecoder().decode(Board.self, from: file).panels.flatMap { panel in
      panel.targets.map { (panel.title, $0.expr) }
    }
  }

  @Test func `A scrape is clean, and every query of the board and the rules finds its numbers`() async throws
  {
    guard let promtool = Self.tool("promtool"), let prometheus = Self.tool("prometheus") else { return }
    let cluster = try await Cluster.start()
    try await withTemporaryDirectory { directory in
      let served = try await Served.start(
        TestConfiguration(bootstrap: cluster.bootstrap), in: directory)
      _ = try await eventually("it is ready") { try served.get("/readyz").status == 200 ? true : nil }
      try await cluster.send(
        [("u1", Native.cartAdd("u1")), ("u2", Native.view("u2", at: 2 * Native.hour))].map { "\($0)\t\($1)" })
      _ = try await cluster.read(Cluster.cart, count: 1)

      let scrape = Data(try served.get("/metrics").body.utf8)
      let lint = try await run(promtool, ["check", "metrics"], input: scrape)
      #expect(lint.status == 0 && lint.error.isEmpty && lint.output.isEmpty, "\(lint.output)\(lint.error)")

      let configuration = """
        global: {scrape_interval: 500ms, evaluation_interval: 500ms}
        rule_files: ["\(Self.rules)"]
        scrape_configs:
          - job_name: ebb
            static_configs: [{targets: ["127.0.0.1:\(served.port)"]}]

        """
      try configuration.write(
        toFile: "\(directory)/prometheus.yml", atomically: true, encoding: .utf8)
      let port = try LoopbackPort().number
      let server = try RunningProcess(
        prometheus,
        [
          "--config.file=\(directory)/prometheus.yml", "--storage.tsdb.path=\(directory)/tsdb",
          "--web.listen-address=127.0.0.1:\(port)",
        ])
      func ask(_ query: String) async throws -> RunningProcess.Finished {
        try await run(promtool, ["query", "instant", "http://127.0.0.1:\(port)", query])
      }
      _ = try await eventually("it has been scraped several times") {
        try await ask("count_over_time(up{job=\"ebb\"}[1m]) > 4 and up == 1").output.contains("=>")
          ? true : nil
      }
      for (panel, query) in try Self.board() {
        let answer = try await ask(query)
        #expect(answer.status == 0 && answer.output.contains("=>"), "\(panel): \(query)\n\(answer.error)")
      }
      // Nothing is wrong with this daemon, and every rule has been evaluated without an error.
      let firing = try await ask("ALERTS{alertstate=\"firing\"}").output
      #expect(!firing.contains("=>"), "\(firing)")
      let rules = try AdminClient(host: "127.0.0.1", port: port).wait(for: "/api/v1/rules").body
      let written = try String(contentsOfFile: Self.rules, encoding: .utf8).components(
        separatedBy: "- alert:"
      ).count
      #expect(written > 10 && rules.components(separatedBy: "\"health\":\"ok\"").count == written, "\(rules)")
      #expect(!rules.contains("\"health\":\"err\""), "\(rules)")
      server.send(SIGTERM)
      _ = try await server.finish()
      #expect(try await served.daemon.stop().status == 0)
    }
  }
}
