import Foundation
import TestSupport
import Testing

/// The optimised program's costs against the checked-in figures. Where one is meant to rise: `make bench-accept`.
@Suite(.serialized, .timeLimit(.minutes(15))) struct `What an event and a user cost is held` {
  private func bench(_ arguments: [String]) async throws -> RunningProcess.Finished {
    let path = Binaries.packageRoot + "/.build/release/ebb-bench"
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw TestSupportError("\(path) is not built; swift build -c release --product ebb-bench, or make test")
    }
    return try await run(
      path, arguments, environment: ["SWIFT_DETERMINISTIC_HASHING": "1"], directory: Binaries.packageRoot,
      within: .seconds(600))
  }

  @Test func `Known numbers of allocations, retains and releases are counted exactly`() async throws {
    let finished = try await bench(["self-check"])
    #expect(finished.status == 0, "\(finished.output) \(finished.error)")
    #expect(finished.output.split(separator: "\n").count == 5)
  }

  @Test func `An event allocates and retains no more than the figures say`() async throws {
    let finished = try await bench(["guard", "--only", "counts"])
    #expect(finished.status == 0, "\(finished.output) \(finished.error)")
  }

  @Test func `One object more in every event breaks the guard`() async throws {
    let finished = try await bench(["guard", "--only", "counts", "--wasting"])
    #expect(finished.status == 1, "\(finished.output) \(finished.error)")
    #expect(finished.output.contains("RISEN"))
  }

  @Test func `A user takes no more memory than the figures say`() async throws {
    let finished = try await bench(["guard", "--only", "memory"])
    #expect(finished.status == 0, "\(finished.output) \(finished.error)")
  }

  @Test func `An event takes no more instructions than the figures say`() async throws {
    guard Binaries.tool("valgrind") != nil else {
      print("SKIPPED: instructions per event: there is no valgrind on this machine")
      return
    }
    let finished = try await bench(["guard", "--only", "instructions"])
    #expect(finished.status == 0, "\(finished.output) \(finished.error)")
    if finished.output.contains("not compared") { print("SKIPPED in part: \(finished.output)") }
  }
}
