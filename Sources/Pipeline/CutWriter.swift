/// One cut's way through a transaction, as a pure state machine: what happened goes in, what to do next comes out.
///
/// ```
///              ┌──────────────── new producer ◄────────────────┐
///              ▼                                                │
///  initializing ─► idle ─► beginning ─► writing ─► flushing ─► offsets ─► committing ─► committed
///                    ▲         ▲           │          │          │            │ outcome unknown
///                    │         │           └──────────┴──────────┴─ abortable │
///                    │         └─────────────── aborting ◄───────────┘        ▼
///                    │                                                 new producer, reading back:
///                    │        this cut's number: committed;  the one before: beginning;  another: lost
///                    └─ abandon: aborting, no more
/// ```
/// The same error that is not passing, twice in a row for one cut, ends it with its sentence, and so do very many
/// errors that would pass: a lane that waits for its cut hears nothing of its group, and if the group has gone on
/// without it, the offsets will never be taken. Every wait is short: the driver decides how often to come back.
struct CutWriter: Sendable {
  enum Action: Sendable, Hashable {
    case initialize, begin
    case write(section: Int, record: Int)
    case flush, sendOffsets, commit, abort
    case readBack
    /// Nothing to do until a cut comes.
    case rest
    /// The cut is safe.
    case committed
    /// Wait a moment, then the next action.
    case pause
  }

  enum Outcome: Sendable {
    case done
    /// No room, or not acknowledged yet.
    case notYet
    case failed(TransactionError)
    /// Numbers that the offsets bear; nil: nothing is committed, or not by us.
    case found([Int32: CutNumber?])
  }

  private enum Stage: Sendable, Hashable {
    case initializing, idle, beginning, writing(section: Int, record: Int), flushing, offsets, committing
    /// The cut, if there still is one, is then sent anew.
    case aborting
    /// A producer is to be made because the outcome is unknown.
    case renewing
    case readingBack
    case committed
  }

  private var stage = Stage.initializing
  private(set) var cut: Cut?
  /// The last error that was not passing, of this cut.
  private var lastError: String?
  /// How often this cut was aborted.
  private var aborts = 0
  private var mustPause = false

  /// After so many aborts nothing can be expected of another. The port over Kafka waits between those that the group
  /// is the cause of; together they take longer than the group's news do.
  static let mostAborts = 100

  /// Dead letters are cut down to these lengths one after the other when a cut is refused for its size, bytes.
  private static let shorterDeadLetters = [768 << 10, 64 << 10, 1 << 10]

  init() {}

  var isReady: Bool { stage != .initializing }
  var isIdle: Bool { cut == nil && (stage == .idle || stage == .initializing) }

  mutating func begin(_ cut: Cut) {
    precondition(self.cut == nil, "a cut is in flight already")
    self.cut = cut
    lastError = nil
    aborts = 0
    mustPause = false
    if stage == .idle { stage = .beginning }
  }

  /// The partitions are gone or handed over: nothing more of the cut is sent.
  mutating func abandon() {
    guard cut != nil else { return }
    cut = nil
    switch stage {
    case .idle, .initializing, .aborting: break
    case .beginning: stage = .idle
    case .writing, .flushing, .offsets: stage = .aborting
    // Its end is under way. A new producer ends the transaction, one way or the other, before the next begins.
    case .committing, .renewing, .readingBack: stage = .initializing
    case .committed: stage = .idle
    }
  }

  /// The cut was told of as committed.
  mutating func finish() {
    cut = nil
    stage = .idle
  }

  var next: Action {
    if mustPause { return .pause }
    switch stage {
    case .initializing, .renewing: return .initialize
    case .idle: return .rest
    case .beginning: return .begin
    case .writing(let section, let record): return .write(section: section, record: record)
    case .flushing: return .flush
    case .offsets: return .sendOffsets
    case .committing: return .commit
    case .aborting: return .abort
    case .readingBack: return .readBack
    case .committed: return .committed
    }
  }

  /// What became of `next`.
  mutating func happened(_ outcome: Outcome) throws(PipelineError) {
    if mustPause {
      mustPause = false
      return
    }
    switch outcome {
    case .done: try advance()
    case .notYet: mustPause = stage != .flushing
    case .failed(let error): try fail(error)
    case .found(let numbers): try compare(numbers)
    }
  }

  private mutating func advance() throws(PipelineError) {
    switch stage {
    case .initializing: stage = cut == nil ? .idle : .beginning
    case .renewing: stage = .readingBack
    case .beginning: stage = place(section: 0, record: 0)
    case .writing(let section, let record): stage = place(section: section, record: record + 1)
    case .flushing: stage = .offsets
    case .offsets: stage = .committing
    case .committing: stage = .committed
    case .aborting: stage = cut == nil ? .idle : .beginning
    case .idle, .readingBack, .committed: break
    }
  }

  /// Where the record with this number stands, or what follows when there is none.
  private func place(section: Int, record: Int) -> Stage {
    guard let cut else { return .aborting }
    var section = section
    var record = record
    while section < cut.sections.count {
      if record < cut.sections[section].records.count + cut.sections[section].state.count {
        return .writing(section: section, record: record)
      }
      section += 1
      record = 0
    }
    return .flushing
  }

