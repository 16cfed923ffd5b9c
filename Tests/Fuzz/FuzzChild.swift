import Foundation
import Supervision
import TestSupport

/// A target in a process of its own, watched from outside: whatever becomes of it, which input it was is known.
final class FuzzChild: Sendable {
  private let process: RunningProcess
  private let progress: String

  init(_ target: String, _ arguments: [String], progress: String) throws {
    try Data(repeating: 0xFF, count: 8).write(to: URL(fileURLWithPath: progress))
    self.progress = progress
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    // A trace takes longer than an input may; whoever repeats it sees one.
    process = try RunningProcess(
      own, [target] + arguments,
      environment: ["SWIFT_BACKTRACE": "enable=no", "ASAN_OPTIONS": "detect_leaks=0"])
  }

  var output: String { process.text(.output) }
  var errors: String { process.text(.error) }

  /// The number of the input that it is at; nil: it has not begun.
  var input: UInt64? {
    guard let bytes = FileManager.default.contents(atPath: progress), bytes.count == 8 else { return nil }
    let number = bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    return number == .max ? nil : number
  }

  /// How long it may take to make what it begins with.
  private static let mostPreparation = Duration.seconds(120)

  /// Waits for its end; its status.
  func ending() async throws -> Int32 {
    while process.isRunning { try await Task.sleep(for: .milliseconds(100)) }
    return try await process.finish().status
  }

  /// Waits for its end.
  ///
  /// - Returns: how it failed; nil: it did not.
  func watch(limitSeconds: Double, memoryBytes: Int64) async throws -> String? {
    let clock = ContinuousClock()
    var (seen, since) = (UInt64?.none, clock.now)
    var first: Int64?
    while process.isRunning {
      try await Task.sleep(for: .milliseconds(20))
      let now = input
      if now != seen { (seen, since) = (now, clock.now) }
      if clock.now - since > (now == nil ? Self.mostPreparation : .seconds(limitSeconds)) {
        process.send(SIGKILL)
        return "more than \(limitSeconds) s"
      }
      guard let bytes = ProcessMemory.anonymousBytes(of: process.processIdentifier), bytes > 0 else {
        continue
      }
      if now != nil, first == nil { first = bytes }
      if let first, bytes - first > memoryBytes {
        process.send(SIGKILL)
        return "\(bytes >> 20) MiB of memory"
      }
    }
    let finished = try await process.finish()
    switch finished.status {
    case 0: return nil
    case 3: return "a promise broken"
    default: return "crashed (status \(finished.status))"
    }
  }
}
