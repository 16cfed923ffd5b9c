import ClusterSupport
import Foundation
import TestSupport

/// What a trial has left in the topics, against the replay of what stands in its input topic.
struct Findings: Sendable {
  var events = 0
  var expected = 0
  var seen = 0
  var repeats = 0
  var letters = 0
  var repeatedLetters = 0
  /// Sentences; empty: nothing is missing, nothing is there that should not be, and whatever comes twice is equal.
  var faults: [String] = []

  init(_ trial: Trial) async throws {
    let ground = trial.ground
    for (partition, edge) in try await trial.witness.edges().enumerated() where edge.low > 0 {
      faults.append("the broker has dropped the beginning of input partition \(partition): too much traffic")
    }
    let input = try await Self.input(trial)
    events = input.count
    let replayed = try await Self.replay(input.map(\.value), trial)
    expected = replayed.count
    var wanted: [String: String] = [:]
    for line in replayed { wanted[try SeenAlert(json: line).id] = line }

    let alerts = try await trial.cluster.readAll(ground.cart) + trial.cluster.readAll(ground.churn)
    seen = alerts.count
    let byID = Dictionary(grouping: alerts) { $0.headers["ce_id"] ?? "none" }
    repeats = seen - byID.count
    for (id, copies) in byID {
      if Self.differ(copies) {
        faults.append("alert \(id) comes \(copies.count) times and not equal: \(copies)")
      }
      guard let line = wanted[id] else {
        faults.append("alert \(id) is not in the replay: \(copies[0].valueText ?? "nothing")")
        continue
      }
      if copies[0].valueText != line {
        faults.append("alert \(id) is\n\(copies[0].valueText ?? "nothing")\nand not\n\(line)")
      }
    }
    for (id, line) in wanted where byID[id] == nil { faults.append("missing: \(line)") }

    let places = Set(input.filter { $0.value.hasPrefix("no event") }.map { "\($0.partition) \($0.offset)" })
    let records = try await trial.cluster.readAll(ground.deadLetters)
    let byPlace = Dictionary(grouping: records) {
      "\($0.headers["ebb_partition"] ?? "?") \($0.headers["ebb_offset"] ?? "?")"
    }
    letters = byPlace.count
    repeatedLetters = records.count - letters
    if Set(byPlace.keys) != places {
      faults.append("dead letters of \(byPlace.keys.sorted()) and not of \(places.sorted())")
    }
    for (place, copies) in byPlace where Self.differ(copies) {
      faults.append("dead letter \(place) comes \(copies.count) times and not equal: \(copies)")
    }
  }

  /// Whether records differ in anything but where they lie in their partition.
  private static func differ(_ copies: [ForeignRecord]) -> Bool {
    Set(
      copies.map { copy in
        var copy = copy
        copy.offset = 0
        return copy
      }
    ).count > 1
  }

  var rows: [[String]] {
    [
      ["events", "\(events)"], ["alerts of the replay", "\(expected)"],
      ["alerts in the topics", "\(seen), \(repeats) of them repeats"],
      ["dead letters", "\(letters), and \(repeatedLetters) repeats"],
      ["faults", "\(faults.count)"],
    ]
  }

  /// A record of the input topic.
  struct Input: Sendable {
    var partition: Int
    var offset: Int64
    var value: String
  }

  /// What stands in the input topic, by a client that shares no code with the daemon; each partition in order.
  static func input(_ trial: Trial) async throws -> [Input] {
    try await trial.ground.readCommitted(trial.ground.input, format: "%p %o %s\n").map { line in
      let parts = line.split(separator: " ", maxSplits: 2)
      guard parts.count == 3, let partition = Int(parts[0]), let offset = Int64(parts[1]) else {
        throw TestSupportError("kcat wrote \(line)")
      }
      return Input(partition: partition, offset: offset, value: String(parts[2]))
    }
  }

  /// The alerts that the replay of these records writes.
  private static func replay(_ values: [String], _ trial: Trial) async throws -> [String] {
    try await replayed(values, trial).output.split(separator: "\n").map(String.init)
  }

  /// How many carts are open when these records have been processed, by the replay's account.
  static func openCarts(_ values: [String], _ trial: Trial) async throws -> Int {
    let told = try await replayed(values, trial).error
    guard
      let open = told.firstMatch(of: /carts +[0-9]+ opened = .* open ([0-9]+)/).flatMap({ Int($0.output.1) })
    else { throw TestSupportError("the replay gives no account of carts: \(told.suffix(1_000))") }
    return open
  }

  private static func replayed(_ values: [String], _ trial: Trial) async throws -> RunningProcess.Finished {
    let config = try trial.configuration.write(on: trial.ground, instance: "replay")
    let path = "\(trial.ground.directory)/replay.ndjson"
    try values.map { $0 + "\n" }.joined().write(toFile: path, atomically: true, encoding: .utf8)
    let finished = try await run(
      Binaries.path(of: "ebbd"),
      ["replay", "--config", config, "--partitions", "\(Trial.partitions)", "--until", "end", path],
      environment: Program.environment, within: .seconds(240))
    guard finished.status == 0, !finished.truncated else {
      throw TestSupportError("the replay failed: \(finished.error.suffix(2_000))")
    }
    return finished
  }
}
