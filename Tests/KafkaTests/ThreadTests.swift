import Foundation
import Kafka
import Pipeline
import Synchronization
import TestSupport
import Testing

/// A transactional log that does what a script says, and keeps what it is asked to do.
private final class Script: Sendable {
  enum Call: Sendable, Hashable {
    case initialize, begin, write(String), flush, sendOffsets(Int64), commit, abort, committed
  }

  struct State: Sendable {
    var calls: [Call] = []
    /// Thrown by the next such call, first first.
    var errors: [Call: [TransactionError]] = [:]
    /// Commits wait for this to end.
    var holdsCommits = false
    /// Commits that have been asked for, those that wait as well.
    var commitsEntered = 0
    /// What `committed` answers.
    var texts: [Int32: String?] = [:]
    var isEnded = false
  }

  let state = Mutex(State())
  var calls: [Call] { state.withLock { $0.calls } }
  func count(_ call: Call) -> Int { calls.count { $0 == call } }
  func fail(_ call: Call, with errors: [TransactionError]) { state.withLock { $0.errors[call] = errors } }

  func happen(_ call: Call) throws(TransactionError) {
    let error: TransactionError? = state.withLock { state in
      state.calls.append(call)
      guard state.errors[call]?.isEmpty == false else { return nil }
      return state.errors[call]?.removeFirst()
    }
    if let error { throw error }
  }
}

private struct ScriptedLog: TransactionLog, ~Copyable {
  let script: Script
  var stateOffsets: [Int32: Int64] { [0: 41] }

  deinit { script.state.withLock { $0.isEnded = true } }

  mutating func initialize(timeoutMilliseconds: Int32) throws(TransactionError) {
    try script.happen(.initialize)
  }
  mutating func begin() throws(TransactionError) { try script.happen(.begin) }
  mutating func write(_ record: OutputRecord, partition: Int32) throws(TransactionError) -> Bool {
    try script.happen(.write(text(record.value) ?? ""))
    return true
  }
  mutating func flush(timeoutMilliseconds: Int32) throws(TransactionError) -> Bool {
    try script.happen(.flush)
    return true
  }
  mutating func sendOffsets(
    _ sections: [CutSection], as membership: Membership, timeoutMilliseconds: Int32
  ) throws(TransactionError) {
    try script.happen(.sendOffsets(sections[0].nextOffset))
  }
  mutating func commit(timeoutMilliseconds: Int32) throws(TransactionError) {
    script.state.withLock { $0.commitsEntered += 1 }
    while script.state.withLock({ $0.holdsCommits }) { usleep(1_000) }
    try script.happen(.commit)
  }
  mutating func abort(timeoutMilliseconds: Int32) throws(TransactionError) { try script.happen(.abort) }
  mutating func committed(
    _ partitions: [Int32], timeoutMilliseconds: Int32
  ) throws(TransactionError) -> [Int32: String?] {
    try script.happen(.committed)
    return script.state.withLock { $0.texts }
  }
}

private func error(_ class: TransactionError.Class, _ name: String = "X") -> TransactionError {
  TransactionError(`class`, name: name, sentence: PipelineError(.output, "it is \(name)", hint: "mend it"))
}

private func cut(_ sequence: UInt64, _ value: String, nextOffset: Int64 = 1) -> Cut {
  Cut(
    number: number(sequence), membership: Membership(generation: 1, memberID: "m")!,
    sections: [CutSection(partition: 0, records: [alert(value)], nextOffset: nextOffset)])
}

private func output(_ script: Script) -> ThreadedOutput<ScriptedLog> {
  ThreadedOutput { () throws(PipelineError) in ScriptedLog(script: script) }
}

private func end(_ output: inout ThreadedOutput<ScriptedLog>) throws -> CutProgress {
  try eventually("the cut's end") {
    let progress = try output.progress(timeoutMilliseconds: 100)
    return progress == .pending ? nil : progress
  }
}

