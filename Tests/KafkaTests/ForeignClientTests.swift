import Foundation
import Kafka
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct `Foreign clients` {
  @Test func `What kcat writes we read, and what we write kcat reads`() async throws {
    guard let kcat = Binaries.tool("kcat") else {
      print("SKIPPED: foreign clients: there is no kcat on this machine")
      return
    }
    let broker = try EmbeddedBroker()
    try broker.createTopic("clicks", partitions: 1)
    try broker.createTopic("alerts", partitions: 1)
    let wrote = try await run(
      kcat, ["-b", broker.bootstrap, "-P", "-t", "clicks", "-p", "0", "-K", "|", "-H", "source=kcat", "-Z"],
      input: "u1|one\nu2|two\nu3|\n")
    #expect(wrote.status == 0, "\(wrote.error)")
    let records = try Self.read(broker, count: 3)
    #expect(records.map { text($0.key) } == ["u1", "u2", "u3"])
    #expect(records.map { text($0.value) } == ["one", "two", nil])
    #expect(records.allSatisfy { $0.headers == ["source": bytes("kcat")] })

    try Self.write(broker)
    let read = try await run(
      kcat, ["-b", broker.bootstrap, "-C", "-t", "alerts", "-o", "beginning", "-e", "-q", "-f", "%k %s %h\n"])
    #expect(read.status == 0, "\(read.error)")
    #expect(read.output == "u9 {\"a\":1} ce_id=x7\n")
  }

  @Test func `The broker process tells its address first, serves, and ends when told`() async throws {
    guard let kcat = Binaries.tool("kcat") else {
      print("SKIPPED: the broker process: there is no kcat on this machine")
      return
    }
    let process = try RunningProcess(
      Binaries.path(of: "ebb-broker"), ["--topic", "clicks:3", "--brokers", "2"])
    let first = try await process.wait(for: .output) { $0.hasSuffix("\n") }
    let bootstrap = try #require(first.split(separator: "\n").first?.split(separator: "=").last)
    let listed = try await run(kcat, ["-b", String(bootstrap), "-L"])
    #expect(listed.output.contains("topic \"clicks\" with 3 partitions"))
    #expect(listed.output.contains("2 brokers"))
    let ended = try await process.stop()
    #expect(ended.status == 0)

    let fed = try await run(Binaries.path(of: "ebb-broker"), [], input: "", within: .seconds(120))
    #expect(fed.status == 0 && fed.output.hasPrefix("bootstrap="))
    let wrong = try await run(Binaries.path(of: "ebb-broker"), ["--topic", "clicks"])
    #expect(wrong.status != 0 && wrong.error.contains("NAME:PARTITIONS"))
  }

  private static func read(_ broker: borrowing EmbeddedBroker, count: Int) throws -> [KeptRecord] {
    var consumer = try Consumer(properties: properties(broker), group: "g")
    try consumer.subscribe(["clicks"])
    _ = try consumer.join()
    let records = try consumer.read(count)
    consumer.close(timeoutMilliseconds: 30_000)
    return records
  }

  private static func write(_ broker: borrowing EmbeddedBroker) throws {
    var producer = try Producer(properties: properties(broker))
    try producer.produce(
      topic: "alerts", key: bytes("u9"), value: bytes("{\"a\":1}"), headers: [RecordHeader("ce_id", "x7")])
    try producer.flush(timeoutMilliseconds: 60_000)
  }
}
