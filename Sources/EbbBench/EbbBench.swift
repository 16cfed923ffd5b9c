// Measurements of Ebb that anyone can run: `make bench` prints one table of all stages.
//
// A stage (`Stage`) is prepared once and run several times, the runs of all stages interleaved, and told by its
// medians; `Meter` counts the thread's processor time and, where the machine lets it, its instructions. What is fed:
// `Corpus` (records as bytes), `PresetSamples` (made up here, one format each), `EventTemplates` (the simulated shop's
// events for any user at any time).
//
//   DecodeStages   bytes to event, by preset          EncodeStages   user to state record, alert to JSON
//   ApplyStages    event into a shard of n users      DeadlineStages the wheel of deadlines alone
//   Memory…        bytes per user, in processes of their own
//   Counts…        allocations, retains and releases
//   Recovery…      how long a partition takes to come back
//   Instructions…  a fixed input for callgrind        Guard…         the checked-in figures, held
//
// Not obvious: linking CCounting interposes malloc. Nothing but this program links it.

import ArgumentParser

@main struct EbbBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ebb-bench",
    abstract: "Measures Ebb's stages, its memory, and what an event costs beside time.",
    subcommands: [
      AllCommand.self, DecodeCommand.self, ApplyCommand.self, DeadlinesCommand.self, EncodeCommand.self,
      MemoryCommand.self, CountsCommand.self, RecoveryCommand.self, InstructionsCommand.self,
      GuardCommand.self, SelfCheckCommand.self, DemoStreamCommand.self,
    ],
    defaultSubcommand: AllCommand.self)
}

/// What went wrong, for the person who reads it.
struct BenchError: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}
