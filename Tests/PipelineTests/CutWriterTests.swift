import Testing
import Triggers

@testable import Pipeline

/// The way of a cut through a transaction: what happened goes in, what to do next comes out.
@Suite struct CutWriterTests {
  static let number = CutNumber(owner: 7, sequence: 3)
  static let before = CutNumber(owner: 7, sequence: 2)

  static func record(_ topic: OutputTopic = .cartAlerts, bytes: Int = 3) -> OutputRecord {
    OutputRecord(topic: topic, key: [1], value: Array(repeating: 2, count: bytes), headers: [])
  }

  static func cut(_ records: [OutputRecord] = [record()], state: [OutputRecord] = []) -> Cut {
    Cut(
      number: number, membership: Membership(generation: 4, memberID: "m")!,
      sections: [
        CutSection(partition: 0, nextOffset: 8, previous: before),
        CutSection(partition: 2, records: records, state: state, nextOffset: 9, previous: before),
      ])
  }

  static func error(
    _ kind: TransactionError.Class, _ name: String = "E", tooLarge: Bool = false
  ) -> CutWriter.Outcome {
    .failed(
      TransactionError(
        kind, name: name, sentence: PipelineError(.output, name, hint: "h"), isTooLarge: tooLarge))
  }

  /// A writer that has claimed its id and was given a cut.
  static func writer(_ cut: Cut = cut()) throws -> CutWriter {
    var writer = CutWriter()
    #expect(writer.next == .initialize)
    try writer.happened(.done)
    #expect(writer.next == .rest)
    writer.begin(cut)
    return writer
  }

  /// Lets everything succeed until `action` is next.
  static func lead(_ writer: inout CutWriter, to action: CutWriter.Action) throws {
    var steps = 0
    while writer.next != action {
      try writer.happened(.done)
      steps += 1
      try #require(steps < 50, "\(action) never comes")
    }
  }

