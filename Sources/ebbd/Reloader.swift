import Foundation
import Logging
import Pipeline
import Settings
import Synchronization
import Telemetry

/// Applies a changed configuration file while the daemon runs: what can be, all of it at once, or nothing if anything in
/// the file is wrong.
final class Reloader: Sendable {
  private struct State {
    var current: LoadedConfiguration
    var fleet: LaneFleet?
    /// The version that has been announced and that not all lanes decide by yet.
    var awaited: String?
  }

  private let path: String
  private let log: Logger
  private let control: LogControl
  private let memory: MemoryWatch
  private let state: Mutex<State>

  init(_ setup: LoadedConfiguration, path: String, log: Logger, control: LogControl, memory: MemoryWatch) {
    self.path = path
    self.log = log
    self.control = control
    self.memory = memory
    state = Mutex(State(current: setup))
  }

  /// Makes the lanes, of the configuration as it is now: from then on they are told of changes.
  func makeFleet(_ make: (LoadedConfiguration) -> LaneFleet) -> LaneFleet {
    state.withLock { state in
      let fleet = make(state.current)
      state.fleet = fleet
      return fleet
    }
  }

  /// Reads the file again.
  ///
  /// - Returns: the name of the configuration that decides from now on.
  func reload() -> String {
    state.withLock { state in
      if let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int, size == 0 {
        log.error(
          """
          \(path) is empty, as a file is that is just being written, and would set every option to its default: nothing \
          was changed; if that is meant, write {} into it
          """)
        return state.current.configVersion
      }
      let read = LoadedConfiguration.read(path)
      for finding in read.findings where finding.severity == .warning { log.warning("\(finding)") }
      guard let file = read.loaded else {
        for finding in read.findings where finding.severity == .error { log.error("\(finding)") }
        if let problem = read.problem { log.error("\(problem)") }
        log.error("\(path) cannot be used as it is: nothing was changed")
        return state.current.configVersion
      }
      let before = state.current
      let changes = before.configuration.changes(to: file.configuration)
      state.current = before.reloaded(from: file)
      let level = state.current.configuration.log.swiftLevel
      // Who is to say less from now on says this once more.
      control.level = min(level, before.configuration.log.swiftLevel)
      control.format = state.current.configuration.log.output
      state.fleet?.configure(state.current)
      memory.configure(state.current.configuration.memory.maxBytes)
      tell(changes, before, &state)
      control.level = level
      return state.current.configVersion
    }
  }

  private func tell(_ changes: [OptionChange], _ before: LoadedConfiguration, _ state: inout State) {
    var parts = changes.filter { !$0.needsRestart }.map(\.description)
    let hasOtherText = state.current.mappingText != before.mappingText
    if hasOtherText, !changes.contains(where: { $0.path == "input.mapping" }) {
      parts.append("the text of input.mapping \(state.current.configuration.input.mapping)")
    }
    var sentence = "reloaded \(path): " + (parts.isEmpty ? "nothing to apply" : parts.joined(separator: ", "))
    let waiting = changes.filter(\.needsRestart)
    if changes.isEmpty, parts.isEmpty { sentence = "reloaded \(path): nothing has changed" }
    if !waiting.isEmpty {
      sentence += "; waits for a restart: " + waiting.map(\.description).joined(separator: ", ")
    }
    let version = state.current.configVersion
    if version != before.configVersion {
      sentence += "; config_version \(before.configVersion) -> \(version)"
      state.awaited = version
    }
    log.notice("\(sentence)")
  }

  /// Once a second: tells when all lanes decide by what was announced.
  func secondPassed(_ lanes: [LaneSnapshot]) {
    state.withLock { state in
      guard let version = state.awaited,
        lanes.allSatisfy({ $0.configVersion == version && $0.changing == 0 && $0.waiting == 0 })
      else { return }
      state.awaited = nil
      log.notice("config_version \(version) decides on all partitions")
    }
  }
}
