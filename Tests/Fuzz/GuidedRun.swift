import CGuided
import Foundation
import HostileInput
import TestSupport

/// One target under libFuzzer, in this process: it keeps what reaches code that nothing before has reached, and
/// damages that further.
struct GuidedRun {
  let target: HostileTarget
  /// Where its inputs are kept from one run to the next, and those that fail.
  let directory: String
  let seed: UInt64
  let seconds: Int
  let limitSeconds: Double

  static var isThere: Bool { ebb_guided_is_there() }

  /// MiB that the process may have, and that one allocation may take.
  private static let (mostMemory, mostAllocation) = (2_048, 256)
  /// libFuzzer takes no longer word into its dictionary, bytes.
  private static let mostWord = 64

  /// What libFuzzer calls: a C function, which carries nothing along. Set once, before it runs.
  nonisolated(unsafe) private static var check: (any HostileCheck)?

  /// Ends the process.
  func work() throws -> Never {
    let corpus = "\(directory)/\(target.name)"
    try FileManager.default.createDirectory(atPath: corpus, withIntermediateDirectories: true)
    for (number, seed) in try target.seeds().enumerated() {
      try Data(seed).write(to: URL(fileURLWithPath: "\(corpus)/seed-\(number)"))
    }
    let words = target.pieces.filter { !$0.isEmpty && $0.count <= Self.mostWord }
    let dictionary = "\(directory)/\(target.name).dict"
    try words.map(Self.entry).joined().write(toFile: dictionary, atomically: true, encoding: .utf8)
    unsafe Self.check = try target.makeCheck()
    let arguments = [
      "ebb-fuzz", corpus, "-dict=\(dictionary)", "-artifact_prefix=\(directory)/\(target.name)-",
      "-seed=\(UInt32(truncatingIfNeeded: seed))", "-max_total_time=\(seconds)", "-max_len=65536",
      "-timeout=\(Int(limitSeconds.rounded(.up)))", "-rss_limit_mb=\(Self.mostMemory)",
      "-malloc_limit_mb=\(Self.mostAllocation)", "-use_value_profile=1", "-print_final_stats=1",
    ]
    var pointers = unsafe arguments.map { unsafe strdup($0) } + [nil]
    exit(
      unsafe ebb_guided_run(Int32(arguments.count), &pointers) { bytes, count in
        unsafe GuidedRun.take(Array(UnsafeBufferPointer(start: bytes, count: count)))
        return 0
      })
  }

  private static func take(_ input: [UInt8]) {
    do {
      _ = try unsafe check?.take(input)
    } catch {
      FileHandle.standardError.write(Data("a promise broken: \(error)\n".utf8))
      // libFuzzer keeps the input of whoever ends so.
      abort()
    }
  }

  /// A line of its dictionary.
  private static func entry(_ word: [UInt8]) -> String {
    let digits = word.map { byte in
      let digits = String(byte, radix: 16)
      return "\\x" + (digits.count == 1 ? "0" : "") + digits
    }
    return "\"\(digits.joined())\"\n"
  }
}

/// What libFuzzer has told.
struct GuidedReport {
  let text: String

  /// One line: how much was tried, and how far it came.
  func line(_ name: String) -> String {
    let inputs = statistic("number_of_executed_units") ?? "?"
    let rate = statistic("average_exec_per_sec") ?? "?"
    let memory = statistic("peak_rss_mb") ?? "?"
    let last = text.matches(of: /cov: ([0-9]+) ft: [0-9]+ corp: ([0-9]+)/).last
    return
      "\(name): \(inputs) inputs, \(last.map { String($0.1) } ?? "?") branches reached, "
      + "\(last.map { String($0.2) } ?? "?") inputs kept, \(rate) a second, \(memory) MiB"
  }

  /// The file with the input that failed.
  var failed: String? { text.firstMatch(of: /Test unit written to (\S+)/).map { String($0.1) } }

  private func statistic(_ name: String) -> String? {
    text.split(separator: "\n").last { $0.hasPrefix("stat::\(name):") }?.split(separator: " ").last.map(
      String.init)
  }
}
