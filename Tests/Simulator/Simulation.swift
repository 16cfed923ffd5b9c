import LogModel
import Pipeline

/// One seeded world from its beginning to its end, and what the oracle says of it.
public struct Simulation: Sendable {
  /// What came of a seed.
  public struct Report: Sendable {
    public var seed: UInt64
    /// nil: as undisturbed.
    public var difference: String?
    public var hits: Hits
    public var counts: Counts
    /// Virtual milliseconds.
    public var time: Int64
    /// One line a step; empty unless asked for.
    public var trace: [String]
  }

  /// Runs a seed.
  ///
  /// - Parameters:
  ///   - mutation: a deliberate fault, which the oracle should notice.
  ///   - isTracing: whether to keep what happened.
  public static func run(seed: UInt64, mutation: Mutation? = nil, isTracing: Bool = false) -> Report {
    let world = World(plan: Plan(seed: seed), mutation: mutation, isTracing: isTracing)
    world.note("\(world.plan)")
    var difference: String?
    var counts = Counts()
    do throws(Difference) {
      var schedule = Schedule(world)
      try schedule.run()
      try Oracle(world: world).check()
      counts = Counts(world)
    } catch {
      difference = error.description
    }
    return Report(
      seed: seed, difference: difference, hits: world.hits, counts: counts, time: world.now,
      trace: world.trace)
  }
}

/// How much a world, or many, had in it.
public struct Counts: Sendable, Hashable, CustomStringConvertible {
  public var records = 0
  public var alerts = 0
  public var deadLetters = 0
  public var commits = 0
  public var epochs = 0
  public var lives = 0

  public init() {}

  init(_ world: World) {
    func count(_ topic: OutputTopic) -> Int {
      (0..<world.plan.alertPartitions).reduce(0) {
        $0 + world.cluster.readCommitted(TopicPartition(Names.topic(topic), $1)).count
      }
    }
    alerts = count(.cartAlerts) + count(.churnAlerts)
    deadLetters = count(.deadLetters)
    for number in 0..<Int32(world.plan.partitions) {
      records += world.cluster.readCommitted(Names.input(number)).count
      let history = world.cluster.commitHistory(Names.group, Names.input(number))
      commits += history.count
      let hashes = history.compactMap { ((try? CommitMetadata($0.metadata)) ?? nil)?.epochHash }
      epochs += zip(hashes, hashes.dropFirst()).count { $0 != $1 }
    }
    lives = world.lives
  }

  public mutating func add(_ other: Counts) {
    records += other.records
    alerts += other.alerts
    deadLetters += other.deadLetters
    commits += other.commits
    epochs += other.epochs
    lives += other.lives
  }

  public var description: String {
    "\(records) records, \(alerts) alerts, \(deadLetters) dead letters, \(commits) commits of partitions, "
      + "\(epochs) changes of epoch, \(lives) lives of lanes"
  }
}
