import ArgumentParser
import ClusterSupport
import Foundation
import Kafka
import Shop
import Supervision
import TestSupport

/// A shop's traffic for a long time, as fast as the daemon keeps up with: its memory must stay flat, and no alert may be
/// missing, doubled or other than the replay of the same events gives.
struct SoakCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "soak",
    abstract:
      "Demo traffic in accelerated time for half an hour: memory must stay flat, and nothing be lost.",
    discussion: """
      Event time goes as fast as events can be sent: some two simulated weeks a minute. Sending waits while the daemon is \
      further behind than --lag. With --brokers exactly-once on that cluster; without, at-least-once on an embedded \
      broker of its own, where nothing may come twice either, since nothing goes wrong. Ends with 1 if the memory that \
      no file stands behind changes by over 1 % in 10 minutes after the warm-up (half the time: so long the number of \
      users swings), or anything is missing, doubled or different.
      """)

  @ArgumentParser.Option(help: "host:port of a cluster, several separated by commas.")
  var brokers: String?

  @ArgumentParser.Option(help: "How long, minutes.")
  var minutes = 30.0

  @ArgumentParser.Option(help: "Events a second at most.")
  var rate = 20_000.0

  @ArgumentParser.Option(
    help: "Users of the simulated shop at a time; those who leave are followed by others.")
  var users = 20_000

  @ArgumentParser.Option(help: "Partitions of the input.")
  var partitions = 8

  @ArgumentParser.Option(help: "Lanes of the daemon.")
  var lanes = 2

  @ArgumentParser.Option(
    help: "Records of a partition that may be on their way; an embedded broker keeps some 20,000.")
  var lag: Int64 = 8_000

  func validate() throws {
    guard minutes > 0, rate >= 1, users >= 1, lag >= 1 else {
      throw ValidationError("--minutes, --rate, --users and --lag must be more than 0")
    }
    guard (1...256).contains(partitions) else { throw ValidationError("--partitions must be 1 to 256") }
  }

  func run() async throws {
    Machine.describe()
    let isFlatAndExact: Bool
    if let brokers {
      let bounds = ["retention.ms": "-1", "retention.bytes": "268435456", "segment.bytes": "67108864"]
      let soak = self
      isFlatAndExact = try await ClusterGround.with(
        brokers: brokers, partitions: partitions, inputConfiguration: bounds
      ) { ground in
        try await soak.work(on: ground, isExactlyOnce: true)
      }
    } else {
      isFlatAndExact = try await onEmbeddedBroker()
    }
    if !isFlatAndExact { throw ExitCode.failure }
  }

  private func onEmbeddedBroker() async throws -> Bool {
    let prefix = "soak"
    let topics =
      ["clickstream", "state"].map { "\(prefix).\($0):\(partitions)" }
      + ["cart", "churn"].map { "\(prefix).\($0):2" } + ["\(prefix).dead-letters:1"]
    let broker = try RunningProcess(
      Binaries.path(of: "ebb-broker"), topics.flatMap { ["--topic", $0] }, keepsInputOpen: true)
    let first = try await broker.wait(for: .output, within: .seconds(60)) { $0.contains("\n") }
    guard let address = first.split(separator: "\n").first?.split(separator: "=").last else {
      throw TestSupportError("the embedded broker does not say where it is")
    }
    let isFlatAndExact = try await withTemporaryDirectory { directory in
      let ground = try ClusterGround(
        over: String(address), prefix: prefix, partitions: partitions, directory: directory)
      return try await work(on: ground, isExactlyOnce: false)
    }
    _ = try await broker.stop()
    return isFlatAndExact
  }

  /// As its log told last.
  private static func users(of daemon: RunningProcess) -> String {
    daemon.text(.error).matches(of: /users=(\d+)/).last.map { String($0.output.1) } ?? "no"
  }

  private func configuration(isExactlyOnce: Bool) -> ClusterConfiguration {
    var configuration = ClusterConfiguration()
    configuration.lanes = lanes
    // Users leave within the time that is simulated, and snapshots are written within the time that passes.
    configuration.state = ["forget_after": "21d", "flush_after": "10s", "snapshot_every": "60s"]
    configuration.lines = [
      "windows: {hour: 1h, day: 24h, week: 7d}",
      "churn: {recent: 3d, baseline: 12d, min_active_days: 2, repeat: 7d}",
      "cart: {forgotten_after: 7d, silence_after_purchase: 24h}",
    ]
    if !isExactlyOnce { configuration.lines.append("delivery: at-least-once") }
    return configuration
  }

  private func work(on ground: ClusterGround, isExactlyOnce: Bool) async throws -> Bool {
    let configuration = configuration(isExactlyOnce: isExactlyOnce)
    let path = try configuration.write(on: ground, instance: "soak")
    let daemon = try Program.start(path)
    let seen = AlertLedger()
    let reader = AlertReader(ground) { seen.note($0) }
    reader.start()
    defer { reader.stop() }
    _ = try await eventually("the daemon has all partitions, and the reader its own", within: .seconds(180)) {
      try await ground.committed().count == ground.partitions && reader.isReady ? true : nil
    }
    let twin = try ReplayTwin(configuration: path, partitions: partitions, directory: ground.directory)
    let traffic = try SoakTraffic(users: users, ground: ground)
    var memory = MemoryCurve(warmUpSeconds: minutes * 30)
    say(
      "\(String(format: minutes, digits: 1)) minutes, \(users) users, \(partitions) partitions, \(lanes) lanes"
    )

    let clock = ContinuousClock()
    let began = clock.now
    let end = began + .seconds(minutes * 60)
    var (nextSample, nextLine) = (began, began + .seconds(60))
    var worstLag: Int64 = 0
    while clock.now < end {
      guard daemon.isRunning else {
        throw TestSupportError("the daemon has ended:\n\(daemon.text(.error).suffix(2_500))")
      }
      let committed = try await ground.committed()
      let behind = traffic.lag(behind: committed)
      worstLag = max(worstLag, behind)
      let due = Int((clock.now - began) / .seconds(1) * rate) - traffic.sent
      if behind < lag, due > 0 {
        // As many as cannot take any partition beyond its bound.
        try traffic.send(min(due, Int(lag - behind)), twin)
      } else {
        try await Task.sleep(for: .milliseconds(5))
      }
      if clock.now >= nextSample {
        nextSample += .seconds(2)
        let seconds = (clock.now - began) / .seconds(1)
        if let bytes = ProcessMemory.anonymousBytes(of: daemon.processIdentifier) {
          memory.note(bytes, at: seconds)
        }
      }
      if clock.now >= nextLine {
        nextLine += .seconds(60)
        say(
          "  minute \(Int((clock.now - began) / .seconds(60))): \(traffic.sent) events, day \(traffic.day), "
            + "\(seen.count) alerts, \(memory.latestMebibytes) MiB, \(Self.users(of: daemon)) users")
      }
    }
    let seconds = (clock.now - began) / .seconds(1)
    try traffic.finish()
    _ = try await eventually("everything is committed", within: .seconds(120)) {
      traffic.lag(behind: try await ground.committed()) == 0 ? true : nil
    }
    let expected = try twin.finish()
    _ = try? await eventually("every alert is seen", within: .seconds(20)) {
      seen.count >= expected.count ? true : nil
    }
    let stopped = try await daemon.stop()
    say(memory.plot)
    let difference = seen.difference(to: expected)
    var rows = [
      ["events", "\(traffic.sent) in \(Int(seconds)) s, \(Int(Double(traffic.sent) / seconds)) a second"],
      ["simulated days", "\(traffic.day)"], ["records behind at most, one partition", "\(worstLag)"],
      ["alerts of the replay", "\(expected.count)"],
    ]
    rows += difference.rows + memory.rows + [["exit status", "\(stopped.status)"]]
    printTable("soak", rows)
    if !difference.isExact { say(difference.examples) }
    if stopped.status != 0 { say(stopped.error.suffix(2_000).description) }
    return difference.isExact && memory.isFlat != false && stopped.status == 0 && !expected.isEmpty
  }
}

