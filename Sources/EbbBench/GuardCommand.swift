import ArgumentParser
import Foundation
import Measuring

/// `ebb-bench guard`: holds what an event and a user cost against the checked-in figures, or accepts new ones.
struct GuardCommand: ParsableCommand {
  enum Part: String, ExpressibleByArgument, CaseIterable {
    case counts, memory, instructions
  }

  static let configuration = CommandConfiguration(
    commandName: "guard", abstract: "Holds the checked-in figures, or accepts what is measured now.")

  @ArgumentParser.Option(help: "The file of figures.")
  var figures = "Tests/BenchTests/figures.json"

  @ArgumentParser.Option(help: "Only some of them: counts, memory, instructions.")
  var only: [Part] = []

  @Flag(help: "Write what is measured into the file.")
  var accept = false

  @Flag(help: "Every event makes and drops an object more, so that the guard of counts is seen to fail.")
  var wasting = false

  func run() throws {
    let parts = only.isEmpty ? Part.allCases : only
    var measured = Figures(toolchain: Machine.toolchain, libraries: LoadedLibraries.text)
    // Read before anything is measured: what cannot be read is to be told at once.
    var known = measured
    if FileManager.default.fileExists(atPath: figures) { known = try Figures(path: figures) }
    if parts.contains(.counts) { measured.perThousandEvents = try Self.perThousand(wasting: wasting) }
    if parts.contains(.memory) {
      for name in ActivityClass.allCases.map(\.rawValue) + [MemoryCommand.demoName] {
        measured.bytesPerUser[name] = try MemoryCommand.bytes(name).bytesPerUser.rounded()
      }
    }
    if parts.contains(.instructions) {
      if Callgrind.valgrind == nil {
        Console.say("NOT MEASURED: instructions per event, as there is no valgrind on this machine")
        throw ExitCode(3)
      }
      for stage in Self.guardedStages {
        measured.instructionsPerEvent[stage] = try Callgrind.instructions(of: stage)
      }
    }
    Console.note(nil)
    if accept {
      known.accept(measured)
      try known.write(to: figures)
      Console.say("accepted into \(figures)")
    }
    if !accept { try Self.measureAgain(&measured, known) }
    let findings = known.findings(measured)
    var table = TextTable(["", "figure", "measured", ""])
    for finding in findings {
      table.add([
        finding.name, finding.figure?.text(digits: 1) ?? "", finding.measured.text(digits: 1),
        finding.verdict.rawValue,
      ])
    }
    Console.say(table.text)
    if findings.contains(where: { $0.verdict == .notCompared }) {
      Console.say("not compared: the figures are of \(known.toolchain), \(known.libraries); this is")
      Console.say("\(measured.toolchain), \(measured.libraries)")
    }
    if findings.contains(where: \.isBroken) {
      Console.say("If that is meant, accept it: make bench-accept")
      throw ExitCode(1)
    }
  }

  /// The kernel's and the allocator's share of resident memory is not the same every time, by a percent or two: what
  /// seems to have risen is measured once more, and the lesser counts.
  private static func measureAgain(_ measured: inout Figures, _ known: Figures) throws {
    let risen = Set(known.findings(measured).filter(\.isBroken).map(\.name))
    for (name, bytes) in measured.bytesPerUser where risen.contains(Figures.bytesName(name)) {
      measured.bytesPerUser[name] = min(bytes, try MemoryCommand.bytes(name).bytesPerUser.rounded())
    }
  }

  /// Stages whose instructions are held.
  static let guardedStages = ["decode native", "decode segment", "apply zipf", "apply returning", "flush"]

  static func counts(wasting: Bool) throws -> Counts {
    try Counts(users: 1_000, warmUp: 200_000, events: 100_000, wasting: wasting)
  }

  private static func perThousand(wasting: Bool) throws -> [String: Double] {
    let mix = try counts(wasting: wasting).dailyMix
    let each = { (number: UInt64) in
      (Double(number) * 1_000 / Double(mix.events) * 1_000).rounded() / 1_000
    }
    return [
      "decode: allocations": each(mix.decode.allocations), "decode: retains": each(mix.decode.retains),
      "decode: releases": each(mix.decode.releases), "apply: allocations": each(mix.apply.allocations),
      "apply: retains": each(mix.apply.retains), "apply: releases": each(mix.apply.releases),
    ]
  }
}
