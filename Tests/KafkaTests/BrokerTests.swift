import Events
import Foundation
import Kafka
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct `Through the embedded broker` {
  @Test func `Records come back with key, value, headers and nulls`() throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic("clicks", partitions: 3)
    var producer = try Producer(properties: properties(broker))
    let headers = [
      RecordHeader("ce_id", "a1"), RecordHeader("empty", ""), RecordHeader("null", nil as [UInt8]?),
    ]
    try producer.produce(
      topic: "clicks", key: bytes("u1"), value: bytes("one"), headers: headers, partition: 1)
    try producer.produce(topic: "clicks", key: nil, value: nil, partition: 1)
    try producer.produce(topic: "clicks", key: [], value: [], partition: 1)
    try producer.flush(timeoutMilliseconds: 60_000)
    #expect(producer.outstanding == 0 && producer.failed == 0)

    var consumer = try Consumer(properties: properties(broker), group: "g")
    try consumer.subscribe(["clicks"])
    #expect(try consumer.join().map(\.partition) == [0, 1, 2])
    #expect(
      try consumer.read(3) == [
        KeptRecord(
          topic: 0, partition: 1, offset: 0, key: bytes("u1"), value: bytes("one"),
          headers: ["ce_id": bytes("a1"), "empty": [], "null": nil as [UInt8]?]),
        KeptRecord(topic: 0, partition: 1, offset: 1, key: nil, value: nil),
        KeptRecord(topic: 0, partition: 1, offset: 2, key: [], value: []),
      ])
    #expect(consumer.assignment.map(\.nextOffset) == [0, 3, 0])
    #expect(consumer.close(timeoutMilliseconds: 30_000) == true)
  }

  @Test func `A key goes to the partition that the Java client chooses`() throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic("alerts", partitions: 7)
    let reports = Reports()
    var producer = try Producer(properties: properties(broker)) { reports.keep($0) }
    let keys = (0..<100).map { "user-\($0 * $0)" }
    for (index, key) in keys.enumerated() {
      try producer.produce(topic: "alerts", key: bytes(key), value: [], tag: UInt(index))
    }
    try producer.flush(timeoutMilliseconds: 60_000)
    let got = Dictionary(uniqueKeysWithValues: reports.all.map { ($0.tag, $0.partition) })
    #expect(got.count == 100)
    for (index, key) in keys.enumerated() {
      #expect(got[UInt(index)] == Murmur2.partition(of: bytes(key), count: 7))
    }
  }

  @Test func `A committed position comes back with its metadata`() throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic("clicks", partitions: 2)
    var consumer = try Consumer(properties: properties(broker), group: "g", instance: "lane-0")
    try consumer.subscribe(["clicks"])
    let partitions = try consumer.join()
    #expect(try consumer.committed(partitions, timeoutMilliseconds: 30_000).map(\.nextOffset) == [nil, nil])
    let metadata = "v1;cut=17;R=40@1700000000000"
    try consumer.commit(
      [OffsetCommit(partition: partitions[1], nextOffset: 42, metadata: metadata)],
      timeoutMilliseconds: 30_000
    )
    let committer = consumer.makeCommitter()
    committer.begin([OffsetCommit(partition: partitions[0], nextOffset: 7)], tag: 99)
    let waited = committer.wait(timeoutMilliseconds: 30_000)
    let outcome = try #require(waited)
    #expect(outcome.tag == 99 && outcome.error == nil)
    let committed = try consumer.committed(partitions, timeoutMilliseconds: 30_000)
    #expect(committed.map(\.nextOffset) == [7, 42])
    #expect(committed.map(\.metadata) == ["", metadata])
    #expect(consumer.close(timeoutMilliseconds: 30_000) == true)
  }

  @Test func `Two members share the partitions, and one takes over what the other leaves`() throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic("clicks", partitions: 4)
    var first = try Consumer(properties: properties(broker), group: "g")
    try first.subscribe(["clicks"])
    #expect(try first.join().count == 4)
    var second = try Consumer(properties: properties(broker), group: "g")
    try second.subscribe(["clicks"])

    var owned: [[TopicPartition]] = [[], []]
    var revocations = 0
    func poll(_ member: Int, _ consumer: inout Consumer) throws {
      switch consumer.poll(timeoutMilliseconds: 50) {
      case .assigned(let partitions, _):
        try consumer.assign(partitions.map { ($0, .beginning) })
        owned[member] = partitions
      case .revoked(let partitions):
        // A group that settles in more than one round revokes again, but never anything else than what is owned.
        #expect(Set(partitions) == Set(owned[member]))
        revocations += 1
        try consumer.unassign()
        owned[member] = []
      case .lost: Issue.record("lost partitions in a plain rebalance")
      default: break
      }
    }
    owned[0] = (0..<4).map { TopicPartition("clicks", $0) }
    try eventually("both have two") {
      try poll(0, &first)
      try poll(1, &second)
      return owned.map(\.count) == [2, 2] ? () : nil
    }
    #expect(revocations >= 1)
    #expect(Set(owned[0]).isDisjoint(with: owned[1]))

    #expect(first.close(timeoutMilliseconds: 30_000) == true)
    try eventually("the other has all") {
      switch second.poll(timeoutMilliseconds: 50) {
      case .assigned(let partitions, _):
        try second.assign(partitions.map { ($0, .beginning) })
        return partitions.count == 4 ? () : nil
      case .revoked: try second.unassign()
      default: break
      }
      return nil
    }
    #expect(second.close(timeoutMilliseconds: 30_000) == true)
  }

  @Test func `What is sent while the brokers are away arrives when they are back`() throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic("clicks", partitions: 1)
    var producer = try Producer(properties: properties(broker))
    try producer.produce(topic: "clicks", key: nil, value: bytes("before"))
    try producer.flush(timeoutMilliseconds: 60_000)
    try broker.takeDown()
    try producer.produce(topic: "clicks", key: nil, value: bytes("during"))
    var early: KafkaError?
    do { try producer.flush(timeoutMilliseconds: 300) } catch { early = error }
    #expect(early?.code == .timedOut)
    #expect(producer.outstanding == 1)
    try broker.bringUp()
    try producer.flush(timeoutMilliseconds: 60_000)
    #expect(producer.failed == 0)
    #expect(producer.takeTroubles().contains { $0.class == .retriable })
  }

  @Test(arguments: [
    (KafkaError.Code.notLeader, false), (.requestTimedOut, false), (.notEnoughReplicas, false),
    (.messageTooLarge, true), (.topicAuthorizationFailed, true), (.invalidRecord, true),
  ])
  func `Passing errors are tried again, lasting ones are reported`(code: KafkaError.Code, lasting: Bool)
    throws
  {
    let broker = try EmbeddedBroker()
    try broker.createTopic("alerts", partitions: 1)
    broker.fail(.produce, with: [code])
    let reports = Reports()
    var producer = try Producer(properties: properties(broker)) { reports.keep($0) }
    try producer.produce(topic: "alerts", key: nil, value: bytes("x"))
    try producer.flush(timeoutMilliseconds: 60_000)
    #expect(reports.all.map { $0.error?.code } == [lasting ? code : nil])
  }

  @Test func `Transactional calls go through`() throws {
    // The mock's transactions have no effect; this shows the calls, not the guarantees.
    let broker = try EmbeddedBroker()
    try broker.createTopic("clicks", partitions: 1)
    try broker.createTopic("alerts", partitions: 1)
    var consumer = try Consumer(properties: properties(broker), group: "g", instance: "lane-0")
    try consumer.subscribe(["clicks"])
    let (partitions, membership) = try eventually("assigned") {
      if case .assigned(let partitions, let membership?) = consumer.poll(timeoutMilliseconds: 100) {
        return (partitions, membership)
      }
      return nil
    }
    let group = try GroupMetadata(bytes: membership.bytes)
    var writing = properties(broker)
    writing["transactional.id"] = "g-lane-0"
    writing["transaction.timeout.ms"] = "10000"
    var producer = try Producer(properties: writing)
    #expect(throws: KafkaError.self) { try producer.beginTransaction() }
    try producer.initializeTransactions(timeoutMilliseconds: 60_000)
    for round in 1...2 {
      try producer.beginTransaction()
      try producer.produce(topic: "alerts", key: nil, value: bytes("\(round)"))
      try producer.sendOffsets(
        [OffsetCommit(partition: partitions[0], nextOffset: Int64(round))], group: group,
        timeoutMilliseconds: 30_000)
      if round == 1 {
        try producer.abortTransaction(timeoutMilliseconds: 30_000)
      } else {
        try producer.commitTransaction(timeoutMilliseconds: 30_000)
      }
    }
    try producer.beginTransaction()
    broker.fail(.addPartitions, with: [.topicAuthorizationFailed])
    try producer.produce(topic: "alerts", key: nil, value: bytes("3"))
    do {
      try producer.commitTransaction(timeoutMilliseconds: 30_000)
      Issue.record("committed against a refusal")
    } catch {
      #expect(error.class == .abortable)
    }
    try producer.abortTransaction(timeoutMilliseconds: 30_000)
    #expect(consumer.close(timeoutMilliseconds: 30_000) == true)
  }

  @Test func `Clients end in bounded time when the brokers are gone`() throws {
    let clock = ContinuousClock()
    var began = clock.now
    do {
      let broker = try EmbeddedBroker()
      try broker.createTopic("clicks", partitions: 1)
      var consumer = try Consumer(properties: properties(broker), group: "g")
      try consumer.subscribe(["clicks"])
      _ = try consumer.join()
      var producer = try Producer(properties: properties(broker))
      try broker.takeDown()
      try producer.produce(topic: "clicks", key: nil, value: bytes("never"))
      began = clock.now
      _ = consumer.close(timeoutMilliseconds: 1_000)
    }
    #expect(clock.now - began < promised(.seconds(8)))
  }

  @Test func `Topics are listed with their partitions, and creating them is refused by the mock`() throws {
    let broker = try EmbeddedBroker(brokers: 3)
    try broker.createTopic("clicks", partitions: 4, replicas: 3)
    try broker.setLeader(of: TopicPartition("clicks", 2), broker: nil)
    let admin = try Admin(properties: properties(broker))
    let topics = try admin.topics(timeoutMilliseconds: 30_000)
    #expect(
      topics == ["clicks": TopicDescription(name: "clicks", partitions: 4, replicas: 3, leaderless: [2])])
    do {
      _ = try admin.create([NewTopic(name: "alerts", partitions: 1)], timeoutMilliseconds: 30_000)
      Issue.record("the mock created a topic by request")
    } catch {
      #expect(error.code == .unsupportedFeature)
    }
    do {
      _ = try admin.configuration(ofTopic: "clicks", timeoutMilliseconds: 30_000)
      Issue.record("the mock described a topic's configuration")
    } catch {
      #expect(error.code == .unsupportedFeature)
    }
  }

  @Test(arguments: [
    ("127.0.0.1:1", KafkaError.Code.transport), ("no-such-host.invalid:9092", .resolve),
  ])
  func `An address without brokers is named as such, in time`(address: String, code: KafkaError.Code) throws {
    let admin = try Admin(properties: ClientProperties(bootstrap: address))
    let began = ContinuousClock.now
    do {
      _ = try admin.topics(timeoutMilliseconds: 1_500)
      Issue.record("there is no broker there")
    } catch {
      #expect(error.code == code)
      #expect(error.class == .retriable)
      #expect("\(error)".contains("kafka.brokers"))
    }
    #expect(ContinuousClock.now - began < promised(.seconds(6)))
  }
}

/// Keeps delivery reports from the producer's thread.
final class Reports: @unchecked Sendable {
  private let lock = NSLock()
  private var kept: [DeliveryReport] = []
  var all: [DeliveryReport] { lock.withLock { kept } }
  func keep(_ report: DeliveryReport) { lock.withLock { kept.append(report) } }
}
