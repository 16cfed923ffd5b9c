/// One seeded world from its beginning to its end, and what the oracle says of it.
public struct Simulation: Sendable {
  /// What came of a seed.
  public struct Report: Sendable {
    public var seed: UInt64
    /// nil: as undisturbed.
    public var difference: String?
    public var hits: Hits
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
    do throws(Difference) {
      var schedule = Schedule(world)
      try schedule.run()
      try Oracle(world: world).check()
    } catch {
      difference = error.description
    }
    return Report(
      seed: seed, difference: difference, hits: world.hits, time: world.now, trace: world.trace)
  }
}
