import Foundation
import Kafka
import Pipeline
import Testing

private func source(
  _ broker: borrowing EmbeddedBroker, start: StartPosition = .earliest, lostOffset: LostOffsetPolicy = .stop,
  stateTopic: String = "state", notices: Notices = Notices()
) throws -> KafkaRecoverySource {
  try KafkaRecoverySource(
    KafkaRecoverySource.Options(
      properties: properties(broker), group: "ebb", inputTopic: "clicks", stateTopic: stateTopic,
      start: start,
      lostOffset: lostOffset, notice: { notices.keep($0) }))
}

@Suite(.timeLimit(.minutes(5))) struct `What recovery reads` {
  @Test func `Both topics are read one after the other, each to its end`() throws {
    let broker = try cluster()
    try fill(broker, "state", partition: 1, ["s0", "s1", "s2"])
    try fill(broker, partition: 1, ["i0", "i1"])
    try fill(broker, partition: 0, ["other"])
    var source = try source(broker)
    var seen = Collector()
    try source.open(.state, 1, from: 1)
    try eventually("the end of the state") {
      try source.read(into: &seen, timeoutMilliseconds: 100)
      return seen.ends == [1: 3] ? () : nil
    }
    #expect(seen.records.map(\.value) == ["s1", "s2"])
    try source.open(.input, 1, from: 0)
    seen = Collector()
    try eventually("the end of the input") {
      try source.read(into: &seen, timeoutMilliseconds: 100)
      return seen.ends == [1: 2] ? () : nil
    }
    #expect(seen.records.map(\.value) == ["i0", "i1"])
    source.close()
    seen = Collector()
    try fill(broker, partition: 1, ["i2"])
    for _ in 0..<3 { try source.read(into: &seen, timeoutMilliseconds: 50) }
    #expect(seen.records.isEmpty)
  }

  @Test func `Bounds, partitions and commits are told as the brokers have them`() throws {
    let broker = try cluster(partitions: 3)
    try fill(broker, partition: 2, ["a", "b"])
    let asking = try Consumer(properties: properties(broker), group: "ebb")
    try asking.commit(
      [OffsetCommit(partition: TopicPartition("clicks", 2), nextOffset: 1, metadata: "ebb1:x")],
      timeoutMilliseconds: 60_000)
    var source = try source(broker)
    let bounds = try eventually("bounds") { try source.bounds(.input, 2) }
    #expect(bounds.low == 0 && bounds.high == 2)
    let state = try eventually("bounds") { try source.bounds(.state, 2) }
    #expect(state.low == 0 && state.high == 0)
    let counts = try eventually("counts") { try source.partitionCounts() }
    #expect(counts.input == 3 && counts.state == 3)
    let committed = try eventually("a commit") { try source.committed(2) }
    #expect(committed == CommittedPosition(nextOffset: 1, metadata: "ebb1:x"))
    let none = try eventually("no commit") { try source.committed(1) }
    #expect(none == .some(nil))
  }

  @Test func `Leaders that have moved are found anew`() throws {
    let broker = try EmbeddedBroker(brokers: 2)
    for topic in ["clicks", "state"] { try broker.createTopic(topic, partitions: 1) }
    try fill(broker, partition: 0, ["a"])
    var source = try source(broker)
    for leader in [Int32(1), 2, 1, 2] {
      for topic in ["clicks", "state"] {
        try broker.setLeader(of: TopicPartition(topic, 0), broker: leader)
      }
      let input = try eventually(within: 30, "bounds of the input") { try source.bounds(.input, 0) }
      #expect(input.low == 0 && input.high == 1)
      let state = try eventually(within: 30, "bounds of the state") { try source.bounds(.state, 0) }
      #expect(state.low == 0 && state.high == 0)
    }
  }

  @Test(arguments: [(StartPosition.earliest, Int64(0)), (.latest, 2)])
  func `A group without commits begins as configured`(start: StartPosition, expected: Int64) throws {
    let broker = try cluster()
    try fill(broker, partition: 0, ["a", "b"])
    var source = try source(broker, start: start)
    #expect(try eventually("a start") { try source.start(0) } == expected)
  }

  @Test(arguments: [LostOffsetPolicy.stop, .earliest, .latest], [Int64(4), 60])
  func `What is gone of the input is treated by its policy`(policy: LostOffsetPolicy, committed: Int64) throws
  {
    let broker = try cluster()
    let notices = Notices()
    var source = try source(broker, lostOffset: policy, notices: notices)
    do throws(PipelineError) {
      let next = try source.replacement(1, committed: committed, low: 10, high: 80)
      #expect(next == (policy == .earliest ? 10 : 80))
      #expect(policy != .stop)
      #expect(notices.all.contains { $0.text.contains("partition 1 of topic clicks") })
    } catch {
      #expect(policy == .stop)
      #expect(error.code == .offsetLost)
      #expect("\(error)".contains("partition 1 of topic clicks") && "\(error)".contains("10 to 80"))
      #expect(error.hint.contains("earliest or latest"))
    }
  }

  @Test func `While brokers are away there is no answer, and the operator is told once`() throws {
    let broker = try cluster()
    let notices = Notices()
    var source = try source(broker, notices: notices)
    _ = try eventually("bounds") { try source.bounds(.input, 0) }
    try broker.takeDown()
    for _ in 0..<3 {
      #expect(try source.committed(0) == nil)
      #expect(try source.bounds(.input, 0) == nil)
      #expect(try source.partitionCounts() == nil)
    }
    #expect(notices.all.count { $0.level == .warning && $0.text.contains("recovering waits") } <= 2)
    #expect(notices.all.contains { $0.text.contains("trying again") })
    try broker.bringUp()
    let bounds = try eventually("bounds again") { try source.bounds(.input, 0) }
    #expect(bounds.high == 0)
    #expect(notices.all.contains { $0.text.contains("answer again") })
  }

  @Test func `Offsets that an open transaction may change are no answer`() throws {
    let broker = try cluster()
    var source = try source(broker)
    #expect(try eventually("no commit") { try source.committed(0) } == .some(nil))
    broker.fail(.offsetFetch, with: Array(repeating: .unstableOffset, count: 40))
    #expect(try source.committed(0) == nil)
    broker.clearFailures(of: .offsetFetch)
    #expect(try eventually("no commit") { try source.committed(0) } == .some(nil))
  }

  @Test func `Topics and access that are missing end it with a remedy`() throws {
    let broker = try cluster()
    var nowhere = try source(broker, stateTopic: "nowhere")
    do throws(PipelineError) {
      _ = try nowhere.partitionCounts()
      Issue.record("counted a topic that is not there")
    } catch {
      #expect(error.message.contains("topic nowhere") && error.hint.contains("ebbd topics --create"))
    }
    var refused = try source(broker)
    // Until the coordinator is found there is no answer at all, not even a refusal.
    broker.fail(.offsetFetch, with: Array(repeating: .groupAuthorizationFailed, count: 100))
    do {
      try eventually("the refusal") {
        _ = try refused.committed(0)
        return nil as Void?
      }
    } catch let error as PipelineError {
      #expect(error.hint.contains("Read on group ebb"))
    }
  }

  @Test func `A position that is not kept ends the reading`() throws {
    let broker = try cluster()
    try fill(broker, "state", partition: 0, ["a"])
    var source = try source(broker)
    try source.open(.state, 0, from: 50)
    var seen = Collector()
    do {
      try eventually("the refusal") {
        try source.read(into: &seen, timeoutMilliseconds: 100)
        return nil as Void?
      }
    } catch let error as PipelineError {
      #expect(error.code == .offsetLost)
      #expect(error.message.contains("topic state"))
    }
  }
}
