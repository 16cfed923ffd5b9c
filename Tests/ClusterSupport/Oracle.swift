import Foundation
import TestSupport

/// The two sides that are compared: what a reader of the topics sees, and what the replay says.
extension ClusterGround {
  /// The alerts that `ebbd replay` of the records gives under a daemon's configuration, in order.
  public nonisolated func replay(_ records: ShopRecords, _ configuration: ClusterConfiguration) async throws
    -> [SeenAlert]
  {
    let path = "\(directory)/records.ndjson"
    try records.write(to: path)
    let config = try configuration.write(on: self, instance: "replay")
    let output = "\(directory)/replay.ndjson"
    // Into a file: a million events give more than is kept of a process's output.
    let finished = try await run(
      "/bin/sh",
      [
        "-c", "exec \"$0\" \"$@\" > '\(output)'", Binaries.path(of: "ebbd"), "replay", "--config", config,
        "--partitions", "\(records.partitions)", "--until", "end", path,
      ], environment: Program.environment, within: .seconds(600))
    guard finished.status == 0 else {
      throw TestSupportError("the replay failed: \(finished.error.suffix(2_000))")
    }
    return try Self.lines(ofFile: output).map { try SeenAlert(json: $0) }
  }

  private nonisolated static func lines(ofFile path: String) throws -> [String] {
    // Keys may be any bytes.
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    return bytes.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Everything that a topic holds for a reader of committed records, read by kcat: a client that shares no code with
  /// the daemon. Each line as the format says.
  public nonisolated func readCommitted(_ topic: String, format: String) async throws -> [String] {
    guard let kcat = Binaries.tool("kcat") else { throw TestSupportError("there is no kcat on this machine") }
    let path = "\(directory)/\(topic).txt"
    let read = try await run(
      "/bin/sh",
      [
        "-c", "exec \"$0\" \"$@\" > '\(path)'", kcat, "-C", "-b", brokers, "-t", topic, "-o", "beginning",
        "-e",
        "-q", "-X", "isolation.level=read_committed", "-f", format,
      ], within: .seconds(300))
    guard read.status == 0 else { throw TestSupportError("kcat: \(read.error.suffix(1_000))") }
    return try Self.lines(ofFile: path)
  }

  /// Every alert under read_committed, each topic's in its order.
  public nonisolated func committedAlerts() async throws -> [SeenAlert] {
    var alerts: [SeenAlert] = []
    for topic in [cart, churn] {
      alerts += try await readCommitted(topic, format: "%s\n").map { try SeenAlert(json: $0) }
    }
    return alerts
  }

  /// Partition and offset that each dead letter names.
  public nonisolated func committedLetters() async throws -> [String] {
    try await readCommitted(deadLetters, format: "%h\n").map { line in
      var headers: [Substring: Substring] = [:]
      for header in line.split(separator: ",") {
        let parts = header.split(separator: "=", maxSplits: 1)
        if parts.count == 2 { headers[parts[0]] = parts[1] }
      }
      guard let partition = headers["ebb_partition"], let offset = headers["ebb_offset"] else {
        throw TestSupportError("a dead letter without its place: \(line)")
      }
      return "\(partition) \(offset)"
    }
  }

  /// Waits until every instance has partitions and every partition has one instance, by their own words.
  public nonisolated func settle(_ instances: [Instance]) async throws {
    _ = try await eventually("every instance has its partitions") { () async throws -> Bool? in
      for instance in instances { try instance.revive() }
      let owned = instances.map(\.partitions)
      let all = owned.reduce(into: Set<Int32>()) { $0.formUnion($1) }
      let isSettled =
        owned.allSatisfy { !$0.isEmpty } && all.count == partitions
        && owned.reduce(0) { $0 + $1.count } == partitions
      return isSettled ? true : nil
    }
  }

  /// Waits until the group has committed everything that was written. Instances that end meanwhile are started again.
  public nonisolated func drain(
    _ written: [Int64], _ instances: [Instance], within limit: Duration = .seconds(180)
  ) async throws {
    let describe = { (states: [Int32: CommittedState]) in
      written.indices.map { "\(states[Int32($0)]?.nextOffset ?? -1)/\(written[$0])" }.joined(separator: " ")
    }
    let deadline = ContinuousClock.now + limit
    var states: [Int32: CommittedState] = [:]
    while ContinuousClock.now < deadline {
      for instance in instances { try instance.revive() }
      states = try await committed()
      // Control records do not stand in the input topic, so positions meet its end.
      if written.indices.allSatisfy({ states[Int32($0)]?.nextOffset ?? 0 >= written[$0] }) { return }
      try await Task.sleep(for: .milliseconds(100))
    }
    let tails = instances.map { "--- \($0.name):\n\($0.log.suffix(2_500))" }.joined(separator: "\n")
    throw TestSupportError("committed within \(limit) only \(describe(states))\n\(tails)")
  }

  /// Ends the instances, reads what they wrote and compares.
  public nonisolated func judge(
    _ records: ShopRecords, _ instances: [Instance], _ configuration: ClusterConfiguration
  ) async throws -> Outcome {
    var statuses: [Int32] = []
    for instance in instances where instance.isRunning { statuses.append(try await instance.stop()) }
    let expected = try await replay(records, configuration)
    let outcome = Outcome(
      expected: expected, seen: try await committedAlerts(), records: records,
      letters: try await committedLetters())
    if statuses.contains(where: { $0 != 0 }) { say("exit statuses at the end: \(statuses)") }
    return outcome
  }
}
