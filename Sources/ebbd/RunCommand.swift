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
      SIGTERM or Ctrl-C finishes what is in hand, commits and leaves; a second one leaves at once. While the \
      brokers cannot be reached it says so and keeps trying. It ends by itself, with a non-zero exit code and the \
      reason as its last line, when only a person can help.
      """)

  @ArgumentParser.Option(name: .shortAndLong, help: "The configuration file.")
  var config = Settings.Configuration.defaultPath

  func run() throws {
    Signals.ignoreBrokenPipes()
    let setup = try LoadedConfiguration(path: config, command: "run")
    let configuration = setup.configuration
    let level = Logger.Level(rawValue: configuration.log.level.rawValue) ?? .info
    let format = configuration.log.output
    LoggingSystem.bootstrap { _ in LogOutput(format: format, level: level) }
    let log = Logger(label: "ebbd")

    let properties: ClientProperties
    do throws(SettingsError) {
      properties = try setup.clientProperties()
    } catch {
      throw Console.failure("run", error)
    }
    let isStopping = Atomic<Bool>(false)
    let fleetBox = Mutex<LaneFleet?>(nil)
    do throws(SupervisionError) {
      try Signals.watch { signal in
        if signal == .hangUp {
          log.notice("SIGHUP: a changed configuration is applied by a restart; nothing was changed")
          return
        }
        log.notice("stopping: finishing the cut in hand; a second signal leaves at once")
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
    let notices = NoticeLog(log: log, inputTopic: configuration.topics.input)
    do throws(PipelineError) {
      let found = try Preflight.run(
        properties: properties, topics: configuration.topics.preflight,
        callbacks: ClientCallbacks(log: { notices.tell($0) }), notice: { notices.tell($0) },
        stop: { isStopping.load(ordering: .acquiring) })
      if found == nil { return log.notice("stopped") }
    } catch {
      log.critical("\(error)")
      throw ExitCode.failure
    }

    let fleet = LaneFleet(plan(setup, properties, notices))
    fleetBox.withLock { $0 = fleet }
    if isStopping.load(ordering: .acquiring) { fleet.stop() }
    let reporter = StatusReporter(fleet: fleet, log: log)
    let ended = DispatchSemaphore(value: 0)
    let outcome = Mutex<PipelineError?>(nil)
    fleet.start { error in
      outcome.withLock { $0 = error }
      ended.signal()
    }
    let watch = PartitionWatch()
    watch.start(properties: properties, topics: configuration.topics.preflight) { fleet.fail($0) }
    while ended.wait(timeout: .now() + 1) == .timedOut { reporter.secondPassed() }
    watch.stop()
    reporter.finish()
    if let error = outcome.withLock({ $0 }) {
      log.critical("\(error)")
      throw ExitCode.failure
    }
    log.notice("stopped")
  }

  private func plan(
    _ setup: LoadedConfiguration, _ properties: ClientProperties, _ notices: NoticeLog
  ) -> LaneFleet.Plan {
    LaneFleet.Plan(
      configuration: setup.configuration, epoch: setup.epoch, mapping: setup.mapping, properties: properties,
      instance: setup.configuration.kafka.instance ?? ProcessInfo.processInfo.hostName,
      lanes: setup.configuration.lanes.count, clock: .machine,
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
  /// The format on this terminal or journal.
  var output: LogOutput.Format {
    switch format {
    case .auto: .detected()
    case .journal: .journal
    case .terminal: .terminal
    }
  }
}
