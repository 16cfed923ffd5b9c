import LogModel
import Testing

/// The transaction coordinator, with clients of protocol V1.
@Suite struct TransactionTests {
  @Test func `Markers reach partitions and offsets at different steps`() throws {
    let cluster = try cluster()
    let producer = try cluster.newProducer("lane")
    let group = GroupMetadata(group: "ebb")
    try cluster.produce([record("a", "alert")], to: alerts, session: producer)
    try cluster.produce([record("u", "user")], to: state, session: producer)
    try cluster.txnOffsetCommit(producer, group, [input: OffsetAndMetadata(7, "seven")])
    try cluster.endTransaction(producer, .committed)

    #expect(
      cluster.pendingMarkers.map(\.target) == [.partition(alerts), .partition(state), .group("ebb")])
    #expect(cluster.transactionStatus("lane") == .preparing(.committed))
    #expect(cluster.lines(alerts).isEmpty)
    #expect(try cluster.offsetFetch("ebb", [input])[input]?.error == .unstableOffsetCommit)
    #expect(try cluster.offsetFetch("ebb", [input], requireStable: false)[input]?.offset == -1)

    cluster.deliverMarker(at: 2)
    #expect(try cluster.offsetFetch("ebb", [input])[input]?.metadata == "seven")
    #expect(cluster.lines(state).isEmpty)
    cluster.deliverMarker(at: 1)
    #expect(cluster.lines(state) == ["u=user"])
    #expect(cluster.lines(alerts).isEmpty)
    #expect(throws: KafkaError.concurrentTransactions) {
      try cluster.produce([record("b", "next")], to: alerts, session: producer)
    }
    cluster.deliverMarker(at: 0)
    #expect(cluster.lines(alerts) == ["a=alert"])
    #expect(cluster.transactionStatus("lane") == .complete(.committed))
    try cluster.produce([record("b", "next")], to: alerts, session: producer)
  }

  @Test func `Every partition of a transaction gets a marker, without records too`() throws {
    let cluster = try cluster()
    let producer = try cluster.newProducer("lane")
    try cluster.addPartitions(producer, [alerts, state])
    try cluster.endTransaction(producer, .aborted)
    cluster.deliverAllMarkers()
    #expect(cluster.storedRecords(alerts).map(\.control) == [.aborted])
    #expect(cluster.storedRecords(state).map(\.control) == [.aborted])
    #expect(try cluster.fetch(alerts, .readCommitted, from: 0).nextOffset == 1)
  }

  @Test func `A new incarnation aborts what its predecessor left open, and has to ask again`() throws {
    let cluster = try cluster()
    let old = try cluster.newProducer("lane")
    try cluster.produce([record("a", "lost")], to: alerts, session: old)

    #expect(throws: KafkaError.concurrentTransactions) { try cluster.initProducerID("lane") }
    #expect(throws: KafkaError.concurrentTransactions) { try cluster.initProducerID("lane") }
    cluster.deliverAllMarkers()
    let new = try cluster.initProducerID("lane")
    #expect(new.producerID == old.producerID)
    #expect(new.epoch == old.epoch + 2)
    #expect(cluster.lines(alerts).isEmpty)
    #expect(throws: KafkaError.invalidProducerEpoch) { try cluster.endTransaction(old, .committed) }
    #expect(throws: KafkaError.invalidProducerEpoch) {
      try cluster.produce([record("b", "zombie")], to: alerts, session: old)
    }
    #expect(throws: KafkaError.invalidProducerEpoch) {
      try cluster.txnOffsetCommit(old, GroupMetadata(group: "ebb"), [input: OffsetAndMetadata(1)])
    }
  }

  @Test func `A decided commit is finished by whoever comes next, not aborted`() throws {
    let cluster = try cluster()
    let old = try cluster.newProducer("lane")
    try cluster.produce([record("a", "kept")], to: alerts, session: old)
    try cluster.endTransaction(old, .committed)
    #expect(throws: KafkaError.concurrentTransactions) { try cluster.initProducerID("lane") }
    cluster.deliverAllMarkers()
    #expect(try cluster.initProducerID("lane").epoch == old.epoch + 1)
    #expect(cluster.lines(alerts) == ["a=kept"])
  }

  @Test func `A fenced producer writes on until the abort marker comes, and the marker takes it all`() throws
  {
    let cluster = try cluster()
    let old = try cluster.newProducer("lane")
    try cluster.produce([record("a", "1")], to: alerts, session: old)
    #expect(throws: KafkaError.concurrentTransactions) { try cluster.initProducerID("lane") }
    try cluster.produce([record("a", "2")], to: alerts, session: old)
    #expect(throws: KafkaError.invalidProducerEpoch) {
      try cluster.produce([record("u", "2")], to: state, session: old)
    }
    cluster.deliverAllMarkers()
    #expect(throws: KafkaError.invalidProducerEpoch) {
      try cluster.produce([record("a", "3")], to: alerts, session: old)
    }
    #expect(cluster.lines(alerts).isEmpty)
    #expect(cluster.storedRecords(alerts).map(\.control) == [nil, nil, .aborted])
  }

  @Test func `A transaction beyond its timeout is aborted and its producer fenced`() throws {
    let cluster = try cluster()
    let producer = try cluster.newProducer("lane", timeout: 500)
    try cluster.produce([record("a", "1")], to: alerts, session: producer)
    #expect(cluster.nextDeadline == 501)
    cluster.advance(to: 500)
    #expect(cluster.transactionStatus("lane") == .ongoing)
    cluster.advance(to: 501)
    #expect(cluster.transactionStatus("lane") == .preparing(.aborted))
    #expect(throws: KafkaError.invalidProducerEpoch) { try cluster.endTransaction(producer, .committed) }
    cluster.deliverAllMarkers()
    #expect(cluster.lines(alerts).isEmpty)
    #expect(cluster.transactionHistory.map(\.outcome) == [.aborted])
    #expect(cluster.transactionHistory[0].epoch == producer.epoch + 1)
  }

  @Test func `The epoch stays from commit to commit`() throws {
    let cluster = try cluster()
    let producer = try cluster.newProducer("lane")
    for number in 0..<3 { try cluster.transact(producer, alerts, [record("a", "\(number)")]) }
    #expect(cluster.transactionHistory.map(\.epoch) == [0, 0, 0])
    #expect(cluster.lines(alerts) == ["a=0", "a=1", "a=2"])
  }

  /// What a second EndTxn is told.
  @Test(
    arguments: [
      (Outcome.committed, Outcome.committed, KafkaError.concurrentTransactions, nil),
      (.aborted, .aborted, .concurrentTransactions, nil),
      (.committed, .aborted, .invalidTxnState, .invalidTxnState),
      (.aborted, .committed, .invalidTxnState, .invalidTxnState),
    ] as [(Outcome, Outcome, KafkaError, KafkaError?)])
  func `An end that is asked for again`(
    first: Outcome, second: Outcome, before: KafkaError, after: KafkaError?
  ) throws {
    let cluster = try cluster()
    let producer = try cluster.newProducer("lane")
    try cluster.produce([record("a", "1")], to: alerts, session: producer)
    try cluster.endTransaction(producer, first)
    #expect(throws: before) { try cluster.endTransaction(producer, second) }
    cluster.deliverAllMarkers()
    if let after {
      #expect(throws: after) { try cluster.endTransaction(producer, second) }
    } else {
      try cluster.endTransaction(producer, second)
    }
    #expect(cluster.transactionHistory.count == 1)
  }

  @Test func `An end without a transaction is refused`() throws {
    let cluster = try cluster()
    let producer = try cluster.newProducer("lane")
    #expect(throws: KafkaError.invalidTxnState) { try cluster.endTransaction(producer, .committed) }
    try cluster.transact(producer, alerts, [record("a", "1")])
    let next = try cluster.newProducer("lane")
    #expect(throws: KafkaError.invalidTxnState) { try cluster.endTransaction(next, .committed) }
  }

  @Test func `A session that bumps its own epoch gets the same answer when it asks again`() throws {
    let cluster = try cluster()
    let first = try cluster.newProducer("lane")
    let bumped = try cluster.initProducerID("lane", current: first)
    #expect(bumped.epoch == first.epoch + 1)
    #expect(try cluster.initProducerID("lane", current: first) == bumped)
    _ = try cluster.initProducerID("lane")
    #expect(throws: KafkaError.producerFenced) { try cluster.initProducerID("lane", current: bumped) }
  }

  @Test func `When the epochs of a producer id run out the id changes`() throws {
    let cluster = try cluster()
    var session = try cluster.newProducer("lane")
    let first = session.producerID
    while session.producerID == first { session = try cluster.initProducerID("lane") }
    #expect(session.epoch == 0)
    try cluster.transact(session, alerts, [record("a", "1")])
    #expect(cluster.lines(alerts) == ["a=1"])
    #expect(throws: KafkaError.invalidProducerIDMapping) {
      let old = ProducerSession(transactionalID: "lane", producerID: first, epoch: Int16.max - 1)
      try cluster.endTransaction(old, .committed)
    }
  }

  @Test func `A timeout beyond the broker's is refused`() throws {
    let cluster = try cluster()
    #expect(throws: KafkaError.invalidTransactionTimeout) {
      try cluster.initProducerID("lane", timeout: 900_001)
    }
  }
}
