import ClusterSupport
import Foundation
import Kafka
import TestSupport

/// One program with its settings that is measured beside others, written as `bare` or `ebbd`, then a colon and
/// settings with commas between them: `ebbd:lanes=2,state.max_replay=5000000,fetch.max.bytes=65536`.
///
/// | setting | meaning |
/// |---|---|
/// | `cpus=0-1` | the processors that it may run on, by `taskset` |
/// | `env.NAME=VALUE` | a variable of its environment, such as `LD_PRELOAD` |
/// | `lanes=N` | of the daemon |
/// | `delivery=exactly-once` | of the daemon, as any `SECTION.NAME=VALUE` where the section is commit or state |
/// | `call`, `batch`, `fetch-bytes` | options of the bare consumer |
/// | `NAME=VALUE` | any librdkafka property |
struct Contestant: Sendable {
  enum Kind: String, Sendable { case bare, ebbd }

  /// What one run took, from the first record on.
  struct Took: Sendable {
    var events: Int64
    var seconds: Double
    /// All threads' processor time in that span, seconds.
    var processor: Double
    /// Of the daemon: until partitions were assigned, and from the last record to its end (with the last flush of
    /// all users).
    var startProcessor = 0.0
    var endProcessor = 0.0

    var nanosecondsPerEvent: Double { processor / Double(max(events, 1)) * 1e9 }
    var eventsPerSecond: Double { Double(events) / seconds }
  }

  let kind: Kind
  let text: String
  private var settings: [(name: String, value: String)] = []

  init(_ text: String) throws {
    self.text = text
    let head = text.prefix { $0 != ":" }
    guard let kind = Kind(rawValue: String(head)) else {
      throw TestSupportError("'\(text)' is no contestant: it begins with bare or ebbd")
    }
    self.kind = kind
    for part in text.dropFirst(head.count + 1).split(separator: ",") {
      guard let sign = part.firstIndex(of: "=") else {
        guard !settings.isEmpty else {
          throw TestSupportError("'\(part)' in '\(text)' is no setting: NAME=VALUE")
        }
        // More of a value with commas in it.
        settings[settings.count - 1].value += ",\(part)"
        continue
      }
      settings.append((String(part[..<sign]), String(part[part.index(after: sign)...])))
    }
  }

  var lanes: Int { Int(self["lanes"] ?? "1") ?? 1 }

  private subscript(name: String) -> String? { settings.last { $0.name == name }?.value }

  private var environment: [String: String?] {
    var variables = Program.environment
    for (name, value) in settings where name.hasPrefix("env.") {
      variables[String(name.dropFirst(4))] = value
    }
    return variables
  }

  /// As short as brokers take it, so that groups can soon be removed.
  private static let sessionMilliseconds = "6000"
  private static let options: Set<String> = ["call", "batch", "fetch-bytes"]
  private static let sections = ["commit", "state"]

  /// Properties for the library: what is nothing else.
  private var properties: [(name: String, value: String)] {
    settings.filter { setting in
      !setting.name.hasPrefix("env.") && !Self.options.contains(setting.name)
        && !["lanes", "cpus", "delivery"].contains(setting.name)
        && !Self.sections.contains { setting.name.hasPrefix($0 + ".") }
    }
  }

  private func start(_ program: String, _ arguments: [String]) throws -> RunningProcess {
    var command = [try Binaries.path(of: program)] + arguments
    if let cpus = self["cpus"] {
      guard let taskset = Binaries.tool("taskset") else {
        throw TestSupportError("cpus= needs taskset, of util-linux")
      }
      command = [taskset, "--cpu-list", cpus] + command
    }
    return try RunningProcess(command[0], Array(command.dropFirst()), environment: environment)
  }

  // MARK: The bare consumer

  /// Runs the bare consumer over the input; what it took, and what it printed.
  func runBare(_ topics: BenchTopics, events: Int) async throws -> (Took, output: String) {
    var arguments = ["--brokers", topics.brokers, "--topic", topics.input, "--events", "\(events)"]
    for name in Self.options { if let value = self[name] { arguments += ["--" + name, value] } }
    for (name, value) in properties { arguments += ["--set", "\(name)=\(value)"] }
    let finished = try await start("bare-consumer", arguments).finish(within: .seconds(400))
    guard finished.status == 0 else { throw TestSupportError("\(text) failed: \(finished.error)") }
    func field(_ name: String) throws -> Double {
      let fields = finished.output.split { $0 == " " || $0 == "\n" }
      guard let found = fields.first(where: { $0.hasPrefix(name + "=") }),
        let value = Double(found.dropFirst(name.count + 1))
      else { throw TestSupportError("\(text) printed no \(name):\n\(finished.output)") }
      return value
    }
    let took = Took(
      events: Int64(try field("events")), seconds: try field("seconds"), processor: try field("cpu_seconds"))
    return (took, finished.output)
  }

  // MARK: The daemon

