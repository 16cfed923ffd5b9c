import ClusterSupport
import Foundation
import TestSupport
import Testing

/// Brokers that go away for long, in every way in which they can, and leaders that move, under load.
@Suite(.serialized, .timeLimit(.minutes(30)), .daemonLogs) struct `Brokers go and leaders move` {
  /// How long brokers are away; `EBB_OUTAGE_SECONDS` says otherwise. Longer than the session timeout.
  static var outageSeconds: Int {
    ProcessInfo.processInfo.environment["EBB_OUTAGE_SECONDS"].flatMap { Int($0) } ?? 60
  }

  /// A way to be away.
  struct Absence: Sendable {
    var name: String
    var plan = Trial.Plan(lanes: 2)
    /// Commands by which a program comes to where the instance is.
    var beside: @Sendable (Instance) -> [String] = { _ in [] }
    var begin: @Sendable (Trial) async throws -> Void
    var end: @Sendable (Trial) async throws -> Void
    /// What the log must say of it.
    var says: [String]
  }

  static let refused = Absence(
    name: "all brokers refuse connections",
    begin: { try await $0.cluster.setBrokers(up: false) }, end: { try await $0.cluster.setBrokers(up: true) },
    says: ["no broker", "check kafka.brokers"])

  static let stopped = Absence(
    name: "SIGSTOP of the brokers", begin: { $0.cluster.process.send(SIGSTOP) },
    end: { $0.cluster.process.send(SIGCONT) }, says: ["warning"])

  static var halfOpen: Absence {
    var plan = Trial.Plan(lanes: 2)
    plan.proxy = "127.0.0.1"
    return Absence(
      name: "connections that stay open, and nothing comes through", plan: plan,
      begin: { trial in
        var weather = Weather()
        weather.isSilent = true
        trial.proxy?.set(weather)
      }, end: { $0.proxy?.set(Weather()) }, says: ["warning"])
  }

  static func pulled(_ cable: Cable) -> Absence {
    var plan = Trial.Plan(lanes: 2)
    plan.proxy = cable.host
    plan.surroundings.wrapper = cable.wrapper
    return Absence(
      name: "a network cable that is pulled", plan: plan, beside: { Cable.beside($0) },
      begin: { _ in try await cable.pull() }, end: { _ in try await cable.plugIn() }, says: ["warning"])
  }

  @Test func `Brokers that cannot be reached for long cost nothing but time`() async throws {
    var absences = [Self.refused, Self.stopped, Self.halfOpen]
    if let obstacle = await Cable.obstacle() {
      print("skipped: a network cable that is pulled: \(obstacle)")
    } else {
      absences.append(Self.pulled(try await Cable()))
    }
    // They mostly wait, and so side by side.
    try await withThrowingTaskGroup(of: Void.self) { group in
      for absence in absences { group.addTask { try await Self.suffer(absence) } }
      try await group.waitForAll()
    }
  }

  private static func suffer(_ absence: Absence) async throws {
    let watch = try Watch()
    var plan = absence.plan
    plan.surroundings.environment.merge(watch.environment) { $1 }
    // The records that are made have to last longer than the outage.
    plan.eventsPerSecond = min(plan.eventsPerSecond, Double(Trial.records) * 0.8 / Double(outageSeconds + 90))
    try await Trial.play(absence.name, plan) { trial, rows in
      let instance = trial.instances[0]
      let before = try await trial.witness.committed().map(\.nextOffset)
      let (memory, length, began) = (instance.residentMegabytes, instance.log.count, ContinuousClock.now)
      try await absence.begin(trial)
      try await Task.sleep(for: .seconds(outageSeconds))
      let name = Comment(rawValue: absence.name)
      #expect(instance.isRunning, "\(name): it waits: \(instance.log.suffix(2_500))")
      let standing = try await instance.readiness(through: absence.beside(instance))
      #expect(!standing.isReady, name)
      #expect(standing.reasons.contains("the brokers"), "\(name): \(standing.reasons)")
      let complaints = instance.complaints(after: length)
      for word in absence.says {
        #expect(complaints.contains { $0.contains(word) }, "\(name): \(complaints)")
      }
      let minutes = outageSeconds / 60 + 1
      #expect(complaints.count <= 12 * minutes, "\(name): \(complaints.joined(separator: "\n"))")
      let grown = instance.residentMegabytes - memory
      #expect(grown < 64, name)
      let silence = watch.longestSilence(since: began)
      #expect(silence < promised(.seconds(10)), "\(name): signs of life")
      let sentence = watch.sentences(since: began).last ?? "nothing"
      #expect(sentence.hasPrefix("Waiting for the brokers"), "\(name): \(sentence)")

      try await absence.end(trial)
      let back = try await trial.until("all partitions are committed further") {
        zip(try await trial.witness.committed(), before).allSatisfy { $0.nextOffset > $1 + 50 }
      }
      try await trial.until("it says that the brokers are back") {
        instance.log.dropFirst(length).contains("answer again")
      }
      try await trial.until("it is ready again") {
        try await instance.readiness(through: absence.beside(instance)).isReady
      }
      #expect(instance.logs.count == 1, "\(name): the same process all the time")
      rows += [
        ["away", "\(outageSeconds) s; committing again \(back.milliseconds) ms after that"],
        ["complaints in the log", "\(complaints.count)"], ["memory grown by, MB", "\(grown)"],
        ["longest time without a sign of life, ms", "\(silence.milliseconds)"],
        ["ready", "\(standing.reasons.prefix(200))"], ["STATUS", sentence],
      ]
      rows += complaints.map { ["", String($0.prefix(200))] }
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
