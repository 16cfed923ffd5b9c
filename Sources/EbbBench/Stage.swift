import CCounting
import Measuring

/// Something that is measured: prepared once, run several times, each run a sample of its own.
protocol Stage: AnyObject {
  /// The row's name in the table.
  var name: String { get }
  /// What one event is, if it is none: `user`, `alert`.
  var unit: String { get }
  /// The fixed input of `InstructionsCommand` that runs the same code; nil: none.
  var fixedInput: String? { get }
  /// Everything that is not to be measured: data made, buffers grown, users there.
  func prepare() throws
  /// One run.
  func run() throws -> Sample
}

extension Stage {
  var unit: String { "event" }
}

/// Stages that belong together in the table.
struct StageGroup {
  var title: String
  var stages: [any Stage]
}

/// Runs stages in turn, several times over, and prints the medians.
struct StageRunner {
  var rounds: Int

  /// - Parameter instructions: of stages for which the processor does not tell them, by their names; see
  ///   `InstructionsCommand`.
  func table(_ groups: [StageGroup], instructions: [String: Double] = [:]) throws -> TextTable {
    var table = TextTable(["", "ns", "lowest", "highest", "instructions", "per"])
    for group in groups {
      for stage in group.stages {
        Console.note("preparing: \(group.title): \(stage.name)")
        try stage.prepare()
      }
      ebb_trim()
      var samples = [[Sample]](repeating: [], count: group.stages.count)
      for round in 1...rounds {
        Console.note("run \(round) of \(rounds): \(group.title)")
        for (place, stage) in group.stages.enumerated() { samples[place].append(try stage.run()) }
      }
      table.add(heading: group.title)
      for (stage, samples) in zip(group.stages, samples) {
        guard let medians = samples.medians, let spread = samples.spread else { continue }
        let counted = medians.instructions ?? instructions[stage.name]
        table.add([
          stage.name, medians.nanoseconds.text(digits: 1), spread.lowerBound.text(digits: 1),
          spread.upperBound.text(digits: 1), counted?.text(digits: 0) ?? "not available", stage.unit,
        ])
      }
    }
    Console.note(nil)
    return table
  }
}