  /// Runs `ebbd run` over the input until it has committed all of it, then ends it.
  ///
  /// Measured is from the moment at which its partitions are assigned to the one at which its committed offsets
  /// reach the end: what the processor's clock of that process says then, less what it said before.
  func runDaemon(
    _ topics: BenchTopics, _ outputs: BenchTopics.Outputs, events: Int, isExactlyOnce: Bool
  ) async throws -> Took {
    let path = "\(topics.directory)/\(outputs.prefix).yaml"
    try configuration(topics, outputs, isExactlyOnce)
      .write(toFile: path, atomically: true, encoding: .utf8)
    if isExactlyOnce { try takeSeats(topics, group: outputs.prefix) }
    let childrenBefore = Self.processorOfChildren()
    let process = try start("ebbd", ["run", "--config", path])
    let clock = try ProcessorClock(process.processIdentifier)
    try await process.wait(for: .error, within: .seconds(60)) { log in
      log.ranges(of: "assigned ").count >= lanes
    }
    let processorBefore = try clock.seconds()
    let began = ContinuousClock.now
    let first = try topics.committed(group: outputs.prefix)
    var last = first
    while last < events {
      guard process.isRunning, ContinuousClock.now - began < .seconds(300) else {
        let finished = try await process.stop()
        throw TestSupportError(
          "\(text) has committed \(last) of \(events) and no more:\n\(finished.error.suffix(3_000))")
      }
      try await Task.sleep(for: .milliseconds(5))
      last = try topics.committed(group: outputs.prefix)
    }
    let processor = try clock.seconds()
    let seconds = (ContinuousClock.now - began) / .seconds(1)
    let finished = try await process.stop()
    guard finished.status == 0 else {
      throw TestSupportError("\(text) ended with \(finished.status):\n\(finished.error.suffix(3_000))")
    }
    return Took(
      events: last - first, seconds: seconds, processor: processor - processorBefore,
      startProcessor: processorBefore,
      endProcessor: Self.processorOfChildren() - childrenBefore - processor)
  }

  private func configuration(
    _ topics: BenchTopics, _ outputs: BenchTopics.Outputs, _ isExactlyOnce: Bool
  ) -> String {
    func members(_ section: String, _ more: [(name: String, value: String)] = []) -> String {
      let own = settings.filter { $0.name.hasPrefix(section + ".") }
        .map { (name: String($0.name.dropFirst(section.count + 1)), value: $0.value) }
      return (more + own).map { "\($0.name): \($0.value)" }.joined(separator: ", ")
    }
    return """
      kafka:
        brokers: [\(topics.brokers.split(separator: ",").map { "\"\($0)\"" }.joined(separator: ", "))]
        group: \(outputs.prefix)
        instance: bench
        properties: {\(([("session.timeout.ms", Self.sessionMilliseconds)] + properties)
        .map { "\($0.0): \"\($0.1)\"" }.joined(separator: ", "))}
      topics: {input: \(topics.input), cart_alerts: \(outputs.cart), churn_alerts: \(outputs.churn), \
      dead_letters: \(outputs.deadLetters), state: \(outputs.state)}
      lanes: \(lanes)
      delivery: \(self["delivery"] ?? (isExactlyOnce ? "exactly-once" : "at-least-once"))
      http: {listen: off}
      commit: {\(members("commit"))}
      state: {\(members("state", [("directory", "off")]))}

      """
  }

  /// Joins the group under the lanes' names and stays a member, so that the daemon finds each lane's share ready.
  /// Otherwise the first lane would read everything while the second one joins.
  private func takeSeats(_ topics: BenchTopics, group: String) throws {
    guard lanes > 1 else { return }
    final class Seat {
      var consumer: Consumer
      var partitions = 0
      init(_ consumer: consuming Consumer) { self.consumer = consumer }
    }
    var properties = topics.properties
    properties["heartbeat.interval.ms"] = "100"
    properties["session.timeout.ms"] = Self.sessionMilliseconds
    let seats = try (0..<lanes).map { lane in
      let seat = Seat(try Consumer(properties: properties, group: group, instance: "bench-\(lane)"))
      try seat.consumer.subscribe([topics.input])
      return seat
    }
    let deadline = ContinuousClock.now + .seconds(30)
    let least = topics.partitions / lanes
    while !seats.allSatisfy({ $0.partitions >= least })
      || seats.reduce(0, { $0 + $1.partitions }) != topics.partitions
    {
      guard ContinuousClock.now < deadline else {
        throw TestSupportError("the lanes do not get their partitions")
      }
      for seat in seats {
        switch seat.consumer.poll(timeoutMilliseconds: 20) {
        case .assigned(let partitions, _):
          try seat.consumer.assign([])
          seat.partitions = partitions.count
        case .revoked, .lost:
          try seat.consumer.unassign()
          seat.partitions = 0
        case .nothing, .batch, .trouble: break
        }
      }
    }
    for seat in seats { seat.consumer.close(timeoutMilliseconds: 5_000) }
  }

  private static func processorOfChildren() -> Double {
    var usage = rusage()
    unsafe getrusage(Int32(RUSAGE_CHILDREN.rawValue), &usage)
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
  }
}

/// The clock of another process's processor time, all its threads, in nanoseconds' resolution.
struct ProcessorClock {
  private let clock: clockid_t

  init(_ process: Int32) throws {
    var clock = clockid_t()
    guard unsafe clock_getcpuclockid(process, &clock) == 0 else {
      throw TestSupportError("process \(process) has no processor clock")
    }
    self.clock = clock
  }

  func seconds() throws -> Double {
    var time = timespec()
    guard unsafe clock_gettime(clock, &time) == 0 else {
      throw TestSupportError("the process is gone, and its processor clock with it")
    }
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
