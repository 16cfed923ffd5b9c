import Foundation
import Synchronization
import TestSupport

/// What the configuration of a daemon on a cluster says. Events lie in the past and all of them count, whatever the
/// clock says, so that `ebbd replay` of the same records must give the same alerts.
public struct ClusterConfiguration: Sendable {
  /// Where the daemon finds the brokers if it takes another way than the test, `host:port`, several separated by commas.
  public var brokers: String?
  public var lanes = 2
  /// Further lines of the section `kafka`, and further properties of the client.
  public var kafka: [String] = []
  public var properties: [String: String] = [:]
  public var state: [String: String] = [:]
  /// Where it is asked, or `off`.
  public var http = "off"
  /// Each one top-level line or more.
  public var lines: [String] = []
  /// Members of the section `time`, and of `alerts`.
  public var time = "tick_for: off"
  public var alerts = "max_age: off, anonymous: on"

  public init() {}

  /// A short session, so that partitions of those who are gone move soon.
  public static var shortSessions: ClusterConfiguration {
    var configuration = ClusterConfiguration()
    configuration.properties = ["session.timeout.ms": "6000", "heartbeat.interval.ms": "500"]
    return configuration
  }

  public func text(on ground: ClusterGround, instance: String) -> String {
    let state = state.merging(["directory": "\(ground.directory)/\(instance)"]) { own, _ in own }
    func members(_ map: [String: String]) -> String {
      map.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
    }
    return """
      kafka:
        brokers: [\((brokers ?? ground.brokers).split(separator: ",").map { "\"\($0)\"" }.joined(separator: ", "))]
        group: \(ground.group)
        instance: \(instance)
        properties: {\(members(properties))}
      \(kafka.map { "  \($0)\n" }.joined())topics: {input: \(ground.input), cart_alerts: \(ground.cart), \
      churn_alerts: \(ground.churn), dead_letters: \(ground.deadLetters), state: \(ground.state)}
      lanes: \(lanes)
      time: {\(time)}
      alerts: {\(alerts)}
      state: {\(members(state))}
      http: {listen: "\(http)"}
      \(lines.joined(separator: "\n"))

      """
  }

  /// Writes it for an instance; its path.
  @discardableResult
  public func write(on ground: ClusterGround, instance: String) throws -> String {
    let path = "\(ground.directory)/\(instance).yaml"
    try FileManager.default.createDirectory(
      atPath: "\(ground.directory)/\(instance)", withIntermediateDirectories: true)
    try text(on: ground, instance: instance).write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }
}

/// How an `ebbd` process of a test is found and started.
public enum Program {
  public static var environment: [String: String?] {
    ["EBB_MAPPINGS": Binaries.packageRoot + "/Config/mappings"]
  }

  /// In what surroundings it runs.
  public struct Surroundings: Sendable {
    /// Commands that end by becoming the program that is named behind them, such as `unshare -m`.
    public var wrapper: [String] = []
    /// Set over the usual.
    public var environment: [String: String?] = [:]

    public init(wrapper: [String] = [], environment: [String: String?] = [:]) {
      self.wrapper = wrapper
      self.environment = environment
    }
  }

  /// Starts `ebbd run`.
  public static func start(
    _ configuration: String, in surroundings: Surroundings = Surroundings()
  ) throws -> RunningProcess {
    let command = surroundings.wrapper + [try Binaries.path(of: "ebbd"), "run", "--config", configuration]
    return try RunningProcess(
      command[0].hasPrefix("/") ? command[0] : Binaries.tool(command[0]) ?? command[0],
      Array(command.dropFirst()), environment: environment.merging(surroundings.environment) { $1 })
  }
}

/// A daemon that is started again whenever it ends, as systemd does it, and that a test kills, stops and freezes.
public final class Instance: Sendable {
  private struct State {
    var process: RunningProcess?
    /// Logs of processes that have ended.
    var earlier: [String] = []
    var isWanted = false
    var endings: [String] = []
    var surroundings = Program.Surroundings()
  }

  public let name: String
  private let configuration: String
  private let state = Mutex(State())

