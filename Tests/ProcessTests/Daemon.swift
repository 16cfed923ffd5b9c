import Foundation
import TestSupport
import Testing

extension Trait where Self == IssueHandlingTrait {
  /// Whatever fails is told together with what the latest daemons' logs said.
  static var daemonLogs: Self {
    .compactMapIssues { issue in
      var issue = issue
      let logs = RunningProcess.recentErrors(of: "ebbd run")
      if !logs.isEmpty { issue.comments.append(Comment(rawValue: logs)) }
      return issue
    }
  }
}

/// What a test's configuration file says. Sections not named have their defaults, but for time and age, which
/// suit events of a past that is all there at once, and delivery, since the embedded broker's transactions have no
/// effect.
struct TestConfiguration {
  var bootstrap: String
  var group = "g"
  var instance = "one"
  /// Further lines of the section `kafka`, as a flow mapping's members.
  var kafka = ""
  /// Each one top-level line or more.
  var lines = ["lanes: 1"]
  var time = "{allowed_lateness: 0s, tick_for: off}"
  var alerts = "{max_age: off}"
  var state = "{directory: off}"
  var http = "{listen: off}"

  var text: String {
    """
    kafka:
      brokers: ["\(bootstrap)"]
      group: \(group)
      instance: \(instance)
      properties: {session.timeout.ms: 6000, heartbeat.interval.ms: 500\(kafka.isEmpty ? "" : ", " + kafka)}
    delivery: at-least-once
    time: \(time)
    alerts: \(alerts)
    state: \(state)
    http: \(http)
    \(lines.joined(separator: "\n"))

    """
  }

  /// Writes it into a directory; its path.
  func write(into directory: String, as name: String = "ebbd.yaml") throws -> String {
    let path = "\(directory)/\(name)"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }
}

/// `ebbd` as a process.
enum Daemon {
  /// Starts `ebbd run`.
  static func start(_ configuration: String) throws -> RunningProcess {
    try RunningProcess(Binaries.path(of: "ebbd"), ["run", "--config", configuration])
  }

  /// Runs a command of `ebbd` to its end.
  static func ebbd(_ arguments: [String], input: String? = nil, within limit: Duration = .seconds(60))
    async throws -> RunningProcess.Finished
  {
    let path = try Binaries.path(of: "ebbd")
    guard let input else { return try await run(path, arguments, within: limit) }
    return try await run(path, arguments, input: input, within: limit)
  }

  /// The alerts that `ebbd replay` writes, a line each.
  static func replay(_ arguments: [String]) async throws -> [String] {
    let finished = try await ebbd(["replay"] + arguments)
    try #require(finished.status == 0, "\(finished.error)")
    return finished.output.split(separator: "\n").map(String.init)
  }
}

/// The members of an alert's JSON that tests look at.
struct AlertFace: Sendable, Hashable, Decodable {
  var alert_id: String
  var type: String
  var user_id: String?
  var fired_at: String
  var step: Int?

  init(line: String) throws {
    self = try JSONDecoder().decode(Self.self, from: Data(line.utf8))
  }
}

/// Native events, far enough in the past that no clock calls them future.
enum Native {
  /// 2020-01-01T10:00:00Z, milliseconds.
  static let start: Int64 = 1_577_872_800_000

  static func cartAdd(_ user: String, _ item: String = "i1", at milliseconds: Int64 = 0) -> String {
    #"{"type":"cart_add","ts":\#(start + milliseconds),"user_id":"\#(user)","item_id":"\#(item)","#
      + #""price_minor":1999,"currency":"EUR","quantity":2}"#
  }

  static func view(_ user: String, at milliseconds: Int64) -> String {
    #"{"type":"page_view","ts":\#(start + milliseconds),"user_id":"\#(user)"}"#
  }

  static let hour: Int64 = 3_600_000
}
