import Simulator
import Testing

/// Whole worlds: lanes over a model of a cluster, everything that can go wrong, held against the undisturbed run.
@Suite struct SeedTests {
  private static let seeds: ClosedRange<UInt64> = 1...300
  /// What is hit less often than this is not tested.
  private static let least = 10

  @Test func `Whatever goes wrong, what is committed is what an undisturbed run writes`() async {
    var hits = Hits()
    var counts = Counts()
    for await report in Self.reports() {
      hits.add(report.hits)
      counts.add(report.counts)
      if let difference = report.difference {
        Issue.record("seed \(report.seed): \(difference)\nwhat happened: make simulate SEED=\(report.seed)")
      }
    }
    print(hits.table)
    print(counts)
    #expect(hits.rare(Self.least).isEmpty, "hit less than \(Self.least) times in \(Self.seeds.count) seeds")
    #expect(counts.alerts > 10 * Self.seeds.count && counts.epochs > Self.least)
  }

  /// The seeds' reports, as they are ready.
  private static func reports() -> AsyncStream<Simulation.Report> {
    let (stream, reports) = AsyncStream.makeStream(of: Simulation.Report.self)
    Task {
      await withTaskGroup { group in
        for lane in 0..<UInt64(4) {
          group.addTask {
            for seed in stride(from: seeds.lowerBound + lane, through: seeds.upperBound, by: 4) {
              reports.yield(Simulation.run(seed: seed))
            }
          }
        }
      }
      reports.finish()
    }
    return stream
  }

  @Test func `A seed replays alone, step by step`() throws {
    let first = Simulation.run(seed: 7, isTracing: true)
    let second = Simulation.run(seed: 7, isTracing: true)
    #expect(!first.trace.isEmpty)
    #expect(first.trace == second.trace)
    #expect(first.hits == second.hits)
  }
}
