import Foundation
import TestSupport
import Testing

/// What the person at the keyboard gets wrong: one sentence that names the cause and the remedy.
@Suite(.timeLimit(.minutes(10)), .daemonLogs) struct `Operators' mistakes` {
  struct Mistake: Sendable, CustomTestStringConvertible {
    var arguments: [String]
    /// What standard error has to say, all of it.
    var says: [String]
    var status: Int32 = 1

    var testDescription: String { arguments.joined(separator: " ") }
  }

  static let mistakes: [Mistake] = [
    Mistake(
      arguments: ["run", "--config", "bad.yaml"],
      says: [
        "bad.yaml:1:1: error: unknown option 'kafak'; did you mean 'kafka'?",
        "bad.yaml:2:8: error: unknown option 'cart.stepps'; did you mean 'cart.steps'?",
        "bad.yaml:2:27: error: cart.cap: 'many' is not a whole number",
        "cannot be used as it is",
      ]),
    Mistake(
      arguments: ["run", "--config", "absent.yaml"], says: ["there is no file absent.yaml; check the path"]),
    Mistake(
      arguments: ["replay", "--config", "bad.yaml", "events.ndjson"], says: ["bad.yaml:1:1", "bad.yaml:2:27"]),
    Mistake(
      arguments: ["replay", "--compare", "bad.yaml", "events.ndjson"],
      says: ["bad.yaml:1:1", "bad.yaml:2:27"]),
    Mistake(arguments: ["demo", "--config", "bad.yaml"], says: ["bad.yaml:1:1", "bad.yaml:2:27"]),
    Mistake(
      arguments: ["replay", "--format", "rees64", "events.ndjson"],
      says: ["'rees64' is no preset", "rees46", "mapping file"]),
    Mistake(arguments: ["replay", "absent.csv"], says: ["there is no file 'absent.csv'; check the path"]),
    Mistake(arguments: ["replay", "."], says: ["'.' is a directory; name the files in it"]),
    Mistake(
      arguments: ["replay", "--format", "rees46", "events.ndjson"],
      says: ["events.ndjson:1: the header does not fit the format 'rees46'", "choose another --format"]),
    Mistake(
      arguments: ["replay", "--explain", "nobody", "events.ndjson"],
      says: ["user 'nobody' had no deadline in 1 events of 1 users", "anon:ID"]),
    Mistake(
      arguments: ["replay", "--compare", "good.yaml", "--explain", "u1", "events.ndjson"],
      says: ["--compare and --explain each print something else: choose one"], status: 64),
    Mistake(
      arguments: ["replay", "--compare", "good.yaml", "-"],
      says: ["standard input can be read only once"], status: 64),
    Mistake(arguments: ["replay"], says: ["Missing expected argument '<files> ...'"], status: 64),
    Mistake(
      arguments: ["replay", "--until", "never", "events.ndjson"], says: ["one of 'drained' and 'end'"],
      status: 64),
    Mistake(
      arguments: ["replay", "--partitions", "0", "events.ndjson"], says: ["--partitions takes 1 to 1024"],
      status: 64),
    Mistake(
      arguments: ["demo", "--format", "rees46"], says: ["--format belongs to --input FILE"], status: 64),
    Mistake(arguments: ["demo", "--input", "events.ndjson"], says: ["--input needs --format"], status: 64),
    Mistake(
      arguments: ["demo", "--input", "absent.csv", "--format", "rees46"],
      says: ["there is no file 'absent.csv'"]),
    Mistake(
      arguments: ["reference", "--schemas", "good.yaml/x"], says: ["cannot write into good.yaml/x"]),
    Mistake(arguments: ["rnu"], says: ["Unexpected argument 'rnu'"], status: 64),
  ]

  @Test(arguments: mistakes) func `A mistake is told with its remedy`(mistake: Mistake) async throws {
    try await withTemporaryDirectory { directory in
      let files = [
        "good.yaml": "lanes: 1\n", "bad.yaml": "kafak: {brokers: [x:1]}\ncart: {stepps: [1h], cap: many}\n",
        "events.ndjson": Native.cartAdd("u1") + "\n",
      ]
      for (name, text) in files {
        try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
      }
      let finished = try await run(
        Binaries.path(of: "ebbd"), mistake.arguments, directory: directory, input: "", within: .seconds(120))
      for sentence in mistake.says { #expect(finished.error.contains(sentence), "\(finished.error)") }
      #expect(finished.status == mistake.status)
      #expect(finished.output.isEmpty, "nothing but results goes to standard output")
    }
  }

  @Test func `A broker that cannot be reached is waited for, and SIGTERM ends that at once`() async throws {
    let closed = try LoopbackPort()
    let port = closed.number
    try await withTemporaryDirectory { directory in
      let daemon = try Daemon.start(TestConfiguration(bootstrap: "127.0.0.1:\(port)").write(into: directory))
      let log = try await daemon.wait(for: .error, containing: "trying again")
      #expect(log.contains("no broker of the cluster can be reached"))
      #expect(log.contains("127.0.0.1:\(port)"))
      #expect(log.contains("check kafka.brokers"))
      #expect(daemon.isRunning)
      let began = ContinuousClock.now
      let stopped = try await daemon.stop()
      #expect(stopped.status == 0)
      #expect(ContinuousClock.now - began < promised(.seconds(5)))
      // Said once, however often it was tried.
      #expect(stopped.error.split(separator: "\n").count { $0.contains("no broker") } == 1)
    }
  }

  @Test func `Topics that are missing are named together, with the command that creates them`() async throws {
    let cluster = try await Cluster.start(outputTopics: false)
    try await withTemporaryDirectory { directory in
      let path = try TestConfiguration(bootstrap: cluster.bootstrap).write(into: directory)
      let finished = try await Daemon.ebbd(["run", "--config", path])
      #expect(finished.status == 1)
      let last = try #require(finished.error.split(separator: "\n").last)
      for topic in [Cluster.cart, Cluster.churn, Cluster.deadLetters, Cluster.state] {
        #expect(last.contains("topic \(topic)"))
      }
      #expect(!last.contains("topic \(Cluster.input)"))
      #expect(last.contains("ebbd topics --create"))

      let checked = try await Daemon.ebbd(["topics", "--config", path])
      #expect(checked.status == 1)
      #expect(checked.output.contains("input: \(Cluster.input): 1 partitions"))
      #expect(checked.output.contains("dead letters: \(Cluster.deadLetters): missing"))
      // The embedded broker makes topics only when it starts, and the command says so.
      let created = try await Daemon.ebbd(["topics", "--create", "--config", path])
      #expect(created.status == 1)
      #expect(created.error.contains("create and inspect topics by the cluster's own tools"))
    }
  }

  @Test func `Topics that are all there are listed, and brokers that are not there are told of`() async throws
  {
    let cluster = try await Cluster.start(partitions: 3)
    try await withTemporaryDirectory { directory in
      let path = try TestConfiguration(bootstrap: cluster.bootstrap).write(into: directory)
      let checked = try await Daemon.ebbd(["topics", "--config", path])
      #expect(checked.status == 0, "\(checked.error)")
      #expect(checked.output.contains("input: \(Cluster.input): 3 partitions"))
      #expect(checked.output.split(separator: "\n").count == 5)
      let closed = try LoopbackPort()
      let nowhere = try TestConfiguration(bootstrap: "127.0.0.1:\(closed.number)").write(into: directory)
      let refused = try await Daemon.ebbd(["topics", "--timeout", "1", "--config", nowhere])
      #expect(refused.status == 1)
      #expect(refused.error.contains("no broker of the cluster can be reached"))
    }
  }

  @Test func `A cluster that does not let this user in ends the daemon with the reason`() async throws {
    let cluster = try await Cluster.start()
    try await withTemporaryDirectory { directory in
      try "geheim".write(toFile: "\(directory)/password", atomically: true, encoding: .utf8)
      var settings = TestConfiguration(bootstrap: cluster.bootstrap)
      settings.kafka = "security.protocol: sasl_plaintext, sasl.mechanism: PLAIN, sasl.username: ebb"
      var text = settings.text
      text = text.replacing(
        "  group:", with: "  secrets: {sasl.password: {file: \(directory)/password}}\n  group:")
      try text.write(toFile: "\(directory)/ebbd.yaml", atomically: true, encoding: .utf8)
      let finished = try await Daemon.ebbd(["run", "--config", "\(directory)/ebbd.yaml"])
      #expect(finished.status == 1)
      #expect(finished.error.contains("the brokers refuse this user's name or password"))
      #expect(finished.error.contains("check sasl.username, sasl.password and sasl.mechanism"))
      #expect(!finished.error.contains("geheim"))
    }
  }

  @Test
  func
    `A position that the topic no longer has ends the daemon, unless the configuration says where to go on`()
    async throws
  {
    let cluster = try await Cluster.start()
    try await withTemporaryDirectory { directory in
      var settings = TestConfiguration(bootstrap: cluster.bootstrap)
      let stopping = try settings.write(into: directory)
      try await cluster.send(["k\tbad"])
      let first = try Daemon.start(stopping)
      _ = try await cluster.read(Cluster.deadLetters, count: 1)
      #expect(try await first.stop().status == 0)
      // More than a partition of the embedded broker keeps: what was committed falls out of it.
      try await cluster.send(values: (0..<4).map { _ in Data(repeating: 0x78, count: 2_000_000) }, key: "k")
      let second = try await Daemon.ebbd(["run", "--config", stopping])
      #expect(second.status == 1)
      let last = try #require(second.error.split(separator: "\n").last)
      #expect(last.contains("partition 0 of topic \(Cluster.input)"))
      #expect(last.contains("earliest or latest"))
      settings.lines.append("when_offset_lost: earliest")
      let third = try Daemon.start(settings.write(into: directory, as: "earliest.yaml"))
      _ = try await cluster.readByPython(Cluster.deadLetters, count: 2)
      #expect(try await third.stop().status == 0)
    }
  }
}
