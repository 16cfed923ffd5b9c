import LogModel
import Testing

/// Committed offsets: who may commit, and what a reader is told.
@Suite struct OffsetTests {
  /// A stable group with one static member; a lane that is ready to send offsets.
  struct Bench {
    let cluster: LogCluster
    let member: GroupMetadata
    let producer: ProducerSession

    init(_ configuration: Configuration = Configuration()) throws {
      cluster = try LogModelTests.cluster(configuration)
      member = try cluster.join("ebb", instance: "host-0")
      producer = try cluster.newProducer("lane")
    }

    func with(_ change: (inout GroupMetadata) -> Void) -> GroupMetadata {
      var changed = member
      change(&changed)
      return changed
    }
  }

  @Test func `The group is checked by generation, member and static id`() throws {
    let bench = try Bench()
    let offsets = [input: OffsetAndMetadata(1)]
    let cases: [(GroupMetadata, KafkaError)] = [
      (bench.with { $0.generation += 1 }, .illegalGeneration),
      (bench.with { $0.generation -= 1 }, .illegalGeneration),
      (bench.with { $0.generation = -1 }, .illegalGeneration),
      (bench.with { $0.memberID = "somebody" }, .fencedInstanceID),
      (bench.with { $0.memberID = "" }, .fencedInstanceID),
      (bench.with { $0.instanceID = "host-9" }, .unknownMemberID),
      (
        bench.with {
          $0.memberID = "somebody"
          $0.instanceID = nil
        }, .unknownMemberID
      ),
      (GroupMetadata(group: "unknown", generation: 1, memberID: "m"), .illegalGeneration),
    ]
    for (metadata, error) in cases {
      #expect(throws: error) { try bench.cluster.txnOffsetCommit(bench.producer, metadata, offsets) }
      #expect(throws: error) { try bench.cluster.offsetCommit(metadata, offsets) }
    }
    #expect(try bench.cluster.txnOffsetCommit(bench.producer, bench.member, offsets).isEmpty)
    #expect(try bench.cluster.offsetCommit(bench.member, offsets).isEmpty)
  }