@Suite(.timeLimit(.minutes(5))) struct `A cut on its own thread` {
  @Test func `It is ready once the log's id is claimed, and commits cut after cut`() throws {
    let script = Script()
    script.fail(.initialize, with: [error(.retriable), error(.retriable)])
    var output = output(script)
    try eventually("ready") { try output.isReady() ? () : nil }
    #expect(script.count(.initialize) == 3)
    #expect(try output.progress(timeoutMilliseconds: 0) == .idle)
    for sequence in UInt64(1)...20 {
      try output.begin(cut(sequence, "a\(sequence)", nextOffset: Int64(sequence)))
      #expect(try end(&output) == .committed(number(sequence), stateOffsets: [0: 41]))
      #expect(try output.progress(timeoutMilliseconds: 0) == .idle)
    }
    #expect(
      script.calls.suffix(5) == [.begin, .write("a20"), .flush, .sendOffsets(20), .commit])
  }

  @Test func `The lane goes on while a commit is under way, and is woken by its end`() throws {
    let script = Script()
    var output = output(script)
    script.state.withLock { $0.holdsCommits = true }
    try output.begin(cut(1, "a"))
    let began = ContinuousClock.now
    #expect(try output.progress(timeoutMilliseconds: 0) == .pending)
    #expect(try output.progress(timeoutMilliseconds: 50) == .pending)
    #expect(ContinuousClock.now - began < .seconds(60))
    script.state.withLock { $0.holdsCommits = false }
    #expect(try output.progress(timeoutMilliseconds: 60_000) == .committed(number(1), stateOffsets: [0: 41]))
  }

  @Test func `An abortable error sends the same cut again, the same error again ends it`() throws {
    let script = Script()
    var output = output(script)
    script.fail(.sendOffsets(1), with: [error(.abortable)])
    try output.begin(cut(1, "a"))
    #expect(try end(&output) == .committed(number(1), stateOffsets: [0: 41]))
    #expect(script.count(.write("a")) == 2 && script.count(.abort) == 1)
    script.fail(.sendOffsets(2), with: [error(.abortable, "Y"), error(.abortable, "Y")])
    try output.begin(cut(2, "b", nextOffset: 2))
    do {
      _ = try end(&output)
      Issue.record("went on")
    } catch let error as PipelineError {
      #expect(error.message == "it is Y")
    }
    #expect(throws: PipelineError.self) { try output.isReady() }
  }

  @Test func `A fatal error comes out of the lane's next call`() throws {
    let script = Script()
    script.fail(.initialize, with: [error(.fatal, "Z")])
    var output = output(script)
    do {
      try eventually("the error") { try output.isReady() ? () : nil }
    } catch let error as PipelineError {
      #expect(error.message == "it is Z")
    }
  }

  @Test func `A log that cannot be made ends the lane with its sentence`() throws {
    var output = ThreadedOutput<ScriptedLog> { () throws(PipelineError) in
      throw PipelineError(.configuration, "no such property", hint: "correct it")
    }
    do {
      try eventually("the error") { try output.isReady() ? () : nil }
    } catch let error as PipelineError {
      #expect(error.message == "no such property")
    }
  }

  @Test func `What is given up is not sent any more, and the next cut is`() throws {
    let script = Script()
    var output = output(script)
    try eventually("ready") { try output.isReady() ? () : nil }
    script.fail(.flush, with: Array(repeating: error(.retriable), count: 1_000_000))
    try output.begin(cut(1, "old"))
    try eventually("it is being sent") { script.count(.flush) > 0 ? () : nil }
    output.abandon()
    let sent = script.calls.count { $0 == .flush }
    script.state.withLock { $0.errors = [:] }
    #expect(try output.progress(timeoutMilliseconds: 0) == .idle)
    try eventually("ready") { try output.isReady() ? () : nil }
    try output.begin(cut(2, "new", nextOffset: 2))
    #expect(try end(&output) == .committed(number(2), stateOffsets: [0: 41]))
    #expect(script.count(.sendOffsets(1)) == 0 && script.count(.abort) == 1)
    #expect(script.count(.flush) == sent + 1)
  }

  @Test func `A commit that was under way when its cut was given up is not told of`() throws {
    let script = Script()
    var output = output(script)
    script.state.withLock { $0.holdsCommits = true }
    try output.begin(cut(1, "old"))
    try eventually("it is being committed") { script.state.withLock { $0.commitsEntered } == 1 ? () : nil }
    let held = Thread {
      usleep(100_000); script.state.withLock { $0.holdsCommits = false }
    }
    held.start()
    output.abandon()
    #expect(script.count(.commit) == 1, "giving up waits for the call that is under way")
    #expect(try output.progress(timeoutMilliseconds: 0) == .idle)
    try eventually("ready") { try output.isReady() ? () : nil }
    try output.begin(cut(2, "new", nextOffset: 2))
    #expect(try end(&output) == .committed(number(2), stateOffsets: [0: 41]))
  }

  @Test func `Its end is bounded, even while a call does not return`() throws {
    let script = Script()
    script.state.withLock { $0.holdsCommits = true }
    let began = ContinuousClock.now
    do {
      var output = output(script)
      try output.begin(cut(1, "a"))
      try eventually("it is being committed") { script.state.withLock { $0.commitsEntered } == 1 ? () : nil }
    }
    #expect(ContinuousClock.now - began < promised(.seconds(8)))
    script.state.withLock { $0.holdsCommits = false }
    try eventually("the thread ends") { script.state.withLock { $0.isEnded } ? () : nil }
  }
}

@Suite struct `How a recovery tells its progress` {
  @Test func `A short one says nothing, a long one its share and the time that is left`() {
    var pace = RecoveryPaceProbe()
    #expect(pace.say(.waiting, done: 0, total: 0, at: 100) == nil)
    #expect(pace.say(.state, done: 0, total: 1_000, at: 1_000) == nil)
    #expect(
      pace.say(.state, done: 400, total: 1_000, at: 5_000)
        == "recovering partition 3: reading its state, 400 of 1000 offsets, about 6 s left")
    #expect(pace.say(.state, done: 500, total: 1_000, at: 6_000) == nil)
    #expect(pace.say(.replay, done: 10, total: 50, at: 9_000) == nil)
    #expect(
      pace.say(.replay, done: 20, total: 50, at: 10_000)
        == "recovering partition 3: replaying its input, 20 of 50 offsets, about 3 s left")
    #expect(
      pace.say(.waiting, done: 0, total: 0, at: 15_000)
        == "recovering partition 3: waiting for the brokers' answers, for 15 s now")
  }
}
