// Measurements that print a figure of the README or of the changelog anew: `make bench-kafka`, `make
// bench-kafka-latency`, `make bench-state`, `make soak`. Built optimised, unlike the tests.

import ArgumentParser

@main struct Bench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ebb-cluster-bench",
    abstract: "Measures Ebb on a real cluster, and its state topic without one.",
    subcommands: [ThroughputCommand.self, LatencyCommand.self, StateCommand.self, SoakCommand.self])
}
