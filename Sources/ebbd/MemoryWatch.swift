import Foundation
import Logging
import Pipeline
import Settings
import Supervision
import Synchronization

/// Keeps the process within `memory.max`: looks at its memory a hundred times a second and turns the lanes' valve.
///
/// What is measured is the memory of the process that no file stands behind, and to it is added what the lanes' tables
/// take beside themselves when they grow next. Users are never dropped for want of memory.
final class MemoryWatch: Sendable {
  /// How things stand.
  struct Standing: Sendable {
    var used: Int64 = 0
    /// Of that, what tables are about to take while they grow.
    var reserved: Int64 = 0
    var maximum: Int64
    var step = MemoryStep.ample
    /// How often each step was entered.
    var entered: [MemoryStep: Int64] = [:]

    /// Per cent of the bound.
    var share: Int64 { used * 100 / maximum }
  }

  private struct State {
    var bound: MemoryBound
    var used: Int64 = 0
    var reserved: Int64 = 0
    var trimmedAt: Int64?
    var toldAt: [MemoryStep: Int64] = [:]
  }

  /// A recovery brings some hundred megabytes a second.
  private static let everyMilliseconds = 10
  /// Freed memory is asked back from the allocator no more often than this.
  private static let trimMilliseconds: Int64 = 10_000
  /// The same where it decides whether reading stops.
  private static let trimBeforeStopMilliseconds: Int64 = 500
  /// The same step is told of no more often than this.
  private static let tellMilliseconds: Int64 = 60_000

  let valve: InputValve
  private let log: Logger
  private let state: Mutex<State>

  /// - Parameter configured: `memory.max`, bytes; nil: `auto`.
  init(_ configured: Int?, valve: InputValve, log: Logger) {
    self.valve = valve
    self.log = log
    state = Mutex(State(bound: MemoryBound(maximum: Self.maximum(configured, log))))
  }

  private static func maximum(_ configured: Int?, _ log: Logger) -> Int64 {
    let (limit, machine) = (ProcessMemory.groupLimit(), ProcessMemory.machineBytes)
    guard let configured else { return ProcessMemory.automaticMaximum(limit: limit, machine: machine) }
    let wall = min(limit ?? .max, machine)
    if Int64(configured) > wall {
      log.warning(
        """
        memory.max \(text(Int64(configured))) is more than the \(text(wall)) that this process can have (MemoryMax= of \
        the unit, or the machine): the kernel would end it first
        """)
    }
    return Int64(configured)
  }

  /// Takes another `memory.max`.
  func configure(_ configured: Int?) {
    let maximum = Self.maximum(configured, log)
    state.withLock { $0.bound.maximum = maximum }
    Self.prepareAllocator(for: maximum)
  }

  /// Below this a process has no memory to spare for what the allocator keeps of freed memory, which counts as used until
  /// it is asked back when memory runs short. Bytes.
  private static let small: Int64 = 512 << 20

  private static func prepareAllocator(for maximum: Int64) {
    if maximum < small { ProcessMemory.keepNothing() }
  }

  var standing: Standing {
    state.withLock {
      Standing(
        used: $0.used, reserved: $0.reserved, maximum: $0.bound.maximum, step: $0.bound.step,
        entered: $0.bound.entered)
    }
  }

  /// Why the process is not ready; nil: not for want of memory.
  var obstacle: String? {
    let standing = standing
    guard standing.step == .stopped else { return nil }
    return """
      memory: \(standing.share) % of memory.max \(Self.text(standing.maximum)) is in use, and nothing is read: raise it \
      (and MemoryMax= of the unit) and reload, or start another instance
      """
  }

  /// Begins to watch, on a thread of its own that nobody waits for.
  ///
  /// - Parameter lanes: their latest snapshots.
  func start(_ lanes: @escaping @Sendable () -> [LaneSnapshot]) {
    Self.prepareAllocator(for: standing.maximum)
    let thread = Thread { [self] in
      while true {
        look(reserved: Int64(lanes().reduce(0) { $0 + $1.growthBytes }))
        usleep(UInt32(Self.everyMilliseconds) * 1_000)
      }
    }
    thread.name = "ebb-memory"
    thread.start()
  }

  private func look(reserved: Int64) {
    let now = LaneClock.machine.monotonic()
    state.withLock { state in
      guard var anonymous = ProcessMemory.anonymousBytes() else { return }
      let next = state.bound.step(using: anonymous + reserved)
      let isStopping = next == .stopped && state.bound.step != .stopped
      let pause = isStopping ? Self.trimBeforeStopMilliseconds : Self.trimMilliseconds
      if next >= .heldBack, state.trimmedAt.map({ now - $0 >= pause }) ?? true {
        state.trimmedAt = now
        // Nothing more comes in while it takes its time.
        if next == .stopped { valve.shut() }
        ProcessMemory.trim()
        anonymous = ProcessMemory.anonymousBytes() ?? anonymous
      }
      state.used = anonymous + reserved
      state.reserved = reserved
      let before = state.bound.note(state.used)
      switch state.bound.step {
      case .ample, .warning: valve.open()
      case .heldBack: valve.narrow(nanosecondsPerRecord: state.bound.restPerRecord(using: state.used))
      case .stopped: valve.shut()
      }
      if let before { tell(before, now, &state) }
    }
  }

  private func tell(_ before: MemoryStep, _ now: Int64, _ state: inout State) {
    let step = state.bound.step
    if let last = state.toldAt[step], now - last < Self.tellMilliseconds { return }
    state.toldAt[step] = now
    let maximum = state.bound.maximum
    let stand =
      "memory: \(state.used * 100 / maximum) % of memory.max \(Self.text(maximum)) is in use (\(Self.text(state.used)))"
    let remedy = "raise memory.max (and MemoryMax= of the unit) and reload, or start another instance"
    switch step {
    case .ample: log.notice("\(stand): all is well again")
    case .warning where before > step: log.notice("\(stand): input flows again")
    case .warning:
      log.warning("\(stand): from 80 % on input is held back, from 90 % on nothing is read; \(remedy)")
    case .heldBack where before > step: log.warning("\(stand): input is read again, and held back; \(remedy)")
    case .heldBack: log.warning("\(stand): input is held back, and alerts come later; \(remedy)")
    case .stopped: log.error("\(stand): nothing is read any more, and no user is dropped; \(remedy)")
    }
  }

  static func text(_ bytes: Int64) -> String { "\(Console.grouped(bytes >> 20)) MiB" }
}
