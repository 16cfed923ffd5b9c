// Helpers of the process tests: the embedded broker and the daemon as processes of their own, and two clients
// that share no code with them, kcat and Debian's python3-kafka.
//
// Every test has its own broker on a port that the kernel chose, so that tests run side by side. Whatever is
// waited for has a bound; nothing is slept for.

import Foundation
import TestSupport
import Testing

/// A record as a client outside tells of it.
struct ForeignRecord: Sendable, Hashable, Decodable {
  var partition: Int
  var offset: Int64
  var key: Data?
  var value: Data?
  var headers: [String: String]

  var keyText: String? { key.map { String(decoding: $0, as: UTF8.self) } }
  var valueText: String? { value.map { String(decoding: $0, as: UTF8.self) } }
}

/// The embedded broker as a process.
final class Cluster: Sendable {
  let process: RunningProcess
  let bootstrap: String

  static let input = "clickstream"
  static let cart = "ebb.cart"
  static let churn = "ebb.churn"
  static let deadLetters = "ebb.dead-letters"
  static let state = "ebb.state"

  private init(_ process: RunningProcess, _ bootstrap: String) {
    self.process = process
    self.bootstrap = bootstrap
  }

  /// Starts one with topics, `NAME:PARTITIONS`, and further arguments; it takes orders.
  static func start(topics: [String], _ arguments: [String] = []) async throws -> Cluster {
    let process = try RunningProcess(
      Binaries.path(of: "ebb-broker"), topics.flatMap { ["--topic", $0] } + arguments, keepsInputOpen: true)
    let first = try await process.wait(for: .output, within: .seconds(60)) { $0.contains("\n") }
    let address = try #require(first.split(separator: "\n").first?.split(separator: "=").last)
    return Cluster(process, String(address))
  }

  /// Starts one with the topics that the daemon needs: the state topic has the input's partitions, the other output
  /// topics one each.
  static func start(partitions: Int = 1, outputTopics: Bool = true) async throws -> Cluster {
    var topics = ["\(input):\(partitions)"]
    if outputTopics { topics += [cart, churn, deadLetters].map { "\($0):1" } + ["\(state):\(partitions)"] }
    return try await start(topics: topics)
  }

  /// Has the broker do something, a line as its help has them, and waits until it is done.
  func order(_ line: String) async throws {
    let seen = process.lines(.output).count
    try process.write(line)
    let answer = try await eventually("the broker has done: \(line)") {
      process.lines(.output).dropFirst(seen).first
    }
    guard answer == line else { throw TestSupportError("ebb-broker: \(answer)") }
  }

  /// Takes all brokers down, or brings them up again, and waits until that is done.
  func setBrokers(up: Bool) async throws {
    let word = up ? "up" : "down"
    let count = { self.process.lines(.output).count { $0 == word } }
    let before = count()
    process.send(up ? SIGUSR2 : SIGUSR1)
    _ = try await eventually("the brokers are \(word)") { count() > before ? true : nil }
  }
}

// MARK: kcat

extension Cluster {
  /// Sends lines as kcat reads them: the key, a tab, the value.
  func send(
    _ lines: some Sequence<String>, to topic: String = input, partition: Int? = 0, _ more: [String] = []
  )
    async throws
  {
    try await send(Data(lines.map { $0 + "\n" }.joined().utf8), to: topic, partition: partition, more)
  }

  func send(_ input: Data, to topic: String = input, partition: Int? = 0, _ more: [String] = []) async throws
  {
    let place = partition.map { ["-p", "\($0)"] } ?? []
    let sent = try await run(
      Self.kcat(), ["-P", "-b", bootstrap, "-t", topic, "-K", "\\t"] + place + more, input: input)
    try #require(sent.status == 0, "\(sent.error)")
  }

  /// Sends each value as one record, in this order and under one key: a file each, so that they may hold anything.
  func send(values: [Data], key: String, partition: Int = 0) async throws {
    try await withTemporaryDirectory { directory in
      var paths: [String] = []
      for (index, value) in values.enumerated() {
        paths.append("\(directory)/\(index)")
        try value.write(to: URL(fileURLWithPath: paths[index]))
      }
      let sent = try await run(
        Self.kcat(),
        [
          "-P", "-b", bootstrap, "-t", Self.input, "-p", "\(partition)", "-k", key, "-X",
          "message.max.bytes=20000000",
        ] + paths)
      try #require(sent.status == 0, "\(sent.error)")
    }
  }

