import Foundation
import TestSupport
import Testing

/// `ebbd demo` and the help, as somebody sees them who has just cloned the repository.
@Suite(.serialized, .timeLimit(.minutes(10)), .daemonLogs) struct `First contact` {
  @Test func `The demo ends by itself, with alerts that came through the topics and a summary`() async throws
  {
    var seconds = 15
    var finished = try await Daemon.ebbd(["demo", "--seconds", "\(seconds)"])
    // Simulated time follows the clock: on a machine that has no core to give, 15 s are over before there is an alert.
    if finished.output.isEmpty {
      seconds = 60
      finished = try await Daemon.ebbd(["demo", "--seconds", "\(seconds)"], within: .seconds(240))
    }
    #expect(finished.status == 0, "\(finished.error)")
    #expect(finished.elapsed < promised(.seconds(seconds + 25)))
    let alerts = finished.output.split(separator: "\n")
    #expect(alerts.contains { $0.contains("cart") }, "\(finished.error)")
    #expect(finished.error.contains("broker at 127.0.0.1:"))
    #expect(finished.error.contains("any Kafka client can join"))
    #expect(finished.error.contains("\(alerts.count) alerts were read back from the alert topics"))
    #expect(finished.error.contains("carts: "))
    #expect(finished.error.contains(/[1-9][0-9]* users, 0 refused/))
    #expect(!finished.error.contains("! "), "no trouble is told of: \(finished.error)")
  }

  @Test func `Any Kafka client can join the demo, and Ctrl-C ends it at once`() async throws {
    guard let kcat = Binaries.tool("kcat") else { throw TestSupportError("there is no kcat on this machine") }
    let demo = try RunningProcess(Binaries.path(of: "ebbd"), ["demo"])
    let told = try await demo.wait(for: .error, containing: "any Kafka client can join")
    let address = try #require(told.firstMatch(of: /broker at ([0-9.:]+):/)?.output.1)
    let joined = try await run(
      kcat,
      ["-C", "-b", String(address), "-t", Cluster.cart, "-o", "beginning", "-c", "1", "-q", "-f", "%h %s\n"],
      within: .seconds(120))
    #expect(joined.output.contains("ce_type=ebb.cart.") && joined.output.contains("\"alert_id\""))
    let began = ContinuousClock.now
    demo.send(SIGINT)
    let finished = try await demo.finish()
    #expect(ContinuousClock.now - began < promised(.seconds(2)))
    #expect(finished.status == 0)
    #expect(finished.error.contains("alerts were read back from the alert topics"))
  }

  @Test func `A real file takes the shop's place`() async throws {
    guard let path = SharedData.file("rees46-2019-oct-sample.csv", for: "the demo of a real file") else {
      return
    }
    let finished = try await Daemon.ebbd(["demo", "--input", path, "--format", "rees46", "--seconds", "10"])
    #expect(finished.status == 0, "\(finished.error)")
    #expect(finished.error.contains("17435 rows of rees46-2019-oct-sample.csv"))
    #expect(finished.error.contains("sent "))
  }

  static let help: [(command: [String], says: [String])] = [
    ([], ["run", "demo", "replay", "validate", "reference", "abandoned carts"]),
    (["run"], ["SIGTERM", "--config", "/etc/ebb/ebbd.yaml"]),
    (["demo"], ["--seconds", "--input", "--format", "--seed", "--users", "--speed"]),
    (["replay"], ["--compare", "--explain", "--until", "--format", "NDJSON", "standard error", "Examples:"]),
    (["validate"], ["file:line:column", "exit code", "--config"]),
    (["state", "verify"], ["--snapshot", "--partition", "exit code"]),
    (["state", "inspect"], ["--json", "--snapshot", "--partition", "flush_after", "exit code"]),
    (["topics"], ["--create", "--partitions", "--replicas", "exit code"]),
    (["reference"], ["--yaml", "--schemas", "Markdown"]),
  ]

  @Test(arguments: help.indices) func `Help says what a reader needs`(index: Int) async throws {
    let (command, says) = Self.help[index]
    let finished = try await Daemon.ebbd(command + ["--help"])
    #expect(finished.status == 0)
    #expect(finished.error.isEmpty)
    for text in says { #expect(finished.output.contains(text), "\(finished.output)") }
  }
}
