import ArgumentParser
import ClusterSupport
import Foundation
import Kafka
import TestSupport

/// Events a second and processor time per event of the whole daemon, beside a bare consumer of the same topic.
struct ThroughputCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "throughput",
    abstract:
      "Processor time per event of the whole daemon, as a ratio to a bare consumer of the same topic.",
    discussion: """
      With --brokers exactly-once on that cluster; without, at-least-once on an embedded broker of its own. A \
      contestant is bare or ebbd, a colon, and settings such as lanes=2, cpus=0-1, env.LD_PRELOAD=FILE, \
      state.max_replay=5000000, fetch-bytes=65536 or any librdkafka property, with commas between them.
      """)

  @ArgumentParser.Option(help: "host:port of a cluster, several separated by commas.")
  var brokers: String?

  @ArgumentParser.Option(help: "Events of the topic.")
  var events = 3_000_000

  @ArgumentParser.Option(help: "Users that events are drawn from.")
  var users = 1_000_000

  @ArgumentParser.Option(help: "How users are drawn: zipf or uniform.")
  var access: String?

  @ArgumentParser.Option(help: "Partitions of the input.")
  var partitions: Int?

  @ArgumentParser.Option(help: "Event time from the first event to the last, minutes.")
  var minutes: Int64 = 60

  @ArgumentParser.Option(help: "Rounds; in each every contestant runs once.")
  var rounds = 5

  @ArgumentParser.Option(help: "What the input is compressed with: none, lz4, gzip or zstd.")
  var compression = "none"

  @ArgumentParser.Option(help: "Another contestant; may be repeated.")
  var also: [String] = []

  @ArgumentParser.Option(help: "Only these contestants, without looking for the best bare consumer.")
  var only: [String] = []

  func validate() throws {
    guard events >= 1_000 else { throw ValidationError("--events must be 1000 or more") }
    guard users >= 1 else { throw ValidationError("--users must be 1 or more") }
    guard rounds >= 1 else { throw ValidationError("--rounds must be 1 or more") }
    guard minutes >= 1 else { throw ValidationError("--minutes must be 1 or more") }
    if let partitions, !(1...1024).contains(partitions) {
      throw ValidationError("--partitions must be 1 to 1024")
    }
    if let access, UserAccess(rawValue: access) == nil {
      throw ValidationError("--access must be zipf or uniform, not \(access)")
    }
    for text in also + only { _ = try Contestant(text) }
  }

  /// What the embedded broker keeps of a partition, with room for what a record takes beside its value, and for
  /// partitions that get more than their share.
  private static let embeddedEventsPerPartition = 14_000

  /// How the bare consumer is configured, one of these.
  private static let bare = [
    "bare:fetch-bytes=262144", "bare:fetch-bytes=1048576", "bare:fetch-bytes=4194304",
    "bare:fetch-bytes=1048576,batch=8192", "bare:fetch-bytes=52428800", "bare:fetch-bytes=1048576,call=poll",
    // With the daemon's allocator.
    "bare:fetch-bytes=1048576,env.LD_PRELOAD=libjemalloc.so.2",
    "bare:fetch-bytes=4194304,env.LD_PRELOAD=libjemalloc.so.2",
  ]

  func run() async throws {
    Machine.describe()
    if let brokers {
      let access = access.flatMap(UserAccess.init) ?? .zipf
      try await measure(brokers, partitions ?? 8, access, isExactlyOnce: true)
    } else {
      try await measureEmbedded()
    }
  }

  private func measureEmbedded() async throws {
    // The busiest of a Zipf crowd would have more events than the broker keeps of one partition.
    let access = access.flatMap(UserAccess.init) ?? .uniform
    let partitions = partitions ?? min(1024, max(1, events / Self.embeddedEventsPerPartition))
    say(
      "the embedded broker keeps 5 MiB and 100,000 batches a partition, so there are \(partitions) partitions; "
        + "its process, on the same processors, is not counted")
    let prefix = BenchTopics.randomPrefix()
    var topics = ["\(prefix).clickstream:\(partitions)"]
    for run in 0..<(rounds * (also.count + only.count + 3)) {
      let outputs = BenchTopics.Outputs(prefix: "\(prefix).run\(run)")
      topics += [outputs.cart, outputs.churn, outputs.deadLetters].map { "\($0):1" }
      topics.append("\(outputs.state):\(partitions)")
    }
    let broker = try RunningProcess(
      Binaries.path(of: "ebb-broker"), topics.flatMap { ["--topic", $0] }, keepsInputOpen: true)
    let first = try await broker.wait(for: .output, within: .seconds(60)) { $0.contains("\n") }
    guard let address = first.split(separator: "\n").first?.split(separator: "=").last else {
      throw TestSupportError("the embedded broker does not say where it is")
    }
    try await measure(String(address), partitions, access, isExactlyOnce: false, prefix: prefix)
    _ = try await broker.stop()
  }

  private func measure(
    _ brokers: String, _ partitions: Int, _ access: UserAccess, isExactlyOnce: Bool, prefix: String? = nil
  ) async throws {
    try await withTemporaryDirectory { directory in
      let topics = try BenchTopics(
        brokers: brokers, prefix: prefix ?? BenchTopics.randomPrefix(), partitions: partitions,
        directory: directory)
      let isCluster = prefix == nil
      if isCluster { try topics.createInput() }
      do {
        try produce(topics, access)
        try await compare(topics, isExactlyOnce: isExactlyOnce, isCluster: isCluster)
      } catch {
        if isCluster { topics.remove([topics.input]) }
        throw error
      }
      if isCluster { topics.remove([topics.input]) }
    }
  }

  private func produce(_ topics: BenchTopics, _ access: UserAccess) throws {
    let span = minutes * 60_000
    let start = Int64(Date().timeIntervalSince1970 * 1000) - span
    let traffic = ClickTraffic(users: users, access: access, events: events, start: start, span: span)
    let (bytes, counts) = try topics.produce(traffic, count: events, compression: compression)
    let largest = counts.max() ?? 0
    say(
      "\(events) events of \(bytes) bytes (compression \(compression)), \(users) users (\(access.rawValue)), "
        + "\(minutes) min of event time, \(topics.partitions) partitions, the largest with "
        + "\(largest * 1000 / events) of 1000 events")
  }

  private func compare(_ topics: BenchTopics, isExactlyOnce: Bool, isCluster: Bool) async throws {
    var contestants = try only.map { try Contestant($0) }
    if contestants.isEmpty {
      contestants = [try await bestBare(topics)]
      contestants += try (["ebbd", "ebbd:lanes=2"] + also).map { try Contestant($0) }
    }
    var run = 0
    var taken: [[Contestant.Took]] = Array(repeating: [], count: contestants.count)
    for round in 0..<rounds {
      // Each round begins with another one.
      for place in contestants.indices {
        let index = (place + round) % contestants.count
        let contestant = contestants[index]
        switch contestant.kind {
        case .bare: taken[index].append(try await contestant.runBare(topics, events: events).0)
        case .ebbd:
          let outputs = topics.outputs(ofRun: run)
          run += 1
          if isCluster { try topics.create(outputs) }
          defer { if isCluster { topics.remove(outputs.all) } }
          taken[index].append(
            try await contestant.runDaemon(topics, outputs, events: events, isExactlyOnce: isExactlyOnce))
        }
      }
    }
    ThroughputReport(contestants: contestants.map(\.text), taken: taken).print(isExactlyOnce: isExactlyOnce)
    if isCluster {
      // Static members stay in their groups until their session ends.
      topics.remove(groups: (0..<run).map { topics.outputs(ofRun: $0).prefix }, withinSeconds: 10)
    }
  }

  /// Looks for the cheapest way to read the topic.
  private func bestBare(_ topics: BenchTopics) async throws -> Contestant {
    var best: (contestant: Contestant, nanoseconds: Double)?
    var rows = [["", "events/s", "CPU ns/event"]]
    for text in Self.bare {
      let contestant = try Contestant(text)
      var taken: [Contestant.Took] = []
      for _ in 0..<3 { taken.append(try await contestant.runBare(topics, events: events).0) }
      let nanoseconds = taken.map(\.nanosecondsPerEvent).median
      rows.append([
        text, "\(Int(taken.map(\.eventsPerSecond).median))", String(format: nanoseconds, digits: 0),
      ])
      if nanoseconds < best?.nanoseconds ?? .infinity { best = (contestant, nanoseconds) }
    }
    printTable("the bare consumer, medians of 3 runs", rows)
    let chosen = best!.contestant
    say("the cheapest, which the daemon is held against:")
    say(try await chosen.runBare(topics, events: events).output)
    return chosen
  }
}
