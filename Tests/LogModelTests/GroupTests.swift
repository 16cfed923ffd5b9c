import LogModel
import Testing

/// Members, generations and static ids.
@Suite struct GroupTests {
  @Test func `A second member shares the partitions in a new generation`() throws {
    let cluster = try cluster()
    let first = try cluster.join("ebb", instance: "a")
    #expect(first.generation == 1)
    let second = try cluster.joinGroup("ebb", instanceID: "b", topics: ["input"], sessionTimeout: 1000)
    #expect(throws: KafkaError.rebalanceInProgress) { try cluster.heartbeat(first) }
    #expect(try cluster.syncGroup("ebb", memberID: second, instanceID: "b") == nil)
    #expect(throws: KafkaError.rebalanceInProgress) {
      try cluster.syncGroup("ebb", memberID: first.memberID, instanceID: "a")
    }
    _ = try cluster.joinGroup("ebb", memberID: first.memberID, instanceID: "a", topics: ["input"])
    #expect(throws: KafkaError.illegalGeneration) { try cluster.heartbeat(first) }
    let mine = try #require(try cluster.syncGroup("ebb", memberID: first.memberID, instanceID: "a"))
    let theirs = try #require(try cluster.syncGroup("ebb", memberID: second, instanceID: "b"))
    #expect(mine.generation == 2)
    #expect(mine.isLeader && !theirs.isLeader)
    #expect(mine.partitions == [TopicPartition("input", 0)])
    #expect(theirs.partitions == [TopicPartition("input", 1)])
  }

  @Test func `A static member that comes back fences its old id and moves no generation`() throws {
    let cluster = try cluster()
    let old = try cluster.join("ebb", instance: "a")
    let new = try cluster.join("ebb", instance: "a")
    #expect(new.generation == old.generation)
    #expect(new.memberID != old.memberID)
    #expect(cluster.membership("ebb").members == [new.memberID])
    #expect(throws: KafkaError.fencedInstanceID) { try cluster.heartbeat(old) }
    #expect(throws: KafkaError.fencedInstanceID) {
      try cluster.joinGroup("ebb", memberID: old.memberID, instanceID: "a", topics: ["input"])
    }
    let producer = try cluster.newProducer("lane")
    #expect(throws: KafkaError.fencedInstanceID) {
      try cluster.txnOffsetCommit(producer, old, [input: OffsetAndMetadata(1)])
    }
    try cluster.txnOffsetCommit(producer, new, [input: OffsetAndMetadata(1)])
  }

  @Test func `A member beyond its session is removed, and its partitions go to the others`() throws {
    let cluster = try cluster()
    let first = try cluster.join("ebb", instance: "a")
    let second = try cluster.joinGroup("ebb", instanceID: "b", topics: ["input"], sessionTimeout: 5000)
    _ = try cluster.joinGroup("ebb", memberID: first.memberID, instanceID: "a", topics: ["input"])
    _ = try cluster.syncGroup("ebb", memberID: first.memberID, instanceID: "a")
    _ = try cluster.syncGroup("ebb", memberID: second, instanceID: "b")
    #expect(cluster.nextDeadline == 1001)
    cluster.advance(to: 1001)
    #expect(cluster.membership("ebb").members == [second])
    #expect(throws: KafkaError.rebalanceInProgress) {
      try cluster.syncGroup("ebb", memberID: second, instanceID: "b")
    }
    _ = try cluster.joinGroup("ebb", memberID: second, instanceID: "b", topics: ["input"])
    let all = try #require(try cluster.syncGroup("ebb", memberID: second, instanceID: "b"))
    #expect(all.generation == 3)
    #expect(all.partitions.count == 2)
    #expect(throws: KafkaError.unknownMemberID) {
      try cluster.heartbeat(first)
    }
  }

  @Test func `A heartbeat and a plain commit keep the session, a transaction's offsets do not`() throws {
    let cluster = try cluster()
    let member = try cluster.join("ebb", instance: "a")
    cluster.advance(to: 900)
    try cluster.heartbeat(member)
    cluster.advance(to: 1800)
    try cluster.offsetCommit(member, [input: OffsetAndMetadata(1)])
    cluster.advance(to: 2700)
    let producer = try cluster.newProducer("lane")
    try cluster.txnOffsetCommit(producer, member, [input: OffsetAndMetadata(1)])
    cluster.advance(to: 2801)
    #expect(cluster.membership("ebb").members.isEmpty)
    // What the transaction holds already is committed all the same.
    try cluster.endTransaction(producer, .committed)
    cluster.deliverAllMarkers()
    #expect(cluster.committedOffsets("ebb")[input]?.offset == 1)
  }

  @Test func `An empty group takes plain commits without a generation`() throws {
    let cluster = try cluster()
    let member = try cluster.join("ebb", instance: "a")
    try cluster.leaveGroup("ebb", memberID: member.memberID, instanceID: "a")
    #expect(cluster.membership("ebb").generation == 2)
    try cluster.offsetCommit(GroupMetadata(group: "ebb"), [input: OffsetAndMetadata(4)])
    #expect(throws: KafkaError.unknownMemberID) {
      try cluster.offsetCommit(member, [input: OffsetAndMetadata(5)])
    }
  }

  @Test func `A rebalance ends without dynamic members who stay away and keeps static ones`() throws {
    let cluster = try cluster()
    let fixed = try cluster.joinGroup("ebb", instanceID: "a", topics: ["input"], rebalanceTimeout: 100)
    _ = try cluster.syncGroup("ebb", memberID: fixed, instanceID: "a")
    let loose = try cluster.joinGroup("ebb", topics: ["input"], rebalanceTimeout: 100)
    _ = try cluster.joinGroup("ebb", memberID: fixed, instanceID: "a", topics: ["input"])
    let third = try cluster.joinGroup("ebb", instanceID: "c", topics: ["input"], rebalanceTimeout: 100)
    cluster.advance(to: 99)
    #expect(try cluster.syncGroup("ebb", memberID: third, instanceID: "c") == nil)
    cluster.advance(to: 100)
    #expect(cluster.membership("ebb").members == [fixed, third])
    let assignment = try #require(try cluster.syncGroup("ebb", memberID: third, instanceID: "c"))
    #expect(assignment.isLeader)
    #expect(assignment.partitions == [TopicPartition("input", 1)])
    #expect(throws: KafkaError.unknownMemberID) { try cluster.syncGroup("ebb", memberID: loose) }
  }

  @Test func `New partitions are shared out at the next rebalance`() throws {
    let cluster = try cluster()
    let member = try cluster.join("ebb", instance: "a")
    try cluster.createPartitions("input", total: 3)
    #expect(try cluster.syncGroup("ebb", memberID: member.memberID, instanceID: "a")?.partitions.count == 2)
    _ = try cluster.joinGroup("ebb", memberID: member.memberID, instanceID: "a", topics: ["input"])
    let wider = try #require(try cluster.syncGroup("ebb", memberID: member.memberID, instanceID: "a"))
    #expect(wider.partitions.count == 3)
    #expect(wider.generation == 2)
  }

  @Test func `The first members of a group wait for others as long as the broker says`() throws {
    var configuration = Configuration()
    configuration.initialRebalanceDelayMilliseconds = 3000
    let cluster = try cluster(configuration)
    let member = try cluster.joinGroup("ebb", instanceID: "a", topics: ["input"])
    #expect(try cluster.syncGroup("ebb", memberID: member, instanceID: "a") == nil)
    #expect(cluster.nextDeadline == 3000)
    cluster.advance(to: 3000)
    #expect(try cluster.syncGroup("ebb", memberID: member, instanceID: "a")?.generation == 1)
  }
}