  public init(
    _ name: String, on ground: ClusterGround, _ configuration: ClusterConfiguration,
    in surroundings: Program.Surroundings = Program.Surroundings()
  ) throws {
    self.name = name
    self.configuration = try configuration.write(on: ground, instance: name)
    state.withLock { $0.surroundings = surroundings }
  }

  /// What its next processes run in.
  public func move(to surroundings: Program.Surroundings) {
    state.withLock { $0.surroundings = surroundings }
  }

  deinit { kill9() }

  public func start() throws {
    let process = try Program.start(configuration, in: state.withLock { $0.surroundings })
    state.withLock { state in
      precondition(state.process == nil, "one process an instance")
      state.process = process
      state.isWanted = true
    }
  }

  /// Kills it without a word. The moment of it.
  @discardableResult
  public func kill9() -> ContinuousClock.Instant {
    let process = take()
    process?.send(SIGCONT)
    process?.send(SIGKILL)
    let moment = ContinuousClock.now
    if let process { keep(process) }
    return moment
  }

  /// Has it read its configuration again.
  public func hangUp() { state.withLock { $0.process }?.send(SIGHUP) }

  /// Asks it to end and waits; its exit status.
  @discardableResult
  public func stop(within limit: Duration = .seconds(30)) async throws -> Int32 {
    guard let process = take() else { return 0 }
    defer { keep(process) }
    return try await process.stop(within: limit).status
  }

  /// Stops time for it.
  public func freeze() { state.withLock { $0.process }?.send(SIGSTOP) }
  public func thaw() { state.withLock { $0.process }?.send(SIGCONT) }

  /// Starts it anew if it has ended by itself, and notes with which last words.
  public func revive() throws {
    guard let process = state.withLock({ $0.isWanted ? $0.process : nil }), !process.isRunning else { return }
    let last = process.lines(.error).last { !$0.isEmpty } ?? "nothing"
    state.withLock { state in
      state.endings.append(last)
      state.process = nil
    }
    keep(process)
    say("  instance \(name) ended by itself and is started again: \(last)")
    try start()
  }

  /// The present process's number.
  public var processIdentifier: Int32? { state.withLock { $0.process }?.processIdentifier }

  /// The last lines of processes that ended by themselves.
  public var endings: [String] { state.withLock { $0.endings } }

  public var isRunning: Bool { state.withLock { $0.process }?.isRunning ?? false }

  /// The present process's log.
  public var log: String { state.withLock { $0.process }?.text(.error) ?? "" }

  /// All logs, of processes that have ended too.
  public var logs: [String] {
    let (earlier, present) = state.withLock { ($0.earlier, $0.process) }
    return earlier + (present.map { [$0.text(.error)] } ?? [])
  }

  /// The partitions that the present process has by its own word.
  public var partitions: Set<Int32> { Self.partitions(inLog: log) }

  static func partitions(inLog log: String) -> Set<Int32> {
    var owned: Set<Int32> = []
    for line in log.split(separator: "\n") {
      if let list = Self.list(line, after: "assigned ") {
        owned.formUnion(list)
      } else if let list = list(line, after: "gave up partitions ") ?? list(line, after: "lost partitions ") {
        owned.subtract(list)
      }
    }
    return owned
  }

  /// The numbers behind a phrase: `assigned 2 partitions of TOPIC: 0, 3` or `gave up partitions 0, 3 of TOPIC`.
  private static func list(_ line: Substring, after phrase: String) -> [Int32]? {
    guard let place = line.range(of: phrase) else { return nil }
    var rest = line[place.upperBound...]
    if phrase == "assigned " {
      guard let colon = rest.range(of: ": ") else { return nil }
      rest = rest[colon.upperBound...]
    }
    return rest.prefix { $0.isNumber || $0 == "," || $0 == " " }.split { !$0.isNumber }.compactMap {
      Int32($0)
    }
  }

  private func take() -> RunningProcess? {
    state.withLock { state in
      defer { state.process = nil }
      state.isWanted = false
      return state.process
    }
  }

  private func keep(_ process: RunningProcess) {
    let log = process.text(.error)
    state.withLock { $0.earlier.append(log) }
  }
}
