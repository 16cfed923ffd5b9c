import Admin
import Foundation
import TestSupport
import Testing

/// A daemon that serves at a port of its own.
struct Served {
  let daemon: RunningProcess
  let port: Int

  static func start(_ configuration: TestConfiguration, in directory: String) async throws -> Served {
    var configuration = configuration
    if configuration.http == "{listen: off}" { configuration.http = "{listen: 127.0.0.1:0}" }
    let daemon = try Daemon.start(try configuration.write(into: directory))
    let log = try await daemon.wait(for: .error, within: .seconds(60)) { text in
      text.contains(/serving at http:\/\/127\.0\.0\.1:\d+\n/)
    }
    let match = try #require(log.firstMatch(of: /serving at http:\/\/127\.0\.0\.1:(\d+)\n/))
    return Served(daemon: daemon, port: try #require(Int(match.1)))
  }

  func get(_ path: String, token: String? = nil) throws -> AdminClient.Answer {
    try AdminClient(host: "127.0.0.1", port: port, token: token).wait(for: path)
  }

  /// The value of a metric, with its labels as they are written; nil: there is none.
  func metric(_ series: String) throws -> Double? {
    let lines = try get("/metrics").body.split(separator: "\n")
    return lines.first { $0.hasPrefix(series + " ") }.flatMap { Double($0.dropFirst(series.count + 1)) }
  }
}
