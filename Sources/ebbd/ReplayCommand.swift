import ArgumentParser
import Events
import Foundation
import Replay
import Settings
import Supervision
import Triggers

/// `ebbd replay`: files through the same shards and triggers, without a broker.
struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract:
      "Runs files through the triggers: alerts as NDJSON on standard output, a summary on standard error.",
    discussion: """
      Rows are taken in the order of the files. When they end, time goes on until no deadline is pending, as if \
      nothing else had happened; --until end stops at the last event instead. alerts.max_age is off: a history \
      is judged by its own times. Refused rows are counted and the first ones named with file, line and reason.

      Examples:
        ebbd replay --format rees46 2019-Oct.csv > alerts.ndjson
        ebbd replay --config new.yaml --compare old.yaml events.ndjson
        ebbd replay --explain 541312140 --format rees46 2019-Oct.csv
      """)

  @Argument(help: "Files to read, in this order; - is standard input.")
  var files: [String]

  @ArgumentParser.Option(
    name: .shortAndLong, help: "A mapping preset or file. Default: the configuration's input.mapping.")
  var format: String?

  @ArgumentParser.Option(name: .shortAndLong, help: "The configuration file. Default: all defaults.")
  var config: String?

  @ArgumentParser.Option(
    help:
      "A second configuration: print the alerts gained (+), lost (-) and dated otherwise (~) against it instead."
  )
  var compare: String?

  @ArgumentParser.Option(help: "Print every deadline of this user and what came of it instead.")
  var explain: String?

  @ArgumentParser.Option(help: "Where to stop: drained (no deadline pending) or end (of the last event).")
  var until = ReplayPlan.End.drained

  @ArgumentParser.Option(help: "Spread users over so many partitions, each with a watermark of its own.")
  var partitions = 1

  func validate() throws {
    if files.isEmpty { throw ValidationError("name at least one file") }
    if !(1...1024).contains(partitions) { throw ValidationError("--partitions takes 1 to 1024") }
    if compare != nil, explain != nil {
      throw ValidationError("--compare and --explain each print something else: choose one")
    }
    if compare != nil, files.contains("-") {
      throw ValidationError("--compare reads the files twice, and standard input can be read only once")
    }
  }

  func run() throws {
    Signals.ignoreBrokenPipes()
    let setup = try LoadedConfiguration(path: config, format: format, command: "replay")
    if let compare {
      return try compareRuns(setup, LoadedConfiguration(path: compare, format: format, command: "replay"))
    }
    if let explain { return try explainRun(setup, explain) }
    let lines = OutputLines()
    let writer = setup.writer
    let run = try read(setup) { alert in lines.write(writer.value(alert)) }
    for line in run.summary.lines(steps: setup.configuration.rules.cart.stepsMilliseconds) {
      Console.say(line)
    }
    try lines.finish("replay")
    try refuseUnreadable(run.summary, setup)
  }

  /// A file of which nothing could be read is the wrong file, or the wrong format: no empty success.
  private func refuseUnreadable(_ summary: ReplaySummary, _ setup: LoadedConfiguration) throws {
    if summary.rows == 0 { return Console.say("ebbd replay: there are no rows in what was given") }
    guard summary.events == 0 else { return }
    let presets = MappingFile.presets.filter { $0 != setup.mapping.name }.joined(separator: ", ")
    Console.say(
      "ebbd replay: none of \(summary.rows) rows is an event in the format '\(setup.mapping.name)'; choose another "
        + "--format (\(presets)), or write a mapping file")
    throw ExitCode.failure
  }

  /// Runs all files; the run is finished when this returns.
  private func read(
    _ setup: LoadedConfiguration, explaining user: String? = nil, _ onAlert: @escaping (Alert) -> Void
  ) throws -> ReplayRun {
    var plan = ReplayPlan(rules: setup.configuration.rules)
    plan.rules.alerts.maxAgeMilliseconds = nil
    plan.partitions = partitions
    plan.end = until
    plan.explainedUser = user
    plan.maximumRecordBytes = setup.configuration.input.maxRecordBytes
    let run = ReplayRun(plan, onAlert: onAlert)
    do throws(ReplayError) {
      for file in files {
        try run.read(file, mapping: setup.mapping) { done, size in
          Console.progress(Self.bar(file, done: done, size: size))
        }
      }
    } catch {
      throw Console.failure("replay", error)
    }
    run.finish()
    Console.endProgress()
    return run
  }

  private static func bar(_ file: String, done: Int64, size: Int64) -> String {
    let name = (file as NSString).lastPathComponent
    guard size > 0 else { return "\(name)  \(Console.grouped(done >> 20)) MiB" }
    let share = min(Double(done) / Double(size), 1)
    let filled = Int(share * 30)
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
    return "\(name)  \(bar) \(Int(share * 100)) %"
  }

  // MARK: Compare

  private func compareRuns(_ new: LoadedConfiguration, _ old: LoadedConfiguration) throws {
    var before: [AlertID: Alert] = [:]
    var after: [AlertID: Alert] = [:]
    let oldRun = try read(old) { before[$0.id] = $0 }
    let newRun = try read(new) { after[$0.id] = $0 }
    let gained = after.values.filter { before[$0.id] == nil }.map { (sign: "+", alert: $0) }
    let lost = before.values.filter { after[$0.id] == nil }.map { (sign: "-", alert: $0) }
    let moved = after.values.filter { before[$0.id].map(\.time) ?? $0.time != $0.time }
      .map { (sign: "~", alert: $0) }
    let lines = OutputLines()
    for change in (gained + lost + moved).sorted(by: { Self.precedes($0.alert, $1.alert) }) {
      var line = "\(change.sign) \(Self.line(new.writer.value(change.alert)))"
      if change.sign == "~", let old = before[change.alert.id] {
        line += ", was \(WireText.instant(old.time))"
      }
      lines.write(line)
    }
    for type in AlertType.allCases {
      let counts = (
        oldRun.summary.tally[emitted: type], newRun.summary.tally[emitted: type],
        gained.count { $0.alert.type == type }, lost.count { $0.alert.type == type }
      )
      let other = moved.count { $0.alert.type == type }
      Console.say(
        "\(type.rawValue.dropFirst(4)): \(counts.0) before, \(counts.1) now (+\(counts.2) -\(counts.3))"
          + (other > 0 ? ", \(other) at another time" : ""))
    }
    try lines.finish("replay")
    try refuseUnreadable(newRun.summary, new)
  }

  private static func line(_ value: [UInt8]) -> String {
    // Our own writer's values always read back.
    AlertLine(value: value)!.text(withDate: true)
  }

  private static func precedes(_ left: Alert, _ right: Alert) -> Bool {
    (left.time, left.user, left.id.text) < (right.time, right.user, right.id.text)
  }

  // MARK: Explain

  private func explainRun(_ setup: LoadedConfiguration, _ user: String) throws {
    var alerts: [Alert] = []
    let run = try read(setup, explaining: user) { if $0.user == user { alerts.append($0) } }
    let lines = OutputLines()
    for line in Explanation(
      user: user, decisions: run.decisions, alerts: alerts, rules: setup.configuration.rules
    )
    .lines(writer: setup.writer) {
      lines.write(line)
    }
    try lines.finish("replay")
    if run.decisions.isEmpty {
      Console.say(
        "ebbd replay: user '\(user)' had no deadline in \(run.summary.events) events of \(run.summary.users) users;"
          + " check the id (anonymous users are written anon:ID)")
      throw ExitCode.failure
    }
  }
}

extension ReplayPlan.End: ExpressibleByArgument {}
