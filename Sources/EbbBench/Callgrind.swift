import Foundation
import Measuring

/// Counts the instructions of one stage by running this program again, under callgrind, on a small fixed input.
enum Callgrind {
  /// nil: there is no valgrind on the path.
  static let valgrind: String? = {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    return path.split(separator: ":").map { "\($0)/valgrind" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  /// What would make two runs differ: the order of Swift's hash tables, and the implementation that simdjson chooses
  /// by the processor (of which valgrind simulates another one).
  static let environment = ["SWIFT_DETERMINISTIC_HASHING": "1", "SIMDJSON_FORCE_IMPLEMENTATION": "fallback"]

  /// Instructions per event of a stage of `InstructionsCommand`.
  static func instructions(of stage: String) throws -> Figures.Instructions {
    guard let valgrind else { throw BenchError("there is no valgrind on this machine") }
    Console.note("callgrind: \(stage)")
    let program = try stripped()
    defer { try? FileManager.default.removeItem(atPath: program) }
    let file = NSTemporaryDirectory() + "/ebb-bench-\(UUID().uuidString).callgrind"
    defer { try? FileManager.default.removeItem(atPath: file) }
    let output = try Myself.output(
      of: valgrind,
      [
        "--tool=callgrind", "--callgrind-out-file=\(file)", "--collect-atstart=no",
        "--toggle-collect=ebb_measured", program, "instructions", "--stage", stage,
      ], environment: environment)
    guard let events = output.split(separator: "\n").last.flatMap({ Double($0) }), events > 0 else {
      throw BenchError("the run under callgrind did not say how many events it had")
    }
    let profile = CallgrindProfile(parsing: try String(contentsOfFile: file, encoding: .utf8))
    let own = profile.own(URL(fileURLWithPath: program).lastPathComponent)
    guard own > 0 else { throw BenchError("callgrind counted nothing of this program") }
    return Figures.Instructions(
      own: (Double(own) / events).rounded(), total: (Double(profile.total) / events).rounded())
  }

  /// This program without its debug information, which valgrinds before 3.20 cannot read; beside it, since presets are
  /// looked for from where a program is.
  private static func stripped() throws -> String {
    let path = Myself.path + "-" + UUID().uuidString
    _ = try Myself.output(of: "/usr/bin/env", ["strip", "--strip-debug", "-o", path, Myself.path])
    return path
  }
}
