import Pipeline

/// A lane's transactions, driven by the lane and between its turns, as a thread beside it would.
final class TransactionBox {
  let process: Process
  private let world: World
  private var driver: TransactionDriver<SimTransactions>
  private var done: CutProgress?
  private var failure: PipelineError?

  init(_ process: Process) {
    self.process = process
    world = process.world
    driver = TransactionDriver(SimTransactions(process))
  }

  var isReady: Bool { driver.isReady }

  /// Does up to so many things.
  func work(_ steps: Int) throws(PipelineError) {
    if let failure { throw failure }
    for _ in 0..<steps where done == nil {
      let step: TransactionDriver<SimTransactions>.Step
      do throws(PipelineError) {
        step = try driver.step()
      } catch {
        failure = error
        throw error
      }
      switch step {
      case .idle, .waiting: return
      case .worked: break
      case .committed(let number, let offsets):
        world.note("\(process): cut \(number.sequence) is committed")
        done = .committed(number, stateOffsets: offsets)
        try process.point(.cutCommitted)
      }
    }
  }

  func begin(_ cut: Cut) throws(PipelineError) {
    let cut = world.mutation.map { $0.change(cut, process) } ?? cut
    world.note("\(process): cut \(cut.number.sequence): \(cut.summary)")
    process.sendings = 0
    process.observe(cut)
    driver.begin(cut)
    try process.point(.cutBegun)
  }

  /// What the lane is told.
  func progress() -> CutProgress {
    guard let done else { return driver.isIdle ? .idle : .pending }
    self.done = nil
    return done
  }

  func abandon() {
    world.note("\(process): the cut in flight is given up")
    done = nil
    driver.abandon()
  }
}

/// The lane's side of it.
struct SimOutput: ~Copyable, OutputLog {
  let box: TransactionBox

  mutating func isReady() throws(PipelineError) -> Bool {
    try box.work(3)
    return box.isReady
  }

  mutating func begin(_ cut: Cut) throws(PipelineError) { try box.begin(cut) }

  mutating func progress(timeoutMilliseconds: Int32) throws(PipelineError) -> CutProgress {
    let world = box.process.world
    let until = world.now + Int64(timeoutMilliseconds)
    while true {
      try box.work(world.dice.number(1...5))
      let progress = box.progress()
      guard case .pending = progress, world.now < until else { return progress }
      try world.passInTurn(world.dice.number(1...20))
    }
  }

  mutating func abandon() { box.abandon() }
}

extension Cut {
  /// For the trace.
  var summary: String {
    sections.map { section in
      let metadata = (try? CommitMetadata(section.metadata)) ?? nil
      let point = metadata.map { "R \($0.recoveryPoint.offset), \($0.clockLog.entries.count) entries" } ?? "?"
      return "partition \(section.partition) to \(section.nextOffset) (\(point)), "
        + "\(section.records.count) records, \(section.state.count) of state"
    }.joined(separator: "; ")
  }
}
