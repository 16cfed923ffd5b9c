import Dispatch
import Pipeline
import Synchronization

/// The output port over a transactional log: drives its transactions on a thread of its own, so that the lane goes on
/// while a cut is being committed.
///
/// The lane's calls leave the cut for the thread, or look at what the thread has left; they wait for each other only
/// where the port says so. Errors come out of the lane's next call.
public struct ThreadedOutput<Log: TransactionLog & ~Copyable & SendableMetatype>: OutputLog, ~Copyable {
  private let board = OutputBoard()
  private let worker = Worker()

  /// How long giving up a cut waits for the call that is under way, milliseconds. The calls themselves end in less.
  private static var abandonMilliseconds: Int { 20_000 }
  /// How long the end waits for the thread, milliseconds.
  private static var closeMilliseconds: Int { 3_000 }
  /// Between two tries of a call that could not succeed, milliseconds.
  private static var pauseMilliseconds: Int { 5 }

  /// Starts the thread, which claims the log at once.
  ///
  /// - Parameter make: makes the log, on the thread that will drive it.
  public init(_ make: @escaping @Sendable () throws(PipelineError) -> Log) {
    let board = board
    let worker = worker
    worker.start {
      do throws(PipelineError) {
        try Self.drive(TransactionDriver(try make()), board, worker)
      } catch {
        board.fail(error)
      }
    }
  }

  deinit { worker.stop(withinMilliseconds: Self.closeMilliseconds) }

  private static func drive(
    _ driver: consuming TransactionDriver<Log>, _ board: OutputBoard, _ worker: Worker
  ) throws(PipelineError) {
    while !worker.isStopping {
      let (cut, isAbandoned) = board.takeOrders()
      if isAbandoned {
        driver.abandon()
        board.abandoned(isReady: driver.isReady)
      }
      if let cut { driver.begin(cut) }
      let step = try driver.step()
      switch step {
      case .idle:
        board.settle(isReady: driver.isReady)
        worker.waitForWork()
      case .worked: board.settle(isReady: driver.isReady)
      case .waiting: worker.waitForWork(milliseconds: pauseMilliseconds)
      case .committed(let number, let stateOffsets): board.commit(number, stateOffsets)
      }
    }
  }

  public mutating func isReady() throws(PipelineError) -> Bool {
    try board.state().isReady
  }

  public mutating func begin(_ cut: Cut) throws(PipelineError) {
    try board.begin(cut)
    worker.wake()
  }

  public mutating func progress(timeoutMilliseconds: Int32) throws(PipelineError) -> CutProgress {
    try board.progress(timeoutMilliseconds: timeoutMilliseconds)
  }

  public mutating func abandon() {
    guard board.abandon() else { return }
    worker.wake()
    board.waitForAbandon(milliseconds: Self.abandonMilliseconds)
  }
}

/// Where the lane and the thread that drives its transactions leave things for each other.
private final class OutputBoard: Sendable {
  struct State: Sendable {
    var isReady = false
    var failure: PipelineError?
    /// Begun and not yet told as committed.
    var isInFlight = false
    /// Left for the thread.
    var next: Cut?
    var mustAbandon = false
    /// Left for the lane.
    var committed: (number: CutNumber, stateOffsets: [Int32: Int64])?
    var isLaneWaiting = false
  }

  private let shared = Mutex(State())
  private let news = DispatchSemaphore(value: 0)

  // MARK: The thread's side

  func takeOrders() -> (cut: Cut?, isAbandoned: Bool) {
    shared.withLock { state in
      // An order to abandon came after the cut before it and before the one behind it.
      if state.mustAbandon { return (nil, true) }
      defer { state.next = nil }
      return (state.next, false)
    }
  }

  func abandoned(isReady: Bool) {
    change { state in
      state.mustAbandon = false
      state.isReady = isReady
    }
  }

  func settle(isReady: Bool) {
    shared.withLock { if !$0.mustAbandon { $0.isReady = isReady } }
  }

  func commit(_ number: CutNumber, _ stateOffsets: [Int32: Int64]) {
    change { state in
      // Given up meanwhile: nobody asks for it any more.
      if !state.mustAbandon { state.committed = (number, stateOffsets) }
    }
  }

  func fail(_ error: PipelineError) {
    change { state in
      state.failure = error
      state.mustAbandon = false
    }
  }

  private func change(_ body: (inout State) -> Void) {
    let wakes = shared.withLock { state in
      body(&state)
      defer { state.isLaneWaiting = false }
      return state.isLaneWaiting
    }
    if wakes { news.signal() }
  }

  // MARK: The lane's side

  func state() throws(PipelineError) -> State {
    let state = shared.withLock { $0 }
    if let failure = state.failure { throw failure }
    return state
  }

  func begin(_ cut: Cut) throws(PipelineError) {
    let failure = shared.withLock { state in
      precondition(!state.isInFlight, "a cut is in flight already")
      state.isInFlight = true
      state.next = cut
      return state.failure
    }
    if let failure { throw failure }
  }

  func progress(timeoutMilliseconds: Int32) throws(PipelineError) -> CutProgress {
    let deadline = DispatchTime.now() + .milliseconds(Int(timeoutMilliseconds))
    while true {
      let (answer, failure) = shared.withLock { state -> (CutProgress, PipelineError?) in
        if let failure = state.failure { return (.idle, failure) }
        guard state.isInFlight else { return (.idle, nil) }
        guard let committed = state.committed else {
          state.isLaneWaiting = timeoutMilliseconds > 0
          return (.pending, nil)
        }
        state.committed = nil
        state.isInFlight = false
        return (.committed(committed.number, stateOffsets: committed.stateOffsets), nil)
      }
      if let failure { throw failure }
      guard answer == .pending, timeoutMilliseconds > 0 else { return answer }
      if news.wait(timeout: deadline) == .timedOut {
        shared.withLock { $0.isLaneWaiting = false }
        if DispatchTime.now() >= deadline { return .pending }
      }
    }
  }

  /// Whether there is anything to wait for.
  func abandon() -> Bool {
    shared.withLock { state in
      guard state.isInFlight else { return false }
      state.isInFlight = false
      state.next = nil
      state.committed = nil
      guard state.failure == nil else { return false }
      state.mustAbandon = true
      state.isReady = false
      state.isLaneWaiting = true
      return true
    }
  }

  /// Until the thread is between two calls and has heard of it.
  func waitForAbandon(milliseconds: Int) {
    let deadline = DispatchTime.now() + .milliseconds(milliseconds)
    while shared.withLock({ state in
      if state.mustAbandon { state.isLaneWaiting = true }
      return state.mustAbandon
    }) {
      if news.wait(timeout: deadline) == .timedOut { return }
    }
  }
}
