import Dispatch
import Foundation
import Logging
import Pipeline
import Supervision
import Synchronization
import Triggers

/// Keeps systemd informed, if it listens (`Type=notify`): more time while the brokers cannot be reached, READY once
/// every lane has joined its group, a sentence on how things stand, and signs of life as long as all lanes give theirs.
final class ServiceReporter: Sendable {
  private let service: ServiceManager?
  private let log: Logger
  private let state = Mutex(State())

  private struct State {
    var isReady = false
    var isStopping = false
    var watchdog: Watchdog?
    var areStuck: [Int] = []
    var seconds = 0
    var lastRecords: Int64 = 0
  }

  /// The sentence is told anew after so many seconds.
  private static let sentenceSeconds = 5
  /// While it starts or stops, each second asks for so much more time, milliseconds.
  private static let moreTimeMilliseconds = 15_000

  /// - Parameter service: nil: nobody listens.
  init(service: ServiceManager?, log: Logger) {
    self.service = service
    self.log = log
    // A lane that is silent for half of the limit gets no further sign of life in its name.
    if let limit = service?.watchdogMilliseconds {
      state.withLock { $0.watchdog = Watchdog(patienceMilliseconds: Int64(limit / 2)) }
    }
  }

  /// Calls `body` and asks for more time meanwhile, every second.
  func whileConnecting<Result, Failure>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    guard let service else { return try body() }
    // Not a timer: Dispatch keeps those on a thread that it asks a higher priority for, and complains in the journal
    // when a service may not have one.
    let isConnected = DispatchSemaphore(value: 0)
    let thread = Thread {
      repeat {
        service.tell(.moreTime(milliseconds: Self.moreTimeMilliseconds), .status("Connecting to the brokers"))
      } while isConnected.wait(timeout: .now() + 1) == .timedOut
    }
    thread.start()
    defer { isConnected.signal() }
    return try body()
  }

  /// The process has been asked to end.
  func stopping() {
    state.withLock { $0.isStopping = true }
    service?.tell(.stopping, .status("Stopping: finishing the cut in hand"))
  }

  /// Reads the configuration again within `body`.
  func whileReloading(_ body: () -> Void) {
    let isReady = state.withLock { $0.isReady && !$0.isStopping }
    if isReady { service?.tell(.reloading, .status("Reloading the configuration")) }
    body()
    if isReady { service?.tell(.ready) }
  }

  /// Once a second.
  ///
  /// - Parameter shortOf: why nothing is read; nil: it is.
  func secondPassed(_ lanes: [LaneSnapshot], beats: [UInt64], shortOf: String?) {
    guard let service else { return }
    state.withLock { state in
      state.seconds += 1
      if state.isStopping { return }
      if !state.isReady {
        guard lanes.allSatisfy({ $0.rebalances > 0 }) else {
          service.tell(
            .moreTime(milliseconds: Self.moreTimeMilliseconds), .status("Joining the consumer group"))
          return
        }
        state.isReady = true
        service.tell(.ready)
        log.info("ready: every lane has joined its group")
      }
      if state.watchdog != nil { judge(beats, service, &state) }
      if state.seconds % Self.sentenceSeconds == 1 {
        let total = lanes.total
        let rate = (total.records - state.lastRecords) / Int64(Self.sentenceSeconds)
        state.lastRecords = total.records
        let sentence = Self.sentence(total, perSecond: rate, withoutAnswer: lanes.withoutAnswer)
        service.tell(.status(shortOf.map { "\($0); \(sentence)" } ?? sentence))
      }
    }
  }

  private func judge(_ beats: [UInt64], _ service: ServiceManager, _ state: inout State) {
    let now = Int64(DispatchTime.now().uptimeNanoseconds / 1_000_000)
    let stuck = state.watchdog!.stuck(beats, now: now)
    if stuck.isEmpty {
      service.tell(.alive)
    } else if stuck != state.areStuck {
      let lanes = stuck.map(String.init).joined(separator: ", ")
      let seconds = state.watchdog!.patienceMilliseconds / 1_000
      log.critical("lane \(lanes) has given no sign of life for \(seconds) s; systemd is told nothing more")
      service.tell(.status("Lane \(lanes) is stuck"))
    }
    state.areStuck = stuck
  }

  /// How things stand, in one line for people.
  static func sentence(
    _ total: LaneSnapshot, perSecond rate: Int64, withoutAnswer: [Int] = []
  ) -> String {
    var parts: [String] = []
    if !withoutAnswer.isEmpty {
      parts.append("Waiting for the brokers (lane \(withoutAnswer.map(String.init).joined(separator: ", ")))")
    }
    if total.waiting > 0 {
      let all = total.waiting + total.partitions.count
      let share = total.recovering.share.map { " (\($0) %)" } ?? ""
      parts.append("recovering \(total.waiting) of \(all) partitions\(share)")
    }
    parts.append("\(Console.grouped(rate)) events/s")
    parts.append("\(total.partitions.count) partitions")
    parts.append("\(Console.grouped(Int64(total.users))) users")
    parts.append("\(Console.grouped(total.carts)) open carts")
    parts.append("watermark \(total.watermark.map { WireText.instant($0) } ?? "none")")
    let lags = total.standings.compactMap(\.lag)
    if !lags.isEmpty { parts.append("lag \(Console.grouped(lags.reduce(0, +))) records") }
    return parts.joined(separator: ", ")
  }
}
