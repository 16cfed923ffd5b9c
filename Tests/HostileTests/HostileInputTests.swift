import Foundation
import TestSupport
import Testing

/// Bytes that nobody meant for us, at every place where we read some. The release build tries them; `make fuzz` tries
/// more, and other ones.
@Suite(.serialized) struct `Hostile input` {
  private static func fuzz(_ arguments: [String]) async throws -> RunningProcess.Finished {
    let path = Binaries.packageRoot + "/.build/release/ebb-fuzz"
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw TestSupportError("\(path) is not built; swift build -c release --product ebb-fuzz, or make test")
    }
    let mappings = Binaries.packageRoot + "/Config/mappings"
    return try await run(
      path, arguments, environment: ["EBB_MAPPINGS": mappings], within: .seconds(12 * 3_600))
  }

  /// Inputs of each decoder; `EBB_FUZZ_INPUTS` says otherwise.
  private static var inputs: String { ProcessInfo.processInfo.environment["EBB_FUZZ_INPUTS"] ?? "100000" }

  @Test func `Every decoder reads or refuses whatever comes`() async throws {
    // With what other tests leave of the processors an input may take long.
    let finished = try await Self.fuzz(["--inputs", Self.inputs, "--limit", "60"])
    print(finished.output)
    #expect(finished.status == 0, "\(finished.output)\n\(finished.error)")
    let targets = try await Self.fuzz(["--list"]).output.split(separator: "\n")
    #expect(targets.count >= 14)
    for line in targets {
      let target = line.prefix { $0 != ":" }
      let share = line.firstMatch(of: /one input in ([0-9]+)/).flatMap { Int($0.1) } ?? 1
      let count = try #require(Int(Self.inputs)) / share
      #expect(finished.output.contains("\(target): \(count) inputs, "), "\(target)")
    }
  }

  /// Found among ten million: an empty object in a list whose elements are chosen by a key, in a record that is damaged
  /// elsewhere; sums of a pane at the ends of what an integer can be.
  @Test(arguments: [("events-json", 756_106), ("state-records", 1_666_413)])
  func `What once crashed is read or refused`(target: String, input: Int) async throws {
    let finished = try await Self.fuzz([target, "--seed", "1", "--only", "\(input)"])
    #expect(finished.status == 0, "\(finished.status): \(finished.output)\n\(finished.error)")
  }

  @Test(arguments: [
    ("planted-crash", "crashed (status "), ("planted-hang", "more than 5.0 s"),
    ("planted-memory", " MiB of memory"),
    ("planted-lie", "a promise broken"), ("planted-first", "more than 5.0 s at input 0;"),
  ])
  func `A fault that was made on purpose is found, and the command given that repeats it`(
    name: String, ending: String
  ) async throws {
    let limit = ending.hasPrefix("more than") ? "5" : "60"
    let finished = try await Self.fuzz([name, "--limit", limit, "--inputs", "1000000"])
    #expect(finished.status == 1)
    #expect(finished.output.contains("\(name): ") && finished.output.contains(ending), "\(finished.output)")
    let match = try #require(finished.output.firstMatch(of: /repeat it by: ebb-fuzz (.*)/))
    guard name == "planted-crash" || name == "planted-lie" else { return }
    let again = try await Self.fuzz(match.1.split(separator: " ").map(String.init))
    #expect(again.status == (name == "planted-lie" ? 3 : again.status) && again.status != 0)
  }
}
