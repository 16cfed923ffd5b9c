import Foundation
import Simulator

/// `make simulate`: as many seeds as one likes, or one with its trace.
@main
struct Simulate {
  static func main() {
    var first: UInt64 = 1
    var count: UInt64 = 1_000
    var only: UInt64?
    var mutation: Mutation?
    for argument in CommandLine.arguments.dropFirst() {
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
        String.init)
      let value = parts.count == 2 ? parts[1] : ""
      switch parts[0] {
      case "FIRST": first = UInt64(value) ?? first
      case "SEEDS": count = UInt64(value) ?? count
      case "SEED": only = UInt64(value)
      case "MUTATION":
        mutation = Mutation(rawValue: value)
        if mutation == nil {
          print("MUTATION is one of \(Mutation.allCases.map(\.rawValue).joined(separator: ", "))")
          return
        }
      default:
        print("simulate [SEEDS=n] [FIRST=n] [SEED=n] [MUTATION=name]")
        return
      }
    }
    if let only { return replay(only, mutation) }
    run(first, count, mutation)
  }

  /// One seed, with everything that happens in it.
  private static func replay(_ seed: UInt64, _ mutation: Mutation?) {
    let report = Simulation.run(seed: seed, mutation: mutation, isTracing: true)
    for line in report.trace { print(line) }
    print("seed \(seed): \(report.difference ?? "as the undisturbed run")")
  }

  private static func run(_ first: UInt64, _ count: UInt64, _ mutation: Mutation?) {
    let clock = ContinuousClock()
    let began = clock.now
    var hits = Hits()
    var counts = Counts()
    var failed = 0
    for seed in first..<first + count {
      let report = Simulation.run(seed: seed, mutation: mutation)
      hits.add(report.hits)
      counts.add(report.counts)
      guard let difference = report.difference else { continue }
      failed += 1
      print("seed \(seed): \(difference)")
      if mutation != nil { break }
    }
    let seconds = Double((clock.now - began).components.seconds) + 0.001
    print(hits.table)
    print(counts)
    print(
      "\(count) seeds from \(first), \(failed) with a difference, \(Int(Double(count) / seconds)) seeds/s")
    if failed > 0 { exit(1) }
  }
}