  /// The first `count` records of a topic as kcat reads them; waits for them.
  func read(_ topic: String, count: Int, within limit: Duration = .seconds(120)) async throws
    -> [ForeignRecord]
  {
    let read = try await run(
      Self.kcat(), ["-C", "-b", bootstrap, "-t", topic, "-o", "beginning", "-c", "\(count)", "-J", "-q"],
      within: limit)
    try #require(read.status == 0, "\(read.error)")
    return try Self.records(ofKcat: read.output)
  }

  /// Everything that a topic holds now, as kcat reads it.
  func readAll(_ topic: String) async throws -> [ForeignRecord] {
    let read = try await run(
      Self.kcat(), ["-C", "-b", bootstrap, "-t", topic, "-o", "beginning", "-e", "-J", "-q"])
    try #require(read.status == 0, "\(read.error)")
    return try Self.records(ofKcat: read.output)
  }

  private static func kcat() throws -> String {
    guard let kcat = Binaries.tool("kcat") else { throw TestSupportError("there is no kcat on this machine") }
    return kcat
  }

  private static func records(ofKcat output: String) throws -> [ForeignRecord] {
    struct Envelope: Decodable {
      var partition: Int
      var offset: Int64
      var key: String?
      var payload: String?
      var headers: [String]?
    }
    return try output.split(separator: "\n").map { line in
      let envelope = try JSONDecoder().decode(Envelope.self, from: Data(line.utf8))
      var headers: [String: String] = [:]
      let flat = envelope.headers ?? []
      for index in stride(from: 0, to: flat.count - 1, by: 2) { headers[flat[index]] = flat[index + 1] }
      return ForeignRecord(
        partition: envelope.partition, offset: envelope.offset, key: envelope.key.map { Data($0.utf8) },
        value: envelope.payload.map { Data($0.utf8) }, headers: headers)
    }
  }
}

// MARK: python3-kafka

extension Cluster {
  /// The first `count` records of a topic as python3-kafka reads them; waits for them. Keys and values may be any
  /// bytes. With nil everything that is there now.
  func readByPython(_ topic: String, count: Int?, within limit: Duration = .seconds(120)) async throws
    -> [ForeignRecord]
  {
    let read = try await run(
      Binaries.python, ["-c", Self.reader, bootstrap, topic, "\(count ?? -1)"], within: limit)
    try #require(read.status == 0, "\(read.error)")
    return try read.output.split(separator: "\n").map {
      try JSONDecoder().decode(ForeignRecord.self, from: Data($0.utf8))
    }
  }

  /// The committed offset of each partition of the input topic; −1: none.
  func committed(group: String, partitions: Int = 1) async throws -> [Int64] {
    let asked = try await run(
      Binaries.python, ["-c", Self.committedScript, bootstrap, Self.input, group, "\(partitions)"])
    try #require(asked.status == 0, "\(asked.error)")
    return asked.output.split(separator: "\n").compactMap { Int64($0) }
  }

  private static let reader = """
    import base64, json, sys
    from kafka import KafkaConsumer, TopicPartition
    bootstrap, topic, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    partitions = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic))]
    consumer.assign(partitions)
    consumer.seek_to_beginning()
    left = count if count >= 0 else sum(consumer.end_offsets(partitions).values())
    text = lambda data: None if data is None else base64.b64encode(data).decode()
    while left > 0:
        for records in consumer.poll(timeout_ms=200).values():
            for r in records[:left]:
                print(json.dumps({"partition": r.partition, "offset": r.offset, "key": text(r.key),
                                  "value": text(r.value), "headers": {k: v.decode() for k, v in r.headers}}))
                left -= 1
    """

  private static let committedScript = """
    import sys
    from kafka import KafkaConsumer, TopicPartition
    bootstrap, topic, group, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    for p in range(count):
        offset = consumer.committed(TopicPartition(topic, p))
        print(-1 if offset is None else offset)
    """
}

/// `body` again and again until it has an answer; throws when the time is over.
func eventually<Answer: Sendable>(
  _ what: String, within limit: Duration = .seconds(120), _ body: () async throws -> Answer?
) async throws -> Answer {
  let deadline = ContinuousClock.now + limit
  while ContinuousClock.now < deadline {
    if let answer = try await body() { return answer }
    try await Task.sleep(for: .milliseconds(50))
  }
  throw TestSupportError("not within \(limit): \(what)")
}