/// A simulated shop that goes on for ever, sent to the input and to the replay that it is compared with.
private final class SoakTraffic {
  private var shop: ShopSimulator
  private var producer: Producer
  private let topic: String
  private let start: Int64 = 1_735_689_600_000
  private var written: [Int64]
  private(set) var sent = 0
  private var time: Int64

  init(users: Int, ground: ClusterGround) throws {
    shop = ShopSimulator(seed: 7, users: users, startMilliseconds: start, options: .eventful)
    var properties = ground.properties
    properties["linger.ms"] = "5"
    producer = try Producer(properties: properties)
    topic = ground.input
    written = Array(repeating: 0, count: ground.partitions)
    time = start
  }

  /// Days of event time so far.
  var day: Int64 { (time - start) / 86_400_000 }

  /// Records that the partition furthest behind has on their way.
  func lag(behind committed: [Int32: CommittedState]) -> Int64 {
    written.enumerated().map { $1 - (committed[Int32($0)]?.nextOffset ?? 0) }.max() ?? 0
  }

  func send(_ count: Int, _ twin: ReplayTwin) throws {
    var left = count
    while left > 0 {
      let event = shop.next().event
      guard let id = event.userID ?? event.anonymousID, let key = NativeJSON.key(of: event) else { continue }
      let partition = ShopRecords.partition(ofUser: id, count: written.count)
      let value = NativeJSON.bytes(of: event)
      try twin.append(value)
      try producer.produce(
        topic: topic, key: key, value: value, partition: Int32(partition), timestamp: event.ts)
      written[partition] += 1
      time = max(time, event.ts)
      sent += 1
      left -= 1
    }
  }

