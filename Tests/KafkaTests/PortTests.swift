import Foundation
import Kafka
import Pipeline
import Testing

private let outputs: [OutputTopic: String] = [
  .cartAlerts: "cart-alerts", .churnAlerts: "churn-alerts", .deadLetters: "dead-letters",
]

/// An embedded broker with an input of so many partitions and the output topics.
private func cluster(partitions: Int = 2) throws -> EmbeddedBroker {
  let broker = try EmbeddedBroker()
  try broker.createTopic("clicks", partitions: partitions)
  for topic in outputs.values { try broker.createTopic(topic, partitions: 2) }
  return broker
}

private func fill(_ broker: borrowing EmbeddedBroker, partition: Int32, _ values: [String]) throws {
  var producer = try Producer(properties: properties(broker))
  for value in values {
    try producer.produce(topic: "clicks", key: bytes("u"), value: bytes(value), partition: partition)
  }
  try producer.flush(timeoutMilliseconds: 10_000)
}

private func input(
  _ broker: borrowing EmbeddedBroker, start: StartPosition = .earliest, lostOffset: LostOffsetPolicy = .stop,
  notices: Notices = Notices()
) throws -> KafkaInput {
  try KafkaInput(
    KafkaInput.Options(
      properties: properties(broker), topic: "clicks", group: "ebb", start: start,
      lostOffset: lostOffset, notice: { notices.keep($0) }))
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
    (0..<partitions).map { TopicPartition("clicks", $0) }, timeoutMilliseconds: 5_000)
}

/// Polls until the input has been told of its partitions.
private func join(_ input: inout KafkaInput, _ seen: inout Collector) throws {
  try eventually("assigned") {
    _ = try input.poll(into: &seen, timeoutMilliseconds: 100)
    return seen.told.isEmpty ? nil : ()
  }
}

private func alert(_ value: String, topic: OutputTopic = .cartAlerts) -> OutputRecord {
  OutputRecord(
    topic: topic, key: bytes("u"), value: bytes(value), headers: [.init(name: "ce_id", value: bytes(value))])
}

