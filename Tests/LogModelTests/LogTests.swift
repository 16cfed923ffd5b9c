import LogModel
import Testing

/// One partition's log: offsets, ends and what a reader gets.
@Suite struct LogTests {
  @Test func `Markers take an offset and are not delivered`() throws {
    let cluster = try cluster()
    let producer = try cluster.newProducer("lane")
    try cluster.transact(producer, alerts, [record("a", "1")])
    try cluster.transact(producer, alerts, [record("b", "2")])

    let read = try cluster.fetch(alerts, .readCommitted, from: 0)
    #expect(read.records.map(\.offset) == [0, 2])
    #expect(read.nextOffset == 4)
    #expect(read.highWatermark == 4)
    #expect(cluster.storedRecords(alerts).map(\.control) == [nil, .committed, nil, .committed])
  }

  @Test func `The last record's position stays before the marker, and the next fetch meets the end`() throws {
    let cluster = try cluster()
    try cluster.transact(try cluster.newProducer("lane"), alerts, [record("a", "1")])

    let first = try cluster.fetch(alerts, .readCommitted, from: 0, max: 1)
    #expect(first.records.count == 1)
    #expect(first.nextOffset == 1)
    #expect(!first.isEndOfPartition)
    let second = try cluster.fetch(alerts, .readCommitted, from: 1)
    #expect(second.records.isEmpty)
    #expect(second.nextOffset == 2)
    #expect(second.isEndOfPartition)
  }

  @Test func `An open transaction holds back committed readers at its first record`() throws {
    let cluster = try cluster()
    let slow = try cluster.newProducer("slow")
    let quick = try cluster.newProducer("quick")
    try cluster.produce([record("before", "0")], to: alerts)
    try cluster.produce([record("slow", "1")], to: alerts, session: slow)
    try cluster.transact(quick, alerts, [record("quick", "2")])

    let committed = try cluster.fetch(alerts, .readCommitted, from: 0)
    #expect(committed.records.map(\.line) == ["before=0"])
    #expect(committed.endOffset == 1)
    #expect(committed.isEndOfPartition)
    let everything = try cluster.fetch(alerts, .readUncommitted, from: 0)
    #expect(everything.records.map(\.line) == ["before=0", "slow=1", "quick=2"])
    #expect(everything.endOffset == 4)
    #expect(try cluster.listOffset(alerts, .latest, .readCommitted) == 1)
    #expect(try cluster.listOffset(alerts, .latest, .readUncommitted) == 4)

    try cluster.endTransaction(slow, .aborted)
    #expect(cluster.lines(alerts) == ["before=0"])
    cluster.deliverAllMarkers()
    #expect(cluster.lines(alerts) == ["before=0", "quick=2"])
  }

  @Test func `A reader may stand between the last stable offset and the high watermark, not outside`() throws
  {
    let cluster = try cluster()
    try cluster.produce(
      [record("a", "1"), record("b", "2")], to: alerts, session: cluster.newProducer("lane"))
    let held = try cluster.fetch(alerts, .readCommitted, from: 2)
    #expect(held.records.isEmpty)
    #expect(held.isEndOfPartition)
    #expect(held.nextOffset == 2)
    #expect(throws: KafkaError.offsetOutOfRange) { try cluster.fetch(alerts, .readCommitted, from: 3) }
  }

  @Test func `A moved log start is out of range for who comes late`() throws {
    let cluster = try cluster()
    try cluster.produce((0..<10).map { record("k", "\($0)", at: $0) }, to: input)
    #expect(try cluster.deleteRecords(input, before: 4) == 4)
    #expect(throws: KafkaError.offsetOutOfRange) { try cluster.fetch(input, .readCommitted, from: 3) }
    #expect(try cluster.fetch(input, .readCommitted, from: 4).records.map(\.offset) == Array(4..<10))
    #expect(try cluster.expireRecords(input, olderThan: 7) == 7)
    #expect(try cluster.listOffset(input, .earliest) == 7)
    #expect(try cluster.listOffset(input, .timestamp(8)) == 8)
    #expect(throws: KafkaError.offsetOutOfRange) { try cluster.deleteRecords(input, before: 11) }
    #expect(throws: KafkaError.policyViolation) { try cluster.deleteRecords(state, before: 0) }
    #expect(try cluster.deleteRecords(input, before: -1) == 10)
    #expect(try cluster.fetch(input, .readCommitted, from: 10).isEndOfPartition)
  }

  @Test func `A batch above the limit is refused whole`() throws {
    let cluster = try cluster()
    try cluster.configure("alerts", TopicSettings(maxMessageBytes: 200))
    let large = record("k", String(repeating: "x", count: 200))
    #expect(throws: KafkaError.messageTooLarge) {
      try cluster.produce([record("a", "1"), large], to: alerts)
    }
    #expect(cluster.storedRecords(alerts).isEmpty)
    try cluster.produce([record("a", "1")], to: alerts)
    #expect(throws: KafkaError.invalidRecord) {
      try cluster.produce([LogRecord(key: nil, value: [1])], to: state)
    }
  }

  @Test func `Partitions are added in mid-run`() throws {
    let cluster = try cluster()
    let place = TopicPartition("input", 2)
    #expect(throws: KafkaError.unknownTopicOrPartition) { try cluster.produce([record("a", "1")], to: place) }
    #expect(throws: KafkaError.invalidPartitions) { try cluster.createPartitions("input", total: 2) }
    try cluster.createPartitions("input", total: 3)
    #expect(try cluster.partitionCount("input") == 3)
    try cluster.produce([record("a", "1")], to: place)
    #expect(cluster.lines(place) == ["a=1"])
  }

  @Test func `A batch that is sent again is acknowledged and not appended`() throws {
    let cluster = try cluster()
    let producer = try cluster.initProducerID(nil)
    let first = try cluster.produce(
      [record("a", "1"), record("b", "2")], to: alerts, session: producer, sequence: 0)
    #expect(
      try cluster.produce([record("a", "1"), record("b", "2")], to: alerts, session: producer, sequence: 0)
        == first)
    #expect(throws: KafkaError.outOfOrderSequenceNumber) {
      try cluster.produce([record("c", "3")], to: alerts, session: producer, sequence: 3)
    }
    try cluster.produce([record("c", "3")], to: alerts, session: producer, sequence: 2)
    #expect(cluster.lines(alerts) == ["a=1", "b=2", "c=3"])
  }
}