  private mutating func fail(_ error: TransactionError) throws(PipelineError) {
    if error.class == .fatal { throw error.sentence }
    if error.class == .retriable {
      mustPause = true
      return
    }
    if error.isTooLarge, shorten() {
      stage = .aborting
      return
    }
    if cut != nil, error.class == .abortable {
      // Passing trouble at another place in between makes it another story.
      aborts += 1
      if lastError == error.name || aborts > Self.mostAborts { throw error.sentence }
      lastError = error.name
    }
    switch (stage, error.class) {
    case (.committing, .unknownOutcome): stage = .renewing
    case (.initializing, _), (.renewing, _), (.readingBack, _):
      mustPause = true
      if error.class == .unknownOutcome, stage == .readingBack { stage = .renewing }
    // An abort that cannot be made: a new producer ends the transaction.
    case (.aborting, _): stage = cut == nil ? .initializing : .renewing
    case (_, .unknownOutcome): stage = .renewing
    default: stage = .aborting
    }
  }

  /// The dead-letter topic may take smaller records than the input's: then the head of a payload has to do, or one
  /// record would hold everything up.
  private mutating func shorten() -> Bool {
    guard cut != nil else { return false }
    return Self.shorterDeadLetters.contains { cut!.shortenDeadLetters(to: $0) }
  }

  /// The outcome was unknown, and this is what the offsets say.
  private mutating func compare(_ numbers: [Int32: CutNumber?]) throws(PipelineError) {
    guard let cut else {
      stage = .idle
      return
    }
    var committed = 0
    var before = 0
    for section in cut.sections {
      let number = numbers[section.partition] ?? nil
      if number == cut.number { committed += 1 } else if number == section.previous { before += 1 }
    }
    if committed == cut.sections.count {
      stage = .committed
    } else if before == cut.sections.count {
      stage = .beginning
    } else {
      throw PipelineError(
        .fenced, "another process has committed for partitions that this one held",
        hint:
          "two processes share kafka.instance, or this one was away for too long; a restart takes up again")
    }
  }
}

/// Drives a `CutWriter` over a log, one action a call.
public struct TransactionDriver<Log: TransactionLog & ~Copyable>: ~Copyable {
  private var log: Log
  private var writer = CutWriter()

  /// How long one call to the brokers may take, milliseconds.
  private static var callMilliseconds: Int32 { 5_000 }

  public init(_ log: consuming Log) { self.log = log }

  /// What a step came to.
  public enum Step: Sendable, Hashable {
    /// There is nothing to do.
    case idle
    case worked
    /// Come back in a moment.
    case waiting
    case committed(CutNumber, stateOffsets: [Int32: Int64])
  }

  /// Whether cuts may be begun.
  public var isReady: Bool { writer.isReady }
  public var isIdle: Bool { writer.isIdle }

  public mutating func begin(_ cut: Cut) { writer.begin(cut) }

  public mutating func abandon() { writer.abandon() }

  /// Does the next thing.
  public mutating func step() throws(PipelineError) -> Step {
    let action = writer.next
    switch action {
    case .rest: return .idle
    case .pause:
      try writer.happened(.done)
      return .waiting
    case .committed:
      let number = writer.cut!.number
      writer.finish()
      return .committed(number, stateOffsets: log.stateOffsets)
    default: break
    }
    var outcome = CutWriter.Outcome.done
    do throws(TransactionError) {
      outcome = try take(action)
    } catch {
      outcome = .failed(error)
    }
    try writer.happened(outcome)
    if case .notYet = outcome { return .waiting }
    return .worked
  }

  private mutating func take(_ action: CutWriter.Action) throws(TransactionError) -> CutWriter.Outcome {
    let wait = Self.callMilliseconds
    switch action {
    case .initialize: try log.initialize(timeoutMilliseconds: wait)
    case .begin: try log.begin()
    case .write(let section, let record):
      let part = writer.cut!.sections[section]
      let item =
        record < part.records.count ? part.records[record] : part.state[record - part.records.count]
      return try log.write(item, partition: part.partition) ? .done : .notYet
    case .flush: return try log.flush(timeoutMilliseconds: 100) ? .done : .notYet
    case .sendOffsets:
      let cut = writer.cut!
      try log.sendOffsets(cut.sections, as: cut.membership, timeoutMilliseconds: wait)
    case .commit: try log.commit(timeoutMilliseconds: wait)
    case .abort: try log.abort(timeoutMilliseconds: wait)
    case .readBack:
      let texts = try log.committed(writer.cut!.sections.map(\.partition), timeoutMilliseconds: wait)
      var numbers: [Int32: CutNumber?] = [:]
      for (partition, text) in texts { numbers[partition] = .some(Self.number(text)) }
      return .found(numbers)
    case .rest, .committed, .pause: break
    }
    return .done
  }

  private static func number(_ text: String?) -> CutNumber? {
    guard let text else { return nil }
    return (try? CommitMetadata(text))??.cut
  }
}