  @Test func `A cut is written, acknowledged, given its offsets and committed, in this order`() throws {
    var writer = try Self.writer(
      Self.cut([Self.record(), Self.record(.deadLetters)], state: [Self.record(.state)]))
    var seen: [CutWriter.Action] = []
    while writer.next != .committed {
      seen.append(writer.next)
      try writer.happened(.done)
    }
    #expect(
      seen == [
        .begin, .write(section: 1, record: 0), .write(section: 1, record: 1), .write(section: 1, record: 2),
        .flush, .sendOffsets, .commit,
      ])
    writer.finish()
    #expect(writer.next == .rest && writer.isIdle)
  }

  @Test(arguments: [
    CutWriter.Action.begin, .write(section: 1, record: 0), .flush, .sendOffsets, .commit,
  ])
  func `A passing error makes the same call again, after a pause`(action: CutWriter.Action) throws {
    var writer = try Self.writer()
    try Self.lead(&writer, to: action)
    for _ in 0..<5 {
      try writer.happened(Self.error(.retriable))
      #expect(writer.next == .pause)
      try writer.happened(.done)
      #expect(writer.next == action)
    }
  }

  @Test(arguments: [CutWriter.Action.write(section: 1, record: 0), .flush, .sendOffsets, .commit])
  func `After an abortable error the same cut is sent again in a new transaction`(
    action: CutWriter.Action
  ) throws {
    var writer = try Self.writer()
    try Self.lead(&writer, to: action)
    try writer.happened(Self.error(.abortable))
    #expect(writer.next == .abort)
    try writer.happened(.done)
    #expect(writer.next == .begin)
    #expect(writer.cut == Self.cut())
    try Self.lead(&writer, to: .committed)
  }

  @Test func `The same abortable error twice ends the lane with its sentence`() throws {
    var writer = try Self.writer()
    try Self.lead(&writer, to: .flush)
    try writer.happened(Self.error(.abortable, "REFUSED"))
    try Self.lead(&writer, to: .flush)
    #expect(throws: PipelineError.self) { try writer.happened(Self.error(.abortable, "REFUSED")) }
  }

  @Test func `Errors that would pass, and do not in a hundred times, end the lane`() throws {
    var writer = try Self.writer()
    for time in 1...CutWriter.mostAborts {
      try Self.lead(&writer, to: .sendOffsets)
      try writer.happened(Self.error(.abortable, "UNKNOWN_MEMBER_ID #\(time)"))
      #expect(writer.next == .abort)
    }
    try Self.lead(&writer, to: .sendOffsets)
    #expect(throws: PipelineError.self) {
      try writer.happened(Self.error(.abortable, "UNKNOWN_MEMBER_ID #\(CutWriter.mostAborts + 1)"))
    }
  }

  @Test func `A fatal error ends the lane at once`() throws {
    var writer = try Self.writer()
    try Self.lead(&writer, to: .sendOffsets)
    #expect(throws: PipelineError.self) { try writer.happened(Self.error(.fatal, "FENCED")) }
  }

  @Test func `An unknown outcome takes a new producer, and the offsets' cut number decides`() throws {
    func unknown() throws -> CutWriter {
      var writer = try Self.writer()
      try Self.lead(&writer, to: .commit)
      try writer.happened(Self.error(.unknownOutcome))
      #expect(writer.next == .initialize)
      try writer.happened(.done)
      #expect(writer.next == .readBack)
      return writer
    }
    var committed = try unknown()
    try committed.happened(.found([0: Self.number, 2: Self.number]))
    #expect(committed.next == .committed)

    var not = try unknown()
    try not.happened(.found([0: Self.before, 2: Self.before]))
    #expect(not.next == .begin)
    #expect(not.cut == Self.cut())

    for other in [CutNumber(owner: 8, sequence: 3), CutNumber(owner: 7, sequence: 1), nil] {
      var lost = try unknown()
      #expect(throws: PipelineError.self) { try lost.happened(.found([0: Self.before, 2: other])) }
    }
  }

  @Test func `A dead letter that is too large is cut down step by step, and anything else ends the lane`()
    throws
  {
    var writer = try Self.writer(Self.cut([Self.record(.deadLetters, bytes: 1 << 20)]))
    var lengths: [Int] = []
    for _ in 0..<3 {
      try Self.lead(&writer, to: .flush)
      try writer.happened(Self.error(.abortable, "TOO_LARGE", tooLarge: true))
      lengths.append(writer.cut!.sections[1].records[0].value!.count)
    }
    #expect(lengths == [768 << 10, 64 << 10, 1 << 10])
    try Self.lead(&writer, to: .flush)
    try writer.happened(Self.error(.abortable, "TOO_LARGE", tooLarge: true))
    try Self.lead(&writer, to: .flush)
    #expect(throws: PipelineError.self) {
      try writer.happened(Self.error(.abortable, "TOO_LARGE", tooLarge: true))
    }
  }

  @Test(arguments: [
    (CutWriter.Action.begin, CutWriter.Action.rest), (.write(section: 1, record: 0), .abort),
    (.flush, .abort),
    (.sendOffsets, .abort), (.commit, .initialize),
  ])
  func `Nothing of a cut that is given up is sent any more`(at: CutWriter.Action, then: CutWriter.Action)
    throws
  {
    var writer = try Self.writer()
    try Self.lead(&writer, to: at)
    writer.abandon()
    #expect(writer.cut == nil)
    #expect(writer.next == then)
    if then != .rest { try writer.happened(.done) }
    #expect(writer.next == .rest)
    // And the next one goes its way.
    writer.begin(Self.cut())
    try Self.lead(&writer, to: .committed)
  }

  @Test func `An abort that cannot be made takes a new producer, and looks what became of the cut`() throws {
    var writer = try Self.writer()
    try Self.lead(&writer, to: .flush)
    try writer.happened(Self.error(.abortable, "A"))
    try writer.happened(Self.error(.abortable, "B"))
    #expect(writer.next == .initialize)
    try writer.happened(.done)
    #expect(writer.next == .readBack)
  }
}
