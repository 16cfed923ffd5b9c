import ClusterSupport
import Foundation
import TestSupport
import Testing

/// What the environment asks of these tests.
enum Wishes {
  private static func number(_ name: String, _ usual: Int) -> Int {
    ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? usual
  }

  /// `host:port`, several separated by commas; nil: these tests are skipped.
  static var brokers: String? {
    guard let brokers = ProcessInfo.processInfo.environment["EBB_BROKERS"], !brokers.isEmpty else {
      return nil
    }
    return brokers
  }

  /// Events of the loop of kills, and how many kills there are.
  static var events: Int { number("EBB_EVENTS", 100_000) }
  static var kills: Int { number("EBB_KILLS", 20) }
  /// How often each of the other faults happens.
  static var rounds: Int { number("EBB_ROUNDS", 3) }
  static var seed: UInt64 { UInt64(number("EBB_SEED", 1)) }

  static let skipped: Comment =
    "EBB_BROKERS is not set: no cluster to test on (make test-kafka BROKERS=host:port)"
}

extension Outcome {
  /// Prints the comparison and holds that there is no difference.
  func expectExact(
    _ title: String, _ more: [[String]] = [], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    printTable(title, rows + more)
    #expect(expected > 0, "there were alerts at all", sourceLocation: sourceLocation)
    #expect(isExact, "\(faults)", sourceLocation: sourceLocation)
  }
}

extension Duration {
  /// Milliseconds, for tables.
  var milliseconds: Int { Int(self / .milliseconds(1)) }
}

extension Sequence<Int> {
  /// `median 12, largest 40`.
  var spread: String {
    let sorted = sorted()
    guard let last = sorted.last else { return "none" }
    return "median \(sorted[sorted.count / 2]), largest \(last)"
  }
}
