import Foundation
import Pipeline
import Synchronization
import TestSupport
import Testing

@testable import Kafka

@Suite(.timeLimit(.minutes(5))) struct `A look at the cluster before the start` {
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
    #expect(try admin.topics(timeoutMilliseconds: 30_000)["nowhere"] == nil)
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
    #expect(ContinuousClock.now - began < promised(.seconds(8)))
    let stopped = try Preflight.run(
      properties: ClientProperties(bootstrap: "127.0.0.1:1"), topics: ["clicks"],
      notice: { notices.keep($0) },
      stop: { !notices.all.isEmpty })
    #expect(stopped == nil)
    #expect(notices.all.first?.text.contains("kafka.brokers") == true)
  }

  @Test func `A state topic that does not fit the input is refused with its remedy`() throws {
    let broker = try cluster(partitions: 3)
    try broker.createTopic("narrow", partitions: 2)
    let outputs = ["cart-alerts", "churn-alerts", "dead-letters"]
    let found = try Preflight.run(
      properties: properties(broker),
      topics: Preflight.Topics(input: "clicks", state: "state", outputs: outputs), notice: { _ in })
    #expect(found?["state"]?.partitions == 3)
    var ended: PipelineError?
    do {
      _ = try Preflight.run(
        properties: properties(broker),
        topics: Preflight.Topics(input: "clicks", state: "narrow", outputs: outputs), notice: { _ in })
    } catch {
      ended = error
    }
    let error = try #require(ended)
    #expect(error.code == .configuration)
    #expect(error.message.contains("3 partitions") && error.message.contains("2"))
    #expect(error.hint.contains("re-partition"))
  }

  @Test(arguments: [
    ("compact", true, false), (" compact ", true, false), ("delete", false, true),
    ("compact,delete", false, false), ("delete, compact", false, false), ("", false, true),
  ])
  func `Only compaction alone keeps state, and only deletion alone keeps input`(
    policy: String, fitsState: Bool, fitsInput: Bool
  ) {
    func passes(_ check: () throws(PipelineError) -> Void) -> Bool {
      do throws(PipelineError) {
        try check()
        return true
      } catch {
        return !error.message.contains("cleanup.policy")
      }
    }
    #expect(passes { () throws(PipelineError) in try TopicPolicy.checkState("s", policy) } == fitsState)
    #expect(passes { () throws(PipelineError) in try TopicPolicy.checkInput("i", policy) } == fitsInput)
  }

  @Test func `Partitions added to the input are noticed while it runs`() throws {
    let broker = try cluster(partitions: 2)
    try broker.createTopic("grown", partitions: 3)
    let told = Mutex<PipelineError?>(nil)
    let watch = PartitionWatch(everyMilliseconds: 20)
    defer { watch.stop() }
    watch.start(
      properties: properties(broker), topics: Preflight.Topics(input: "grown", state: "state", outputs: [])
    ) { error in told.withLock { $0 = error } }
    try eventually("told") {
      usleep(10_000)
      return told.withLock { $0?.code == .configuration } ? () : nil
    }
  }
}
