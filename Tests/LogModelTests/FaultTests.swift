import LogModel
import Testing

/// What the simulator can break.
@Suite struct FaultTests {
  @Test func `A refused request has no effect, and the next one passes`() throws {
    let cluster = try cluster()
    cluster.faults.inject(.fail(.notLeaderOrFollower), on: [.produce])
    #expect(throws: KafkaError.notLeaderOrFollower) { try cluster.produce([record("a", "1")], to: input) }
    #expect(cluster.storedRecords(input).isEmpty)
    try cluster.produce([record("a", "1")], to: input)
    #expect(cluster.faults.struck == 1)
    #expect(cluster.faults.pending.isEmpty)
  }

  @Test func `Skip, times, caller and place choose what is struck`() throws {
    let cluster = try cluster()
    cluster.faults.inject(
      .fail(.networkException), on: [.produce, .fetch], caller: 2, place: input, skip: 1, times: 2)
    var struck: [Int] = []
    for step in 0..<8 {
      cluster.caller = step == 1 ? 1 : 2
      let place = step == 2 ? alerts : input
      do { try cluster.produce([record("a", "\(step)")], to: place) } catch { struck.append(step) }
    }
    #expect(struck == [3, 4])
  }

  @Test func `A record that no broker takes fails with its batch, every time`() throws {
    let cluster = try cluster()
    cluster.faults.inject(.fail(.messageTooLarge), on: [.produce], key: Array("bad".utf8), times: .max)
    for _ in 0..<3 {
      #expect(throws: KafkaError.messageTooLarge) {
        try cluster.produce([record("good", "1"), record("bad", "1")], to: input)
      }
      try cluster.produce([record("good", "1")], to: input)
    }
    #expect(cluster.lines(input) == ["good=1", "good=1", "good=1"])
  }

  /// The reply to EndTxn is lost: the outcome is committed, aborted by the next incarnation, or not yet decided.
  @Test func `A lost reply leaves the outcome open`() throws {
    let cluster = try cluster()
    let producer = try cluster.newProducer("lane")
    try cluster.produce([record("a", "1")], to: alerts, session: producer)
    cluster.faults.inject(.loseReply, on: [.endTransaction])
    #expect(throws: KafkaError.requestTimedOut) { try cluster.endTransaction(producer, .committed) }
    #expect(cluster.transactionStatus("lane") == .preparing(.committed))

    let other = try cluster.newProducer("other")
    try cluster.produce([record("b", "1")], to: alerts, session: other)
    cluster.faults.inject(.fail(.requestTimedOut), on: [.endTransaction])
    #expect(throws: KafkaError.requestTimedOut) { try cluster.endTransaction(other, .committed) }
    #expect(cluster.transactionStatus("other") == .ongoing)
    _ = try cluster.newProducer("other")
    #expect(cluster.lines(alerts) == ["a=1"])
  }

  @Test func `A lost reply hides an error too`() throws {
    let cluster = try cluster()
    let producer = try cluster.newProducer("lane")
    cluster.faults.inject(.loseReply, on: [.endTransaction])
    #expect(throws: KafkaError.requestTimedOut) { try cluster.endTransaction(producer, .committed) }
    #expect(cluster.transactionStatus("lane") == .empty)
  }

  @Test func `A commit that arrives late counts, unless another incarnation was faster`() throws {
    for isOvertaken in [false, true] {
      let cluster = try cluster()
      let producer = try cluster.newProducer("lane")
      try cluster.produce([record("a", "1")], to: alerts, session: producer)
      cluster.faults.inject(.delay, on: [.endTransaction])
      #expect(throws: KafkaError.requestTimedOut) { try cluster.endTransaction(producer, .committed) }
      #expect(cluster.delayedRequests.count == 1)
      if isOvertaken { _ = try cluster.newProducer("lane") }
      let error = cluster.deliverDelayed(at: 0)
      cluster.deliverAllMarkers()
      #expect(error == (isOvertaken ? .invalidProducerEpoch : nil))
      #expect(cluster.lines(alerts) == (isOvertaken ? [] : ["a=1"]))
    }
  }

  @Test func `A batch that arrives late after its repetition is a duplicate`() throws {
    let cluster = try cluster()
    let producer = try cluster.newProducer("lane")
    cluster.faults.inject(.delay, on: [.produce])
    #expect(throws: KafkaError.requestTimedOut) {
      try cluster.produce([record("a", "1")], to: alerts, session: producer, sequence: 0)
    }
    try cluster.produce([record("a", "1")], to: alerts, session: producer, sequence: 0)
    #expect(cluster.deliverDelayed(at: 0) == nil)
    try cluster.endTransaction(producer, .committed)
    cluster.deliverAllMarkers()
    #expect(cluster.lines(alerts) == ["a=1"])
  }

  @Test func `A batch that arrives after the end of its transaction is refused`() throws {
    let cluster = try cluster()
    let producer = try cluster.newProducer("lane")
    cluster.faults.inject(.delay, on: [.produce])
    #expect(throws: KafkaError.requestTimedOut) {
      try cluster.produce([record("a", "1")], to: alerts, session: producer, sequence: 0)
    }
    try cluster.endTransaction(producer, .aborted)
    cluster.deliverAllMarkers()
    #expect(cluster.deliverDelayed(at: 0) == .invalidTxnState)
    #expect(try cluster.listOffset(alerts, .latest, .readCommitted) == 1)
  }

  @Test func `An outage stops everybody, a cut line one caller`() throws {
    let cluster = try cluster()
    cluster.faults.isOutage = true
    #expect(throws: KafkaError.requestTimedOut) { try cluster.fetch(input, .readCommitted, from: 0) }
    #expect(throws: KafkaError.requestTimedOut) { try cluster.partitionCount("input") }
    cluster.faults.isOutage = false
    cluster.faults.unreachable = [3]
    cluster.caller = 3
    #expect(throws: KafkaError.requestTimedOut) { try cluster.initProducerID("lane") }
    cluster.caller = 4
    _ = try cluster.initProducerID("lane")
    cluster.faults.clear()
    cluster.caller = 3
    _ = try cluster.initProducerID("lane")
  }

  @Test func `Offsets can be added and their commit still fail`() throws {
    let cluster = try cluster()
    let producer = try cluster.newProducer("lane")
    cluster.faults.inject(.fail(.coordinatorNotAvailable), on: [.txnOffsetCommit])
    #expect(throws: KafkaError.coordinatorNotAvailable) {
      try cluster.txnOffsetCommit(producer, GroupMetadata(group: "ebb"), [input: OffsetAndMetadata(1)])
    }
    #expect(cluster.transactionStatus("lane") == .ongoing)
    try cluster.txnOffsetCommit(producer, GroupMetadata(group: "ebb"), [input: OffsetAndMetadata(1)])
    try cluster.endTransaction(producer, .committed)
    cluster.deliverAllMarkers()
    #expect(cluster.commitHistory("ebb", input).map(\.offset) == [1])
  }
}
