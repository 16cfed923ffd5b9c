import ArgumentParser
import Foundation
import HostileInput
import TestSupport

/// Tries every decoder with damaged input, each in a process of its own.
@main struct Fuzz: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ebb-fuzz",
    abstract: "Damaged bytes for every decoder that reads what others have written.",
    discussion: """
      Inputs are numbered; each is made from a real one by the seed and its number alone, so that one command repeats \
      exactly the input that failed. A target fails by crashing, by taking longer over one input than --limit, by taking \
      more memory than --memory, or by breaking a promise of its own. Ends with 1 if any did.

      With --guided it is libFuzzer that makes the inputs, guided by the code that they reach and watched by the address \
      sanitizer; that takes a build of its own, which make fuzz-guided makes. An input that failed lies in a file then, \
      and --file repeats it in any build.
      """)

  @Argument(help: "Targets; none: all. --list names them.")
  var targets: [String] = []

  @ArgumentParser.Option(help: "Inputs of each target.")
  var inputs: UInt64 = 100_000

  @ArgumentParser.Option(help: "What the inputs are made from.")
  var seed: UInt64 = 1

  @ArgumentParser.Option(help: "Only the input of this number, in this process.")
  var only: UInt64?

  @ArgumentParser.Option(help: "Only the input in this file, in this process.")
  var file: String?

  @ArgumentParser.Option(help: "Seconds of libFuzzer for each target, in place of numbered inputs.")
  var guided: Int?

  @ArgumentParser.Option(help: "Where libFuzzer keeps its inputs from one run to the next.")
  var corpus = ".build/corpus"

  @ArgumentParser.Option(help: "Seconds that one input may take.")
  var limit = 10.0

  @ArgumentParser.Option(help: "MiB that a target may take beyond what it has at its beginning.")
  var memory = 256

  @ArgumentParser.Option(help: "Targets at a time.")
  var jobs = 2

  @Flag(help: "Name the targets.")
  var list = false

  @ArgumentParser.Option(help: .hidden)
  var progress: String?

  func validate() throws {
    if inputs == 0 || limit <= 0 || memory < 1 || jobs < 1 {
      throw ValidationError("--inputs, --limit, --memory and --jobs must be more than 0")
    }
    for name in targets where HostileTarget.named(name) == nil {
      throw ValidationError("there is no target \(name); --list names them")
    }
    if only != nil || file != nil || progress != nil, targets.count != 1 {
      throw ValidationError("--only and --file take one target")
    }
    if let guided {
      if guided < 1 { throw ValidationError("--guided must be more than 0") }
      if !GuidedRun.isThere { throw ValidationError("libFuzzer is not in this build; use make fuzz-guided") }
    }
  }

  func run() async throws {
    if list {
      for target in HostileTarget.all {
        print(
          "\(target.name): \(target.subject)" + (target.share > 1 ? "; one input in \(target.share)" : ""))
      }
      return
    }
    let chosen = targets.isEmpty ? HostileTarget.all.map(\.name) : targets
    if only != nil || file != nil || progress != nil {
      let target = HostileTarget.named(chosen[0])!
      if let guided {
        try GuidedRun(target: target, directory: corpus, seed: seed, seconds: guided, limitSeconds: limit)
          .work()
      }
      let run = try FuzzRun(target, seed: seed, progress: progress)
      if let file { return try run.work(file: file) }
      return try run.work(only.map { $0..<$0 + 1 } ?? 0..<inputs)
    }
    var waiting = chosen[...]
    var failed: [String] = []
    await withTaskGroup(of: (name: String, failure: String?).self) { group in
      for _ in 0..<min(jobs, chosen.count) {
        let name = waiting.removeFirst()
        group.addTask { [self] in await (name, guided == nil ? attempt(name) : attemptGuided(name)) }
      }
      for await (_, failure) in group {
        if let failure { failed.append(failure) }
        if let name = waiting.popFirst() {
          group.addTask { [self] in await (name, guided == nil ? attempt(name) : attemptGuided(name)) }
        }
      }
    }
    for failure in failed { print(failure) }
    if !failed.isEmpty { throw ExitCode.failure }
  }

  /// Runs one target in a process of its own.
  ///
  /// - Returns: how it failed; nil: it did not.
  private func attempt(_ name: String) async -> String? {
    do {
      return try await withTemporaryDirectory { directory in
        let place = "\(directory)/progress"
        let inputs = max(1, inputs / HostileTarget.named(name)!.share)
        let child = try FuzzChild(
          name, ["--inputs", "\(inputs)", "--seed", "\(seed)", "--progress", place], progress: place)
        let ending = try await child.watch(limitSeconds: limit, memoryBytes: Int64(memory) << 20)
        if !child.output.isEmpty { print(child.output, terminator: "") }
        guard let ending else { return nil }
        guard let input = child.input else {
          return "\(name): \(ending) before the first input\n\(child.errors.suffix(2_000))"
        }
        let repetition = "ebb-fuzz \(name) --seed \(seed) --only \(input)"
        return
          "\(name): \(ending) at input \(input); repeat it by: \(repetition)\n\(child.errors.suffix(2_000))"
      }
    } catch {
      return "\(name): \(error)"
    }
  }

  /// Runs one target under libFuzzer in a process of its own.
  ///
  /// - Returns: how it failed; nil: it did not.
  private func attemptGuided(_ name: String) async -> String? {
    do {
      return try await withTemporaryDirectory { directory in
        let child = try FuzzChild(
          name,
          [
            "--guided", "\(guided ?? 0)", "--corpus", corpus, "--seed", "\(seed)", "--limit", "\(limit)",
            "--progress",
            "\(directory)/progress",
          ], progress: "\(directory)/progress")
        let status = try await child.ending()
        let report = GuidedReport(text: child.errors)
        print(report.line(name))
        if status == 0 { return nil }
        let repetition = report.failed.map { "; repeat it by: ebb-fuzz \(name) --file \($0)" } ?? ""
        return "\(name): failed (status \(status))\(repetition)\n\(child.errors.suffix(6_000))"
      }
    } catch {
      return "\(name): \(error)"
    }
  }
}
