import Foundation
import Kafka
import Pipeline
import Testing

/// What each refusal of the brokers becomes. The embedded broker's transactions have no effect, which does not
/// matter here: only its answers do.
@Suite(.timeLimit(.minutes(5)), .serialized) struct `Transactions that do not go well` {
  /// At which step the brokers refuse.
  enum Place: String, Sendable, CaseIterable {
    case initialize, write, offsets, groupOffsets, commit, abort

    var request: EmbeddedBroker.Request {
      switch self {
      case .initialize: .initializeProducer
      case .write: .addPartitions
      case .offsets: .addOffsets
      case .groupOffsets: .transactionalOffsetCommit
      case .commit, .abort: .endTransaction
      }
    }
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var place: Place
    var code: KafkaError.Code
    var expected: TransactionError.Class
    var testDescription: String { "\(place.rawValue): \(code.name) is \(expected.rawValue)" }
  }

  static let refusals: [Refusal] = [
    Refusal(place: .initialize, code: .transactionalIDAuthorizationFailed, expected: .fatal),
    Refusal(place: .initialize, code: .clusterAuthorizationFailed, expected: .fatal),
    Refusal(place: .write, code: .topicAuthorizationFailed, expected: .abortable),
    Refusal(place: .write, code: .producerFenced, expected: .fatal),
    Refusal(place: .write, code: .invalidProducerEpoch, expected: .fatal),
    Refusal(place: .write, code: .transactionalIDAuthorizationFailed, expected: .fatal),
    Refusal(place: .offsets, code: .groupAuthorizationFailed, expected: .abortable),
    Refusal(place: .offsets, code: .invalidProducerEpoch, expected: .fatal),
    Refusal(place: .groupOffsets, code: .illegalGeneration, expected: .abortable),
    Refusal(place: .groupOffsets, code: .unknownMember, expected: .abortable),
    Refusal(place: .groupOffsets, code: .fencedInstance, expected: .abortable),
    Refusal(place: .groupOffsets, code: .offsetMetadataTooLarge, expected: .abortable),
    // The first lie: flagged as abortable.
    Refusal(place: .groupOffsets, code: .producerFenced, expected: .fatal),
    Refusal(place: .groupOffsets, code: .invalidProducerIDMapping, expected: .fatal),
    Refusal(place: .commit, code: .producerFenced, expected: .fatal),
    Refusal(place: .commit, code: .transactionalIDAuthorizationFailed, expected: .fatal),
    // The second lie.
    Refusal(place: .commit, code: .invalidProducerIDMapping, expected: .fatal),
    Refusal(place: .commit, code: .transactionCoordinatorFenced, expected: .abortable),
    Refusal(place: .abort, code: .producerFenced, expected: .fatal),
  ]

  private static func log(
    _ broker: borrowing EmbeddedBroker, timeoutMilliseconds: Int64 = 10_000, notices: Notices = Notices()
  ) throws -> KafkaTransactions {
    try KafkaTransactions(
      KafkaTransactions.Options(
        properties: properties(broker), transactionalID: "ebb-one-0",
        transactionTimeoutMilliseconds: timeoutMilliseconds, group: "ebb", inputTopic: "clicks",
        topics: outputs, notice: { notices.keep($0) }))
  }

  /// As the client library writes it.
  private static let membership: Membership = {
    let bytes = Array("CGMDv2:".utf8) + [3, 0, 0, 0] + Array("ebb\0m1\0".utf8) + [0] + Array("one\0".utf8)
    return Membership(generation: 3, memberID: "m1", bytes: bytes)!
  }()

  private static let section = CutSection(
    partition: 1, records: [alert("a")], state: [alert("s", topic: .state)], nextOffset: 7, metadata: "m")

  /// Makes the calls of one cut up to and with the one at `last`, each again while it is to be tried again.
  private static func go(_ log: inout KafkaTransactions, to last: Place) throws(TransactionError) {
    try again { () throws(TransactionError) in try log.initialize(timeoutMilliseconds: 30_000) }
    if last == .initialize { return }
    try again { () throws(TransactionError) in try log.begin() }
    for record in section.records + section.state {
      while try !log.write(record, partition: section.partition) {}
    }
    while try !log.flush(timeoutMilliseconds: 100) {}
    if last == .write { return }
    if last == .abort { return try log.abort(timeoutMilliseconds: 30_000) }
    try again { () throws(TransactionError) in
      try log.sendOffsets([section], as: membership, timeoutMilliseconds: 30_000)
    }
    if last == .offsets || last == .groupOffsets { return }
    try again { () throws(TransactionError) in try log.commit(timeoutMilliseconds: 30_000) }
  }

  private static func again(_ body: () throws(TransactionError) -> Void) throws(TransactionError) {
    for _ in 0..<20 {
      do throws(TransactionError) {
        return try body()
      } catch {
        if error.class != .retriable { throw error }
      }
    }
    Issue.record("tried again for too long")
  }

  @Test func `A cut goes through, and tells where its state stands`() throws {
    let broker = try cluster()
    var log = try Self.log(broker)
    try Self.go(&log, to: .commit)
    #expect(log.stateOffsets == [1: 0])
    #expect(try end(of: "state", 1, broker) == 1)
    // Another producer takes the id over.
    try log.initialize(timeoutMilliseconds: 60_000)
    #expect(log.stateOffsets.isEmpty)
    try log.begin()
    try log.abort(timeoutMilliseconds: 30_000)
  }

  @Test(arguments: refusals) func `Each refusal has its class`(refusal: Refusal) throws {
    let broker = try cluster()
    var log = try Self.log(broker)
    broker.fail(refusal.place.request, with: [refusal.code])
    var thrown: TransactionError?
    do throws(TransactionError) {
      try Self.go(&log, to: refusal.place)
    } catch {
      thrown = error
    }
    let error = try #require(thrown)
    #expect(error.class == refusal.expected, "\(error)")
    #expect(!error.sentence.message.isEmpty && !error.sentence.hint.isEmpty)
    guard error.class == .abortable else { return }
    try Self.again { () throws(TransactionError) in try log.abort(timeoutMilliseconds: 30_000) }
    try log.begin()
    #expect(try log.write(alert("again"), partition: 1) == true)
    try eventually("acknowledged") { try log.flush(timeoutMilliseconds: 100) ? () : nil }
    try log.abort(timeoutMilliseconds: 30_000)
  }

  @Test(arguments: [
    (Place.initialize, KafkaError.Code.coordinatorLoading), (.initialize, .coordinatorNotAvailable),
    (.write, .concurrentTransactions), (.write, .coordinatorLoading), (.offsets, .concurrentTransactions),
    (.groupOffsets, .coordinatorLoading), (.commit, .concurrentTransactions), (.commit, .coordinatorLoading),
    (.commit, .transport),
  ])
  func `Trouble that passes holds a cut up and no more`(place: Place, code: KafkaError.Code) throws {
    let broker = try cluster()
    var log = try Self.log(broker)
    broker.fail(place.request, with: [code, code])
    try Self.go(&log, to: .commit)
    #expect(log.stateOffsets == [1: 0])
  }

  @Test(arguments: [
    (KafkaError.Code.messageTooLarge, true), (.recordListTooLarge, true), (.topicAuthorizationFailed, false),
    (.invalidRecord, false),
  ])
  func `A record that its topic refuses aborts the transaction, under its own name`(
    code: KafkaError.Code, isTooLarge: Bool
  ) throws {
    let broker = try cluster()
    var log = try Self.log(broker)
    var names: [String] = []
    for _ in 0..<2 {
      broker.fail(.produce, with: [code, code, code, code])
      do throws(TransactionError) {
        try Self.go(&log, to: .write)
        Issue.record("written against a refusal")
      } catch {
        #expect(error.class == .abortable)
        #expect(error.isTooLarge == isTooLarge)
        #expect(error.sentence.code == .output)
        names.append(error.name)
      }
      broker.clearFailures(of: .produce)
      try log.abort(timeoutMilliseconds: 30_000)
    }
    #expect(names == [code.name, code.name], "the same twice is to be known as the same")
  }

  @Test func `A group on the move is never taken for the same trouble twice`() throws {
    let broker = try cluster()
    var log = try Self.log(broker)
    var names: Set<String> = []
    for _ in 0..<2 {
      broker.fail(.transactionalOffsetCommit, with: [.illegalGeneration])
      do throws(TransactionError) {
        try Self.go(&log, to: .groupOffsets)
      } catch {
        #expect(error.class == .abortable)
        names.insert(error.name)
      }
      try log.abort(timeoutMilliseconds: 30_000)
    }
    #expect(names.count == 2)
  }

  @Test func `A commit without an answer is asked for again, until the transaction's time is over`() throws {
    let broker = try cluster()
    let notices = Notices()
    var log = try Self.log(broker, timeoutMilliseconds: 4_000, notices: notices)
    try Self.go(&log, to: .groupOffsets)
    try broker.takeDown()
    var classes: [TransactionError.Class] = []
    let began = ContinuousClock.now
    while classes.last == nil || classes.last == .retriable, classes.count < 50 {
      do throws(TransactionError) {
        try log.commit(timeoutMilliseconds: 300)
        Issue.record("committed without brokers")
      } catch {
        classes.append(error.class)
      }
    }
    #expect(classes.last == .unknownOutcome)
    #expect(classes.count >= 2 && ContinuousClock.now - began >= .seconds(4))
    #expect(notices.all.contains { $0.level == .warning })
    try broker.bringUp()
    try Self.again { () throws(TransactionError) in try log.initialize(timeoutMilliseconds: 30_000) }
    try log.begin()
    try log.abort(timeoutMilliseconds: 30_000)
  }

  @Test func `What is committed is told with its metadata, and nothing while it is not stable`() throws {
    let broker = try cluster()
    let asking = try Consumer(properties: properties(broker), group: "ebb")
    try asking.commit(
      [OffsetCommit(partition: TopicPartition("clicks", 1), nextOffset: 4, metadata: "ebb1:x")],
      timeoutMilliseconds: 60_000)
    var log = try Self.log(broker)
    let texts = try log.committed([0, 1], timeoutMilliseconds: 60_000)
    #expect(texts == [0: String?.none, 1: "ebb1:x"])
    broker.fail(.offsetFetch, with: [.coordinatorLoading])
    do throws(TransactionError) {
      let texts = try log.committed([1], timeoutMilliseconds: 60_000)
      #expect(texts == [1: "ebb1:x"], "asked again by the library")
    } catch {
      #expect(error.class == .retriable)
    }
    broker.fail(.offsetFetch, with: [.groupAuthorizationFailed])
    do throws(TransactionError) {
      _ = try log.committed([1], timeoutMilliseconds: 60_000)
      Issue.record("told against a refusal")
    } catch {
      #expect(error.class == .fatal)
    }
  }
}