  func finish() throws {
    try producer.flush(timeoutMilliseconds: 60_000)
    if producer.failed > 0 {
      throw TestSupportError("\(producer.failed) records were not taken by the brokers")
    }
  }
}

/// `ebbd replay` of the same events, beside the daemon.
private final class ReplayTwin {
  private let process = Process()
  private let input = Pipe()
  private let output: String
  private var waiting = Data()

  init(configuration: String, partitions: Int, directory: String) throws {
    output = "\(directory)/replay.ndjson"
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = [
      "-c", "exec \"$0\" \"$@\" > '\(output)' 2> '\(output).log'", try Binaries.path(of: "ebbd"), "replay",
      "--config",
      configuration, "--partitions", "\(partitions)", "--until", "end", "-",
    ]
    process.environment = ProcessInfo.processInfo.environment.merging(
      Program.environment.compactMapValues { $0 }
    ) { $1 }
    process.standardInput = input
    try process.run()
  }

  func append(_ value: [UInt8]) throws {
    waiting.append(contentsOf: value)
    waiting.append(UInt8(ascii: "\n"))
    if waiting.count > 1 << 18 { try send() }
  }

  private func send() throws {
    try input.fileHandleForWriting.write(contentsOf: waiting)
    waiting.removeAll(keepingCapacity: true)
  }

  /// What the replay says: a fingerprint of each alert by its id.
  func finish() throws -> [String: Int] {
    try send()
    try input.fileHandleForWriting.close()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw TestSupportError(
        "the replay failed: \((try? String(contentsOfFile: output + ".log", encoding: .utf8)) ?? "")")
    }
    let ledger = AlertLedger()
    for line in try Data(contentsOf: URL(fileURLWithPath: output), options: .mappedIfSafe).split(
      separator: 10)
    {
      ledger.note(Array(line))
    }
    return ledger.fingerprints
  }
}
