import Pipeline
import Synchronization

/// Recovers a lane's partitions one after the other on a thread of its own, while the lane keeps its membership.
public struct ThreadedRecoverer<Source: RecoverySource & ~Copyable & SendableMetatype>: Recoverer, ~Copyable {
  /// What every recovery needs beside its source.
  public struct Options: Sendable {
    public var settings: LaneSettings
    public var snapshots: (any SnapshotReader)?
    /// Milliseconds of monotonic time.
    public var now: @Sendable () -> Int64
    public var laneNotice: @Sendable (LaneNotice) -> Void
    /// How far a long recovery is.
    public var kafkaNotice: @Sendable (KafkaNotice) -> Void
    /// While it is shut nothing is read.
    public var valve = InputValve()
    /// How often that is told.
    public var tellEveryMilliseconds: Int64 = 5_000

    public init(
      settings: LaneSettings, snapshots: (any SnapshotReader)? = nil, now: @escaping @Sendable () -> Int64,
      laneNotice: @escaping @Sendable (LaneNotice) -> Void,
      kafkaNotice: @escaping @Sendable (KafkaNotice) -> Void
    ) {
      self.settings = settings
      self.snapshots = snapshots
      self.now = now
      self.laneNotice = laneNotice
      self.kafkaNotice = kafkaNotice
    }
  }

  private let board = RecoveryBoard()
  private let worker = Worker()

  /// One step waits at most so long for records, milliseconds.
  private static var stepMilliseconds: Int32 { 100 }
  /// How long the end waits for the thread, milliseconds: longer than one question to the brokers takes.
  private static var closeMilliseconds: Int { 3_000 }

  /// Starts the thread.
  ///
  /// - Parameter makeSource: makes the source, on that thread.
  public init(
    _ options: Options, _ makeSource: @escaping @Sendable () throws(PipelineError) -> Source
  ) {
    let board = board
    let worker = worker
    worker.start {
      do throws(PipelineError) {
        try Self.work(options, makeSource, board, worker)
      } catch {
        board.fail(error)
      }
    }
  }

  deinit { worker.stop(withinMilliseconds: Self.closeMilliseconds) }

  private static func work(
    _ options: Options, _ makeSource: () throws(PipelineError) -> Source, _ board: RecoveryBoard,
    _ worker: Worker
  ) throws(PipelineError) {
    // At once, though nothing is ordered yet: while the lane joins its group, the clients find their brokers.
    var source = try makeSource()
    while !worker.isStopping {
      guard let (order, round) = board.next() else {
        worker.waitForWork()
        continue
      }
      do throws(PipelineError) {
        try recover(order, round, options, &source, board, worker)
      } catch {
        // Who has lost the partition is not ended by what was wrong with it.
        if board.isCurrent(round) { throw error }
      }
      source.close()
    }
  }

  private static func recover(
    _ order: RecoveryOrder, _ round: Int, _ options: Options, _ source: inout Source, _ board: RecoveryBoard,
    _ worker: Worker
  ) throws(PipelineError) {
    var recovery = Recovery<Source>(
      order, settings: options.settings, snapshots: options.snapshots, now: options.now,
      notify: options.laneNotice,
      mayGoOn: {
        while options.valve.isShut, !worker.isStopping, board.isCurrent(round) { worker.rest() }
        return !worker.isStopping && board.isCurrent(round)
      })
    var pace = RecoveryPace(now: options.now(), everyMilliseconds: options.tellEveryMilliseconds)
    while !worker.isStopping, board.isCurrent(round) {
      if options.valve.isShut {
        worker.rest()
        continue
      }
      if let result = try recovery.step(&source, timeoutMilliseconds: stepMilliseconds) {
        return board.finish(result, round)
      }
      let progress = recovery.progress
      board.report(progress, round)
      if let text = pace.sentence(for: progress, at: options.now()) {
        options.kafkaNotice(KafkaNotice(.info, text))
      }
    }
  }

  public mutating func begin(_ orders: [RecoveryOrder]) {
    board.add(orders)
    worker.wake()
  }

  public mutating func cancel() { board.cancel() }

  public mutating func take() throws(PipelineError) -> [RecoveryResult] { try board.take() }

  public var progress: [RecoveryProgress] { board.progress }
}

/// How fast a recovery is, and when to say so.
struct RecoveryPace {
  private let everyMilliseconds: Int64
  private var toldAt: Int64
  private var phase = RecoveryProgress.Phase.waiting
  private var phaseBegan: Int64
  private var phaseFirst: Int64 = 0

  init(now: Int64, everyMilliseconds: Int64) {
    self.everyMilliseconds = everyMilliseconds
    toldAt = now
    phaseBegan = now
  }

  /// What to say now; nil: nothing. A short recovery says nothing but its end.
  mutating func sentence(for progress: RecoveryProgress, at now: Int64) -> String? {
    if progress.phase != phase {
      phase = progress.phase
      phaseBegan = now
      phaseFirst = progress.done
    }
    guard now - toldAt >= everyMilliseconds else { return nil }
    toldAt = now
    let what: String
    switch progress.phase {
    case .waiting: what = "waiting for the brokers' answers"
    case .snapshot: what = "reading its snapshot"
    case .state: what = "reading its state"
    case .replay: what = "replaying its input"
    }
    let head = "recovering partition \(progress.partition): \(what)"
    let seconds = progress.elapsedMilliseconds / 1_000
    guard progress.total > 0 else { return "\(head), for \(seconds) s now" }
    let done = "\(head), \(progress.done) of \(progress.total) offsets"
    let made = progress.done - phaseFirst
    guard made > 0, progress.done < progress.total else { return "\(done), for \(seconds) s now" }
    let left = Double(progress.total - progress.done) * Double(now - phaseBegan) / Double(made) / 1_000
    return "\(done), about \(max(1, Int64(left.rounded()))) s left"
  }
}

/// Where the lane and the thread that recovers leave things for each other.
private final class RecoveryBoard: Sendable {
  private struct State: Sendable {
    /// Counts cancellations: what belongs to an earlier round is dropped.
    var round = 0
    var orders: [RecoveryOrder] = []
    var inWork: RecoveryProgress?
    var results: [RecoveryResult] = []
    var failure: PipelineError?
  }

  private let shared = Mutex(State())

  func next() -> (RecoveryOrder, Int)? {
    shared.withLock { state in
      guard !state.orders.isEmpty else { return nil }
      return (state.orders.removeFirst(), state.round)
    }
  }

  func isCurrent(_ round: Int) -> Bool { shared.withLock { $0.round == round } }

  func report(_ progress: RecoveryProgress, _ round: Int) {
    shared.withLock { if $0.round == round { $0.inWork = progress } }
  }

  func finish(_ result: RecoveryResult, _ round: Int) {
    shared.withLock { state in
      guard state.round == round else { return }
      state.results.append(result)
      state.inWork = nil
    }
  }

  func fail(_ error: PipelineError) { shared.withLock { $0.failure = error } }

  func add(_ orders: [RecoveryOrder]) { shared.withLock { $0.orders += orders } }

  func cancel() {
    shared.withLock { state in
      state.round += 1
      state.orders.removeAll()
      state.results.removeAll()
      state.inWork = nil
    }
  }

  func take() throws(PipelineError) -> [RecoveryResult] {
    let (results, failure) = shared.withLock { state in
      defer { state.results.removeAll() }
      return (state.results, state.failure)
    }
    if let failure { throw failure }
    return results
  }

  var progress: [RecoveryProgress] { shared.withLock { $0.inWork.map { [$0] } ?? [] } }
}