  @Test func `Without generation and member a transaction's offsets pass, plain ones only in an empty group`()
    throws
  {
    let bench = try Bench()
    let none = GroupMetadata(group: "ebb")
    try bench.cluster.txnOffsetCommit(bench.producer, none, [input: OffsetAndMetadata(5)])
    #expect(throws: KafkaError.unknownMemberID) {
      try bench.cluster.offsetCommit(none, [input: OffsetAndMetadata(5)])
    }
    try bench.cluster.offsetCommit(GroupMetadata(group: "other"), [input: OffsetAndMetadata(5)])
    #expect(bench.cluster.committedOffsets("other")[input]?.offset == 5)
  }

  @Test func `Nobody asks who owns the partition, and offsets may go back`() throws {
    let bench = try Bench()
    let foreign = TopicPartition("state", 1)
    try bench.cluster.offsetCommit(bench.member, [foreign: OffsetAndMetadata(9)])
    try bench.cluster.txnOffsetCommit(bench.producer, bench.member, [foreign: OffsetAndMetadata(3)])
    try bench.cluster.endTransaction(bench.producer, .committed)
    bench.cluster.deliverAllMarkers()
    #expect(bench.cluster.commitHistory("ebb", foreign).map(\.offset) == [9, 3])
  }

  @Test func `Undecided offsets are unstable until the group's marker, whatever the outcome`() throws {
    for outcome in [Outcome.committed, .aborted] {
      let bench = try Bench()
      let cluster = bench.cluster
      try cluster.offsetCommit(bench.member, [input: OffsetAndMetadata(1, "one")])
      try cluster.txnOffsetCommit(bench.producer, bench.member, [input: OffsetAndMetadata(2, "two")])
      let other = TopicPartition("input", 1)
      for _ in 0..<2 {
        let stable = try cluster.offsetFetch("ebb", [input, other])
        #expect(stable[input] == FetchedOffset(offset: -1, metadata: "", error: .unstableOffsetCommit))
        #expect(stable[other] == FetchedOffset(offset: -1, metadata: "", error: nil))
        #expect(try cluster.offsetFetch("ebb", [input], requireStable: false)[input]?.metadata == "one")
        if cluster.pendingMarkers.isEmpty { try cluster.endTransaction(bench.producer, outcome) }
      }
      cluster.deliverAllMarkers()
      let expected = outcome == .committed ? "two" : "one"
      #expect(try cluster.offsetFetch("ebb", [input])[input]?.metadata == expected)
    }
  }

  @Test func `Of a plain and a transaction's commit the later record wins, not the later marker`() throws {
    let bench = try Bench()
    let cluster = bench.cluster
    try cluster.txnOffsetCommit(bench.producer, bench.member, [input: OffsetAndMetadata(2)])
    try cluster.offsetCommit(bench.member, [input: OffsetAndMetadata(1)])
    try cluster.endTransaction(bench.producer, .committed)
    cluster.deliverAllMarkers()
    #expect(cluster.committedOffsets("ebb")[input]?.offset == 1)
  }

  @Test func `Metadata beyond the limit is refused by partition, and the others are in the transaction`()
    throws
  {
    var configuration = Configuration()
    configuration.offsetMetadataMaxBytes = 200
    let bench = try Bench(configuration)
    let other = TopicPartition("input", 1)
    let refused = try bench.cluster.txnOffsetCommit(
      bench.producer, bench.member,
      [
        input: OffsetAndMetadata(1, String(repeating: "x", count: 201)),
        other: OffsetAndMetadata(1, String(repeating: "x", count: 200)),
      ])
    #expect(refused == [input: .offsetMetadataTooLarge])
    try bench.cluster.endTransaction(bench.producer, .committed)
    bench.cluster.deliverAllMarkers()
    #expect(Array(bench.cluster.committedOffsets("ebb").keys) == [other])
    let unknown = TopicPartition("input", 7)
    #expect(
      try bench.cluster.offsetCommit(bench.member, [unknown: OffsetAndMetadata(1)])
        == [unknown: .unknownTopicOrPartition])
  }

  @Test func `Expired offsets are gone without a trace, undecided ones stay`() throws {
    let bench = try Bench()
    let cluster = bench.cluster
    let other = TopicPartition("input", 1)
    try cluster.offsetCommit(bench.member, [input: OffsetAndMetadata(1), other: OffsetAndMetadata(2)])
    try cluster.txnOffsetCommit(bench.producer, bench.member, [other: OffsetAndMetadata(3)])
    #expect(cluster.expireOffsets("ebb") == [input])
    #expect(try cluster.offsetFetch("ebb", [input])[input]?.offset == -1)
    #expect(cluster.committedOffsets("ebb")[other]?.offset == 2)
  }

  @Test func `A plain commit waits for the leader's sync, a transaction's does not`() throws {
    let bench = try Bench()
    let cluster = bench.cluster
    let second = try cluster.joinGroup("ebb", instanceID: "host-1", topics: ["input"])
    _ = try cluster.joinGroup(
      "ebb", memberID: bench.member.memberID, instanceID: "host-0", topics: ["input"])
    let joined = bench.with { $0.generation += 1 }
    #expect(throws: KafkaError.rebalanceInProgress) {
      try cluster.offsetCommit(joined, [input: OffsetAndMetadata(1)])
    }
    try cluster.txnOffsetCommit(bench.producer, joined, [input: OffsetAndMetadata(1)])
    #expect(try cluster.syncGroup("ebb", memberID: second, instanceID: "host-1") == nil)
    _ = try cluster.syncGroup("ebb", memberID: bench.member.memberID, instanceID: "host-0")
    try cluster.offsetCommit(joined, [input: OffsetAndMetadata(1)])
  }

  @Test func `A fenced lane's offsets are taken until the abort marker, and then with it`() throws {
    let bench = try Bench()
    let cluster = bench.cluster
    try cluster.txnOffsetCommit(bench.producer, bench.member, [input: OffsetAndMetadata(2)])
    #expect(throws: KafkaError.concurrentTransactions) { try cluster.initProducerID("lane") }
    try cluster.txnOffsetCommit(bench.producer, bench.member, [input: OffsetAndMetadata(3)])
    cluster.deliverAllMarkers()
    #expect(throws: KafkaError.invalidProducerEpoch) {
      try cluster.txnOffsetCommit(bench.producer, bench.member, [input: OffsetAndMetadata(4)])
    }
    #expect(cluster.commitHistory("ebb", input).isEmpty)
    #expect(try cluster.offsetFetch("ebb", [input])[input]?.offset == -1)
  }

  @Test func `Offsets that arrive late land in the next transaction of the session`() throws {
    let bench = try Bench()
    let cluster = bench.cluster
    cluster.faults.inject(.delay, on: [.txnOffsetCommit])
    #expect(throws: KafkaError.requestTimedOut) {
      try cluster.txnOffsetCommit(bench.producer, bench.member, [input: OffsetAndMetadata(5)])
    }
    try cluster.txnOffsetCommit(bench.producer, bench.member, [input: OffsetAndMetadata(5)])
    try cluster.endTransaction(bench.producer, .committed)
    cluster.deliverAllMarkers()
    try cluster.txnOffsetCommit(bench.producer, bench.member, [input: OffsetAndMetadata(6)])
    #expect(cluster.deliverDelayed(at: 0) == nil)
    try cluster.endTransaction(bench.producer, .committed)
    cluster.deliverAllMarkers()
    #expect(cluster.commitHistory("ebb", input).map(\.offset) == [5, 5])
  }

  @Test func `One commit after another is in the history, with the time of its marker`() throws {
    let bench = try Bench()
    let cluster = bench.cluster
    for offset in 1...3 {
      try cluster.txnOffsetCommit(
        bench.producer, bench.member, [input: OffsetAndMetadata(Int64(offset), "cut \(offset)")])
      try cluster.endTransaction(bench.producer, offset == 2 ? .aborted : .committed)
      cluster.advance(to: Int64(offset) * 10)
      cluster.deliverAllMarkers()
    }
    let history = cluster.commitHistory("ebb", input)
    #expect(history.map(\.metadata) == ["cut 1", "cut 3"])
    #expect(history.map(\.time) == [10, 30])
    #expect(history.allSatisfy { $0.producerID == bench.producer.producerID })
  }
}
