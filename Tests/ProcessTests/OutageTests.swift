import ClusterSupport
import Foundation
import TestSupport
import Testing

/// Brokers that go away for long, and leaders that move, under load.
@Suite(.serialized, .timeLimit(.minutes(10)), .daemonLogs) struct `Brokers go and leaders move` {
  /// How long brokers are down; `EBB_OUTAGE_SECONDS` says otherwise. Longer than the session timeout, and short for a
  /// run of all tests.
  static var outageSeconds: Int {
    ProcessInfo.processInfo.environment["EBB_OUTAGE_SECONDS"].flatMap { Int($0) } ?? 20
  }

  @Test func `Brokers that are down for long under load cost nothing but time`() async throws {
    try await Trial.play("all brokers down under load", Trial.Plan(lanes: 2)) { trial, rows in
      let instance = trial.instances[0]
      let before = try await trial.witness.committed().map(\.nextOffset)
      try await trial.cluster.setBrokers(up: false)
      try await Task.sleep(for: .seconds(Self.outageSeconds))
      #expect(instance.isRunning, "it waits: \(instance.log.suffix(2_500))")
      #expect(instance.log.contains("no broker") && instance.log.contains("check kafka.brokers"))
      try await trial.cluster.setBrokers(up: true)
      let back = try await trial.until("all partitions are committed further") {
        zip(try await trial.witness.committed(), before).allSatisfy { $0.nextOffset > $1 + 50 }
      }
      try await trial.until("it says that the brokers are back") { instance.log.contains("answer again") }
      #expect(instance.logs.count == 1, "the same process all the time")
      rows.append([
        "brokers down", "\(Self.outageSeconds) s; committing again \(back.milliseconds) ms after that",
      ])
    }
  }

  @Test func `Leaders and coordinators that move under load are followed`() async throws {
    try await Trial.play("leaders and the coordinator move under load", Trial.Plan(brokers: 3, lanes: 2)) {
      trial, rows in
      let (cluster, ground) = (trial.cluster, trial.ground)
      let topics = [
        (ground.input, Trial.partitions), (ground.state, Trial.partitions), (ground.cart, 2),
        (ground.churn, 2),
        (ground.deadLetters, 1),
      ]
      for round in 0..<4 {
        let broker = round % 3 + 1
        for (topic, partitions) in topics {
          // All of the input to one broker, the others spread.
          for partition in 0..<partitions {
            let target = topic == ground.input ? broker : (broker + partition) % 3 + 1
            try await cluster.order("leader \(topic) \(partition) \(target)")
          }
        }
        try await cluster.order("coordinator \(ground.group) \((broker + 1) % 3 + 1)")
        #expect(
          try await Self.leaders(of: ground.input, cluster)
            == Array(repeating: broker, count: Trial.partitions))
        let ends = try await trial.witness.edges().map(\.high)
        let took = try await trial.until("what was written by then is committed") {
          zip(try await trial.witness.committed(), ends).allSatisfy { $0.nextOffset >= $1 }
        }
        rows.append(["move \(round + 1)", "everything committed \(took.milliseconds) ms later"])
      }
      #expect(trial.instances[0].logs.count == 1, "the same process all the time")
    }
  }

  /// Leaders of a topic's partitions as kcat is told.
  private static func leaders(of topic: String, _ cluster: Cluster) async throws -> [Int] {
    guard let kcat = Binaries.tool("kcat") else { throw TestSupportError("there is no kcat on this machine") }
    let listed = try await run(kcat, ["-b", cluster.bootstrap, "-L", "-t", topic])
    return listed.output.matches(of: /partition [0-9]+, leader ([0-9]+)/).compactMap { Int($0.output.1) }
  }
}