@Suite(.timeLimit(.minutes(1))) struct `The two ports of a lane` {
  @Test func `A cut's records are written before its offsets are committed`() throws {
    let broker = try cluster()
    try fill(broker, partition: 0, ["a", "b"])
    try fill(broker, partition: 1, ["c"])
    var input = try input(broker)
    var output = try output(broker, for: input)
    var seen = Collector()
    #expect(input.isHealthy == false)
    try eventually("both ends are reached") {
      _ = try input.poll(into: &seen, timeoutMilliseconds: 100)
      return seen.ends == [0: 2, 1: 1] ? () : nil
    }
    #expect(input.isHealthy == true)
    #expect(seen.told == [.assigned([0, 1])])
    #expect(seen.records.filter { $0.partition == 0 }.map(\.value) == ["a", "b"])
    #expect(seen.records.filter { $0.partition == 1 }.map(\.offset) == [0])
    #expect(
      try committed(broker).map(\.nextOffset) == [0, 0], "the start is committed before the first record")

    #expect(try output.progress(timeoutMilliseconds: 0) == .idle)
    try broker.setRoundTrip(milliseconds: 300)
    try output.begin(
      Cut(
        number: 7,
        sections: [
          CutSection(
            partition: 0, records: [alert("1"), alert("2", topic: .churnAlerts)], nextOffset: 2,
            metadata: "m0"),
          CutSection(partition: 1, records: [alert("3", topic: .deadLetters)], nextOffset: 1, metadata: "m1"),
        ]))
    #expect(try output.progress(timeoutMilliseconds: 50) == .pending)
    try eventually("the cut is committed") {
      try output.progress(timeoutMilliseconds: 100) == .committed(7) ? () : nil
    }
    try broker.setRoundTrip(milliseconds: 0)
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
    try join(&input, &seen)
    broker.fail(.produce, with: [.messageTooLarge])
    try output.begin(
      Cut(number: 1, sections: [CutSection(partition: 0, records: [alert("x")], nextOffset: 5)]))
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
    #expect(try committed(broker).map(\.nextOffset) == [0, 0])
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
    try join(&input, &seen)
    broker.fail(.produce, with: [.messageTooLarge])
    let long = String(repeating: "x", count: 1_000_000)
    try output.begin(
      Cut(
        number: 1,
        sections: [
          CutSection(partition: 0, records: [alert(long, topic: .deadLetters), alert("a")], nextOffset: 5)
        ]))
    try eventually("the cut is committed") {
      try output.progress(timeoutMilliseconds: 100) == .committed(1) ? () : nil
    }
    #expect(try committed(broker).map(\.nextOffset) == [5, 0])
    #expect(notices.all.contains { $0.text.contains("for its size") })
    try input.close(into: &seen)
  }

  @Test func `A coordinator that is away delays a commit and loses nothing`() throws {
    let broker = try cluster()
    let notices = Notices()
    var input = try input(broker)
    var output = try output(broker, for: input, notices: notices)
    var seen = Collector()
    try join(&input, &seen)
    broker.fail(.offsetCommit, with: [.requestTimedOut, .requestTimedOut])
    try output.begin(
      Cut(number: 3, sections: [CutSection(partition: 1, records: [alert("x")], nextOffset: 9)]))
    try eventually("the cut is committed") {
      try output.progress(timeoutMilliseconds: 100) == .committed(3) ? () : nil
    }
    #expect(try committed(broker).map(\.nextOffset) == [0, 9])
    try input.close(into: &seen)
  }

  @Test func `Late acknowledgements of an abandoned cut count for nothing`() throws {
    let broker = try cluster()
    var input = try input(broker)
    var output = try output(broker, for: input)
    var seen = Collector()
    try join(&input, &seen)
    try broker.setRoundTrip(milliseconds: 500)
    try output.begin(
      Cut(number: 1, sections: [CutSection(partition: 0, records: [alert("old")], nextOffset: 50)]))
    #expect(try output.progress(timeoutMilliseconds: 20) == .pending)
    output.abandon()
    try output.begin(
      Cut(number: 2, sections: [CutSection(partition: 1, records: [alert("new")], nextOffset: 60)]))
    try eventually("the second cut is committed") {
      try output.progress(timeoutMilliseconds: 100) == .committed(2) ? () : nil
    }
    try broker.setRoundTrip(milliseconds: 0)
    #expect(try committed(broker).map(\.nextOffset) == [0, 60])
    try input.close(into: &seen)
  }

  @Test func `A restart goes on from the commit`() throws {
    let broker = try cluster(partitions: 1)
    try fill(broker, partition: 0, ["a", "b", "c"])
    do {
      var first = try input(broker)
      var output = try output(broker, for: first)
      var seen = Collector()
      try eventually("the end") {
        _ = try first.poll(into: &seen, timeoutMilliseconds: 100)
        return seen.ends == [0: 3] ? () : nil
      }
      try output.begin(Cut(number: 1, sections: [CutSection(partition: 0, nextOffset: 2)]))
      try eventually("committed") {
        try output.progress(timeoutMilliseconds: 100) == .committed(1) ? () : nil
      }
      try first.close(into: &seen)
    }
    var second = try input(broker, start: .latest)
    var seen = Collector()
    try eventually("the end") {
      _ = try second.poll(into: &seen, timeoutMilliseconds: 100)
      return seen.ends == [0: 3] ? () : nil
    }
    #expect(seen.records.map(\.value) == ["c"])
    try second.close(into: &seen)
  }

  @Test(arguments: [LostOffsetPolicy.stop, .earliest, .latest])
  func `A position that is gone is treated by its policy`(policy: LostOffsetPolicy) throws {
    let broker = try cluster(partitions: 1)
    try fill(broker, partition: 0, ["a", "b"])
    do {
      var earlier = try Consumer(properties: properties(broker), group: "ebb")
      try earlier.subscribe(["clicks"])
      let partitions = try earlier.join()
      try earlier.commit(
        [OffsetCommit(partition: partitions[0], nextOffset: 500)], timeoutMilliseconds: 5_000)
      earlier.close(timeoutMilliseconds: 5_000)
    }
    let notices = Notices()
    var input = try input(broker, lostOffset: policy, notices: notices)
    var seen = Collector()
    if policy == .stop {
      var ended: PipelineError?
      do {
        try eventually("the end of the lane") {
          _ = try input.poll(into: &seen, timeoutMilliseconds: 100)
          return seen.told.isEmpty ? nil : ()
        }
      } catch let error as PipelineError {
        ended = error
      }
      let error = try #require(ended)
      #expect(error.code == .offsetLost)
      #expect("\(error)".contains("partition 0 of topic clicks") && "\(error)".contains("500"))
    } else {
      try eventually("the end") {
        _ = try input.poll(into: &seen, timeoutMilliseconds: 100)
        return seen.ends == [0: 2] ? () : nil
      }
      #expect(seen.records.map(\.value) == (policy == .earliest ? ["a", "b"] : []))
      #expect(notices.all.contains { $0.text.contains("is gone") })
    }
    try input.close(into: &seen)
  }

  @Test func `While the brokers are away the input is not healthy, and it recovers by itself`() throws {
    let broker = try cluster(partitions: 1)
    let notices = Notices()
    var input = try input(broker, notices: notices)
    var seen = Collector()
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

@Suite(.timeLimit(.minutes(1))) struct `A look at the cluster before the start` {
  @Test func `A missing topic is named with its remedy`() throws {
    let broker = try cluster()
    var ended: PipelineError?
    do {
      _ = try Preflight.run(
        properties: properties(broker), topics: ["clicks", "nowhere", "nothing"], notice: { _ in })
    } catch {
      ended = error
    }
    let error = try #require(ended)
    #expect(error.message.contains("topic nowhere, topic nothing") && !error.message.contains("clicks"))
    #expect(error.hint.contains("ebbd topics --create"))
    // Looking must not create what is missing, which asking by name would.
    let admin = try Admin(properties: properties(broker))
    #expect(try admin.topics(timeoutMilliseconds: 5_000)["nowhere"] == nil)
    let found = try Preflight.run(properties: properties(broker), topics: ["clicks"], notice: { _ in })
    #expect(found?["clicks"]?.partitions == 2)
  }

  @Test func `Brokers that cannot be reached are told of at once and waited for`() throws {
    let notices = Notices()
    let began = ContinuousClock.now
    #expect(throws: PipelineError.self) {
      _ = try Preflight.run(
        properties: ClientProperties(bootstrap: "127.0.0.1:1"), topics: ["clicks"],
        patienceMilliseconds: 1_000,
        notice: { notices.keep($0) })
    }
    #expect(ContinuousClock.now - began < .seconds(8))
    let stopped = try Preflight.run(
      properties: ClientProperties(bootstrap: "127.0.0.1:1"), topics: ["clicks"],
      notice: { notices.keep($0) },
      stop: { !notices.all.isEmpty })
    #expect(stopped == nil)
    #expect(notices.all.first?.text.contains("kafka.brokers") == true)
  }
}
