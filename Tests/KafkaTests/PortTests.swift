import Foundation
import Kafka
import Pipeline
import Testing

private func input(
  _ broker: borrowing EmbeddedBroker, lostOffset: LostOffsetPolicy = .stop, notices: Notices = Notices()
) throws -> KafkaInput {
  try KafkaInput(
    KafkaInput.Options(
      properties: properties(broker), topic: "clicks", group: "ebb", lostOffset: lostOffset,
      notice: { notices.keep($0) }))
}

private func output(
  _ broker: borrowing EmbeddedBroker, for input: borrowing KafkaInput, notices: Notices = Notices()
) throws -> KafkaOutput {
  try KafkaOutput(
    KafkaOutput.Options(
      properties: properties(broker), inputTopic: "clicks", topics: outputs, notice: { notices.keep($0) }),
    committer: input.makeCommitter())
}

private func committed(_ broker: borrowing EmbeddedBroker, partitions: Int32 = 2) throws -> [CommittedOffset]
{
  // A member of the same group that asks and never joins.
  let asking = try Consumer(properties: properties(broker), group: "ebb")
  return try asking.committed(
    (0..<partitions).map { TopicPartition("clicks", $0) }, timeoutMilliseconds: 30_000)
}

/// A cut of this lane's life.
private func cut(_ sequence: UInt64, for seen: Collector, _ sections: [CutSection]) throws -> Cut {
  Cut(number: number(sequence), membership: try #require(seen.membership), sections: sections)
}

@Suite(.timeLimit(.minutes(5))) struct `The two ports of a lane` {
  @Test func `A cut's records are written before its offsets are committed`() throws {
    let broker = try cluster()
    try fill(broker, partition: 0, ["a", "b"])
    try fill(broker, partition: 1, ["c"])
    var input = try input(broker)
    var output = try output(broker, for: input)
    var seen = Collector()
    #expect(input.isHealthy == false)
    try input.join(&seen)
    try eventually("both ends are reached") {
      _ = try input.poll(into: &seen, timeoutMilliseconds: 100)
      return seen.ends == [0: 2, 1: 1] ? () : nil
    }
    #expect(input.isHealthy == true)
    #expect(seen.told == [.assigned([0, 1])])
    #expect(seen.records.filter { $0.partition == 0 }.map(\.value) == ["a", "b"])
    #expect(seen.records.filter { $0.partition == 1 }.map(\.offset) == [0])
    let membership = try #require(seen.membership)
    #expect(membership.generation >= 0 && !membership.memberID.isEmpty)

    #expect(try output.progress(timeoutMilliseconds: 0) == .idle)
    // Longer than any pause of this process: until then the cut is under way.
    try broker.delay(.produce, broker: 1, milliseconds: 2_000)
    try output.begin(
      cut(
        7, for: seen,
        [
          CutSection(
            partition: 0, records: [alert("1"), alert("2", topic: .churnAlerts)], nextOffset: 2,
            metadata: "m0"),
          CutSection(
            partition: 1, records: [alert("3", topic: .deadLetters)],
            state: [alert("s", topic: .state), alert("t", topic: .state)], nextOffset: 1, metadata: "m1"),
        ]))
    #expect(try output.progress(timeoutMilliseconds: 50) == .pending)
    try eventually("the cut is committed") {
      try output.progress(timeoutMilliseconds: 100) == .committed(number(7), stateOffsets: [1: 1]) ? () : nil
    }
    #expect(try output.progress(timeoutMilliseconds: 0) == .idle)
    let now = try committed(broker)
    #expect(now.map(\.nextOffset) == [2, 1])
    #expect(now.map(\.metadata) == ["m0", "m1"])
    try input.close(into: &seen)
    #expect(seen.told.last == .revoked([0, 1]))
  }

  @Test func `A refused record ends the lane, and nothing is committed`() throws {
    let broker = try cluster()
    var input = try input(broker)
    var output = try output(broker, for: input)
    var seen = Collector()
    try input.join(&seen)
    broker.fail(.produce, with: [.messageTooLarge])
    try output.begin(
      cut(1, for: seen, [CutSection(partition: 0, records: [alert("x")], nextOffset: 5)]))
    var ended: PipelineError?
    do {
      try eventually("the refusal") {
        try output.progress(timeoutMilliseconds: 100) == .pending ? nil : ()
      }
    } catch let error as PipelineError {
      ended = error
    }
    let error = try #require(ended)
    #expect(error.code == .output)
    #expect(error.message.contains("topic cart-alerts") && error.hint.contains("max.message.bytes"))
    #expect(try committed(broker).map(\.nextOffset) == [nil, nil])
    output.abandon()
    #expect(try output.progress(timeoutMilliseconds: 0) == .idle)
    try input.close(into: &seen)
  }

  @Test func `A dead letter that its topic refuses for its size keeps its head, and the cut is committed`()
    throws
  {
    let broker = try cluster()
    let notices = Notices()
    var input = try input(broker)
    var output = try output(broker, for: input, notices: notices)
    var seen = Collector()
    try input.join(&seen)
    broker.fail(.produce, with: [.messageTooLarge])
    let long = String(repeating: "x", count: 1_000_000)
    try output.begin(
      cut(
        1, for: seen,
        [
          CutSection(partition: 0, records: [alert(long, topic: .deadLetters), alert("a")], nextOffset: 5)
        ]))
    try eventually("the cut is committed") {
      try output.progress(timeoutMilliseconds: 100) == .committed(number(1), stateOffsets: [:]) ? () : nil
    }
    #expect(try committed(broker).map(\.nextOffset) == [5, nil])
    #expect(notices.all.contains { $0.text.contains("for its size") })
    try input.close(into: &seen)
  }

  @Test func `A coordinator that is away delays a commit and loses nothing`() throws {
    let broker = try cluster()
    let notices = Notices()
    var input = try input(broker)
    var output = try output(broker, for: input, notices: notices)
    var seen = Collector()
    try input.join(&seen)
    broker.fail(.offsetCommit, with: [.requestTimedOut, .requestTimedOut])
    try output.begin(
      cut(3, for: seen, [CutSection(partition: 1, records: [alert("x")], nextOffset: 9)]))
    try eventually("the cut is committed") {
      try output.progress(timeoutMilliseconds: 100) == .committed(number(3), stateOffsets: [:]) ? () : nil
    }
    #expect(try committed(broker).map(\.nextOffset) == [nil, 9])
    try input.close(into: &seen)
  }

  @Test func `Late acknowledgements of an abandoned cut count for nothing`() throws {
    let broker = try cluster()
    var input = try input(broker)
    var output = try output(broker, for: input)
    var seen = Collector()
    try input.join(&seen)
    try broker.delay(.produce, broker: 1, milliseconds: 2_000)
    try output.begin(
      cut(1, for: seen, [CutSection(partition: 0, records: [alert("old")], nextOffset: 50)]))
    #expect(try output.progress(timeoutMilliseconds: 20) == .pending)
    output.abandon()
    try output.begin(
      cut(2, for: seen, [CutSection(partition: 1, records: [alert("new")], nextOffset: 60)]))
    try eventually("the second cut is committed") {
      try output.progress(timeoutMilliseconds: 100) == .committed(number(2), stateOffsets: [:]) ? () : nil
    }
    #expect(try committed(broker).map(\.nextOffset) == [nil, 60])
    try input.close(into: &seen)
  }

  @Test func `State is written when every alert is safe, and in the partition of its section`() throws {
    let broker = try cluster()
    var input = try input(broker)
    var output = try output(broker, for: input)
    var seen = Collector()
    try input.join(&seen)
    // The alert's acknowledgement comes late.
    try broker.delay(.produce, broker: 1, milliseconds: 2_000)
    try output.begin(
      cut(
        1, for: seen,
        [
          CutSection(partition: 0, state: [alert("s0", topic: .state)], nextOffset: 1),
          CutSection(partition: 1, records: [alert("a")], state: [alert("s1", topic: .state)], nextOffset: 1),
        ]))
    #expect(try output.progress(timeoutMilliseconds: 150) == .pending)
    #expect(try end(of: "state", 0, broker) + end(of: "state", 1, broker) == 0)
    try eventually("the cut is committed") {
      try output.progress(timeoutMilliseconds: 100) == .committed(number(1), stateOffsets: [0: 0, 1: 0])
        ? () : nil
    }
    #expect(try end(of: "state", 0, broker) == 1)
    #expect(try end(of: "state", 1, broker) == 1)
    try input.close(into: &seen)
  }

  @Test func `Nothing is read of a partition before it is started, and those that run go on where they are`()
    throws
  {
    let broker = try cluster()
    try fill(broker, partition: 0, ["a", "b", "c"])
    try fill(broker, partition: 1, ["d", "e"])
    var input = try input(broker)
    var seen = Collector()
    try eventually("assigned") {
      _ = try input.poll(into: &seen, timeoutMilliseconds: 100)
      return seen.told.isEmpty ? nil : ()
    }
    for _ in 0..<5 { _ = try input.poll(into: &seen, timeoutMilliseconds: 100) }
    #expect(seen.records.isEmpty && seen.ends.isEmpty)
    try input.start([PartitionOffset(1, 1)])
    try eventually("its end") {
      _ = try input.poll(into: &seen, timeoutMilliseconds: 100)
      return seen.ends == [1: 2] ? () : nil
    }
    #expect(seen.records.map(\.value) == ["e"])
    try input.start([PartitionOffset(0, 2)])
    try fill(broker, partition: 1, ["f"])
    try eventually("both ends") {
      _ = try input.poll(into: &seen, timeoutMilliseconds: 100)
      return seen.ends == [0: 3, 1: 3] ? () : nil
    }
    #expect(seen.records.filter { $0.partition == 0 }.map(\.value) == ["c"])
    #expect(seen.records.filter { $0.partition == 1 }.map(\.value) == ["e", "f"])
    #expect(input.isHealthy == true)
    try input.close(into: &seen)
  }

  @Test(arguments: [LostOffsetPolicy.stop, .earliest, .latest])
  func `A position that is gone while it is read is treated by its policy`(policy: LostOffsetPolicy) throws {
    let broker = try cluster(partitions: 1)
    try fill(broker, partition: 0, ["a", "b", "c"])
    let notices = Notices()
    var input = try input(broker, lostOffset: policy, notices: notices)
    var seen = Collector()
    // The broker says once that the position is not there, as when retention has just passed it.
    broker.fail(.fetch, with: [.offsetOutOfRange])
    try input.join(&seen, from: [0: 1])
    var ended: PipelineError?
    do {
      try eventually("the end of the partition or of the lane") {
        _ = try input.poll(into: &seen, timeoutMilliseconds: 100)
        return seen.ends == [0: 3] ? () : nil
      }
    } catch let error as PipelineError {
      ended = error
    }
    switch policy {
    case .stop:
      #expect(ended?.code == .offsetLost)
      #expect("\(try #require(ended))".contains("partition 0 of topic clicks"))
    // What is kept begins before the position: the log is another one by now.
    case .earliest:
      #expect(ended?.code == .offsetLost)
      #expect(ended?.hint.contains("made anew") == true)
    case .latest:
      #expect(ended == nil)
      #expect(seen.records.isEmpty)
      #expect(notices.all.contains { $0.text.contains("is gone") })
    }
    try input.close(into: &seen)
  }

  @Test func `While the brokers are away the input is not healthy, and it recovers by itself`() throws {
    let broker = try cluster(partitions: 1)
    let notices = Notices()
    var input = try input(broker, notices: notices)
    var seen = Collector()
    try input.join(&seen)
    try eventually("healthy") {
      _ = try input.poll(into: &seen, timeoutMilliseconds: 100)
      return input.isHealthy ? () : nil
    }
    try broker.takeDown()
    try eventually("unhealthy") {
      _ = try input.poll(into: &seen, timeoutMilliseconds: 100)
      return input.isHealthy ? nil : ()
    }
    #expect(notices.all.contains { $0.level == .warning && $0.text.contains("kafka.brokers") })
    try broker.bringUp()
    try eventually("healthy again") {
      _ = try input.poll(into: &seen, timeoutMilliseconds: 100)
      return input.isHealthy ? () : nil
    }
    try fill(broker, partition: 0, ["after"])
    try eventually("the record") {
      _ = try input.poll(into: &seen, timeoutMilliseconds: 100)
      return seen.records.map(\.value) == ["after"] ? () : nil
    }
    try input.close(into: &seen)
  }
}
