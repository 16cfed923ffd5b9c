import LogModel
import Pipeline
import Portrait
import Shard
import Triggers

/// Holds what a world has written against the undisturbed run, partition by partition.
struct Oracle {
  let world: World

  /// Users of a shard as bytes, each with the epoch that he was last touched in.
  private struct Census: Equatable {
    var users: [String: [UInt8]] = [:]
    var watermark: Int64 = .min
  }

  func check() throws(Difference) {
    if let doubt = world.doubts.first { throw Difference(doubt) }
    var expected: [OutputTopic: [WireRecord]] = [:]
    for number in 0..<Int32(world.plan.partitions) {
      guard let history = try CommittedHistory(number, world) else {
        throw Difference("partition \(number): nothing was ever committed")
      }
      let run = UndisturbedRun(number, history, world)
      for (topic, records) in run.written { expected[topic, default: []] += records }
      guard run.shard.watermark == history.watermark else {
        throw Difference(
          "partition \(number): the committed watermark is \(history.watermark), the undisturbed run's "
            + "\(run.shard.watermark)")
      }
      try compareState(number, Self.census(run.shard))
    }
    for topic in OutputTopic.allCases where topic != .state {
      try compare(topic, expected[topic] ?? [])
    }
  }

  // MARK: Output

  /// Compared per key, and dead letters per partition of the input as well: no order holds between others.
  private struct Series: Hashable {
    var key: [UInt8]?
    var partition: String?

    init(_ record: WireRecord) {
      key = record.key
      partition = record.header("ebb_partition")
    }
  }

  private func compare(_ topic: OutputTopic, _ expected: [WireRecord]) throws(Difference) {
    var actual: [Series: [WireRecord]] = [:]
    for partition in 0..<world.plan.alertPartitions {
      for stored in world.cluster.readCommitted(TopicPartition(Names.topic(topic), partition)) {
        let record = WireRecord(
          key: stored.record.key, value: stored.record.value,
          headers: WireHeaders(stored.record.headers).headers)
        actual[Series(record), default: []].append(record)
      }
    }
    // Where the topic takes no record of that size, the head of a dead letter's value has to do.
    let short = actual.mapValues { $0.map(\.isShortened) }
    var wanted = Dictionary(grouping: expected, by: Series.init)
    for (series, flags) in short {
      for (index, isShort) in flags.enumerated() where isShort && index < wanted[series]?.count ?? 0 {
        wanted[series]![index].shorten(to: actual[series]![index].value?.count ?? 0)
      }
    }
    for series in Set(actual.keys).union(wanted.keys).sorted(by: { Self.name($0) < Self.name($1) }) {
      let found = actual[series] ?? []
      let due = wanted[series] ?? []
      if found == due { continue }
      let place =
        zip(found, due).enumerated().first { $0.element.0 != $0.element.1 }?.offset
        ?? min(found.count, due.count)
      throw Difference(
        """
        \(topic) of \(Self.name(series)): \(found.count) written, \(due.count) due; they differ at number \(place)
          written: \(place < found.count ? Self.text(found[place]) : "nothing")
          due:     \(place < due.count ? Self.text(due[place]) : "nothing")
        """)
    }
  }

  private static func name(_ series: Series) -> String {
    let key = series.key.map { String(decoding: $0, as: UTF8.self) } ?? "no key"
    return series.partition.map { "\(key) (partition \($0))" } ?? key
  }

  private static func text(_ record: WireRecord) -> String {
    let headers = record.headers.map { "\($0.name)=\($0.text)" }.joined(separator: " ")
    return headers + " " + (record.value.map { String(decoding: $0.prefix(600), as: UTF8.self) } ?? "null")
  }

  // MARK: State

  private static func census(_ shard: borrowing Shard) -> Census {
    var census = Census(watermark: shard.watermark)
    shard.forEachUser { key, user, epoch in
      var writer = StateWriter()
      writer.fixed64(epoch)
      Identity.with(key: key, isIdentified: user.isIdentified) { user.encode(of: $0, into: &writer) }
      census.users[key] = writer.bytes
    }
    return census
  }

  /// Recovers a partition from what is stored.
  private func compareState(_ number: Int32, _ expected: Census) throws(Difference) {
    var source = SimSource(world, nil)
    let world = world
    var recovery = Recovery<SimSource>(
      RecoveryOrder(partition: number, parked: nil), settings: Process.settings(world, 0, owner: 0),
      snapshots: nil,
      now: { world.now }, notify: { _ in })
    for _ in 0..<10_000 {
      let result: RecoveryResult?
      do throws(PipelineError) {
        result = try recovery.step(&source, timeoutMilliseconds: 0)
      } catch {
        throw Difference("partition \(number): recovery at the end: \(error)")
      }
      guard case .recovered(let recovered) = result else { continue }
      let shard = recovered.takeShard()
      return try Self.compareUsers(number, Self.census(shard), expected)
    }
    throw Difference("partition \(number): recovery does not come to an end")
  }

  private static func compareUsers(_ number: Int32, _ found: Census, _ expected: Census) throws(Difference) {
    for key in Set(found.users.keys).union(expected.users.keys).sorted()
    where found.users[key] != expected.users[key] {
      throw Difference(
        "partition \(number): the stored state of \(key) is "
          + "\(found.users[key].map { "\($0.count) bytes" } ?? "missing") and not what it should be: "
          + "\(expected.users[key].map { "\($0.count) bytes" } ?? "nobody")")
    }
    guard found.watermark == expected.watermark else {
      throw Difference(
        "partition \(number): the recovered watermark is \(found.watermark) and not \(expected.watermark)")
    }
  }
}

extension WireRecord {
  fileprivate var isShortened: Bool { header(DeadLetter.wholeBytesHeader) != nil }

  /// As a dead letter is cut off.
  fileprivate mutating func shorten(to bytes: Int) {
    guard let value, value.count > bytes, bytes >= 1 << 10 else { return }
    self.value = Array(value.prefix(bytes))
    headers.append(WireHeader(name: DeadLetter.wholeBytesHeader, value: Array(String(value.count).utf8)))
  }
}
