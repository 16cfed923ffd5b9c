import Admin
import ArgumentParser
import Dispatch
import Foundation
import Kafka
import Logging
import Pipeline
import Settings
import Supervision
import Synchronization
import Telemetry
import Triggers

/// `ebbd run`: the daemon.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Runs the daemon: consumes the clickstream and writes alerts until it is told to stop.",
    discussion: """
      SIGTERM or Ctrl-C finishes what is in hand, commits and leaves; a second one leaves at once. SIGHUP reads the \
      configuration again and applies what can be applied without a restart; a bad file changes nothing. While the \
      brokers cannot be reached it says so and keeps trying. It ends by itself, with a non-zero exit code and the \
      reason as its last line, when only a person can help.
      """)

  @ArgumentParser.Option(name: .shortAndLong, help: "The configuration file.")
  var config = Settings.Configuration.defaultPath

  func run() throws {
    Signals.ignoreBrokenPipes()
    let setup = try LoadedConfiguration(path: config, command: "run")
    let configuration = setup.configuration
    let control = LogControl(level: configuration.log.swiftLevel, format: configuration.log.output)
    LoggingSystem.bootstrap { _ in LogOutput(control) }
    let log = Logger(label: "ebbd")

    let properties: ClientProperties
    let names: UserNames
    do throws(SettingsError) {
      properties = try setup.clientProperties()
      names = try UserNames(configuration.privacy)
    } catch {
      throw Console.failure("run", error)
    }
    let service: ServiceReporter
    do throws(SupervisionError) {
      service = ServiceReporter(
        service: try ServiceManager.named(in: ProcessInfo.processInfo.environment), log: log)
    } catch {
      throw Console.failure("run", error)
    }
    let memory = MemoryWatch(configuration.memory.maxBytes, valve: InputValve(), log: log)
    let view = ServiceView(
      identity(setup), memory: memory, configVersion: setup.configVersion, names: names,
      token: properties.tokenFile)
    let reloader = Reloader(setup, path: config, log: log, control: control, memory: memory)
    let isStopping = Atomic<Bool>(false)
    let fleetBox = Mutex<LaneFleet?>(nil)
    do throws(SupervisionError) {
      try Signals.watch { signal in
        if signal == .hangUp {
          service.whileReloading { view.configured(reloader.reload()) }
          return
        }
        log.notice("stopping: finishing the cut in hand; a second signal leaves at once")
        service.stopping()
        view.stopping()
        isStopping.store(true, ordering: .releasing)
        fleetBox.withLock { $0?.stop() }
      }
    } catch {
      throw Console.failure("run", error)
    }

    log.info(
      "starting",
      metadata: [
        "librdkafka": "\(LibraryVersion.current)", "mapping": "\(setup.mapping.name)",
        "config_version": "\(setup.configVersion)", "delivery": "\(configuration.delivery.rawValue)",
        "brokers": "\(configuration.kafka.brokers.joined(separator: ","))",
      ])
    let server = try serve(configuration.http, view, log)
    defer { server?.stop() }
    let notices = NoticeLog(log: log, inputTopic: configuration.topics.input)
    do throws(PipelineError) {
      let found = try service.whileConnecting { () throws(PipelineError) in
        try Preflight.run(
          properties: properties, topics: configuration.topics.preflight,
          callbacks: ClientCallbacks(log: { notices.tell($0) }), notice: { notices.tell($0) },
          stop: { isStopping.load(ordering: .acquiring) })
      }
      if found == nil { return log.notice("stopped") }
    } catch {
      log.critical("\(error)")
      throw ExitCode.failure
    }

    let fleet = reloader.makeFleet { LaneFleet(plan($0, properties, notices, memory)) }
    fleetBox.withLock { $0 = fleet }
    memory.start { fleet.snapshots }
    view.begins(fleet)
    if isStopping.load(ordering: .acquiring) { fleet.stop() }
    let reporter = StatusReporter(fleet: fleet, log: log)
    let ended = DispatchSemaphore(value: 0)
    let outcome = Mutex<PipelineError?>(nil)
    fleet.start { error in
      outcome.withLock { $0 = error }
      ended.signal()
    }
    if let after = ProcessInfo.processInfo.environment["EBB_STALL_LANE_AFTER_SECONDS"].flatMap(Double.init) {
      log.critical("EBB_STALL_LANE_AFTER_SECONDS is set: this is a test, and a lane will be stuck")
      DispatchQueue.global().asyncAfter(deadline: .now() + after) { fleet.stallLane() }
    }
    let watch = PartitionWatch()
    watch.start(properties: properties, topics: configuration.topics.preflight) { fleet.fail($0) }
    while ended.wait(timeout: .now() + 1) == .timedOut {
      reporter.secondPassed()
      reloader.secondPassed(fleet.snapshots)
      view.secondPassed(fleet.snapshots, beats: fleet.beats)
      service.secondPassed(fleet.snapshots, beats: fleet.beats, shortOf: memory.obstacle)
    }
    watch.stop()
    reporter.finish()
    if let error = outcome.withLock({ $0 }) {
      log.critical("\(error)")
      throw ExitCode.failure
    }
    log.notice("stopped")
  }

  private func identity(_ setup: LoadedConfiguration) -> ServiceView.Identity {
    let configuration = setup.configuration
    return ServiceView.Identity(
      version: Ebbd.configuration.version, group: configuration.kafka.group,
      instance: Self.instance(configuration), inputTopic: configuration.topics.input,
      delivery: configuration.delivery.rawValue, readyLag: Int64(configuration.http.readyLag))
  }

  /// Serves what the configuration says; nil: nothing.
  private func serve(_ http: HTTPSettings, _ view: ServiceView, _ log: Logger) throws -> AdminServer? {
    guard let listen = http.listen else { return nil }
    do {
      let token = try http.token?.read(
        credentials: ProcessInfo.processInfo.environment["CREDENTIALS_DIRECTORY"])
      let server = try AdminServer.start(
        AdminServer.Options(host: listen.host, port: listen.port, token: token?.value, names: http.names),
        source: view, log: log)
      log.info("serving at http://\(ListenAddress(host: listen.host, port: server.port))")
      return server
    } catch {
      throw Console.failure("run", error)
    }
  }

  private static func instance(_ configuration: Settings.Configuration) -> String {
    if let instance = configuration.kafka.instance { return instance }
    // ebbd@.service sets it, as the host's name alone would be the same for all of its instances.
    if let given = ProcessInfo.processInfo.environment["EBB_INSTANCE"], !given.isEmpty { return given }
    return ProcessInfo.processInfo.hostName
  }

  private func plan(
    _ setup: LoadedConfiguration, _ properties: ClientProperties, _ notices: NoticeLog, _ memory: MemoryWatch
  ) -> LaneFleet.Plan {
    LaneFleet.Plan(
      configuration: setup.configuration, epoch: setup.epoch, mapping: setup.mapping, properties: properties,
      instance: Self.instance(setup.configuration),
      lanes: setup.configuration.lanes.count, clock: .machine,
      valve: memory.valve, memoryBytes: memory.standing.maximum,
      callbacks: ClientCallbacks(log: { notices.tell($0) }),
      kafkaNotice: { notices.tell($0) }, laneNotice: { notices.tell($0) })
  }
}

extension Settings.Lanes {
  /// Lanes on this machine.
  var count: Int {
    switch self {
    case .auto: ProcessInfo.processInfo.activeProcessorCount
    case .fixed(let count): count
    }
  }
}

extension LogSettings {
  /// The same, for the logging library.
  var swiftLevel: Logger.Level { Logger.Level(rawValue: level.rawValue) ?? .info }

  /// The format on this terminal or journal.
  var output: LogOutput.Format {
    switch format {
    case .auto: .detected()
    case .journal: .journal
    case .terminal: .terminal
    }
  }
}
