import Foundation
import TestSupport
import Testing

/// What the other tests lean on, tested itself.
@Suite struct TestSupportTests {
  @Test func `A process's status and both streams come back`() async throws {
    let done = try await run("/bin/sh", ["-c", "cat; echo no >&2; exit 3"], input: "yes\n")
    #expect(done.status == 3)
    #expect(done.output == "yes\n")
    #expect(done.error == "no\n")
  }

  @Test func `A megabyte of output does not block`() async throws {
    let done = try await run("/bin/sh", ["-c", "head -c 1000000 /dev/zero | tr '\\0' x"])
    #expect(done.output.count == 1_000_000)
    #expect(!done.truncated)
  }

  @Test func `A process that does not end in time is killed`() async throws {
    let process = try RunningProcess("/bin/sleep", ["60"])
    await #expect(throws: TestSupportError.self) { try await process.finish(within: .milliseconds(200)) }
    #expect(try await process.finish(within: .seconds(60)).status == 128 + SIGKILL)
  }

  @Test func `A process is stopped by SIGTERM and tells so`() async throws {
    let process = try RunningProcess(
      "/bin/sh", ["-c", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"])
    try await process.wait(for: .output, containing: "up")
    let done = try await process.stop()
    #expect(done.status == 0)
    #expect(done.output == "up\nbye\n")
  }

  @Test func `Many processes at a time do not hold one another's streams open`() async throws {
    let sleepers = try (0..<8).map { _ in try RunningProcess("/bin/sleep", ["300"]) }
    try await withThrowingTaskGroup(of: Duration.self) { group in
      for number in 0..<24 {
        group.addTask {
          let done = try await run("/bin/echo", ["\(number)"], within: .seconds(200))
          #expect(done.output == "\(number)\n")
          return done.elapsed
        }
      }
      for try await elapsed in group { #expect(elapsed < .seconds(120)) }
    }
    for sleeper in sleepers { sleeper.send(SIGKILL) }
  }

  @Test func `Waiting ends at once when the process does`() async throws {
    let process = try RunningProcess("/bin/sh", ["-c", "echo only this"])
    let began = ContinuousClock.now
    await #expect(throws: TestSupportError.self) {
      try await process.wait(for: .output, containing: "more", within: .seconds(120))
    }
    #expect(ContinuousClock.now - began < .seconds(60))
  }

  @Test func `A process does not outlive its object`() async throws {
    let identifier = try RunningProcess("/bin/sleep", ["60"]).processIdentifier
    var gone = false
    for _ in 0..<6_000 where !gone {
      try await Task.sleep(for: .milliseconds(10))
      // It is gone when there is nobody left to signal; until it is reaped, signals still find it.
      gone = kill(identifier, 0) != 0
    }
    #expect(gone)
  }

  @Test func `A closed port is one, nobody else gets it, and a temporary directory goes away`() async throws {
    let ports = try (0..<50).map { _ in try LoopbackPort() }
    #expect(Set(ports.map(\.number)).count == 50)
    #expect(ports.allSatisfy { $0.number > 0 })
    let path = try await withTemporaryDirectory { path in
      #expect(FileManager.default.fileExists(atPath: path))
      return path
    }
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func `The same seed gives the same numbers`() {
    // The first outputs for seed 1234567 of the reference implementation, https://prng.di.unimi.it/splitmix64.c
    var generator = SeededGenerator(seed: 1_234_567)
    #expect(generator.next() == 6_457_827_717_110_365_317)
    #expect(generator.next() == 3_203_168_211_198_807_973)
  }

  @Test func `A program of this package is found`() throws {
    #expect(try Binaries.path(of: "ebbd").hasSuffix("/ebbd"))
    #expect(throws: TestSupportError.self) { try Binaries.path(of: "no-such-program") }
  }
}
