import LogModel
import Pipeline

/// What no lane may go on from: something that it relies on was taken away or changed by others.
public enum Refusal: String, Sendable, Hashable, CaseIterable {
  /// The group's offsets have expired beside a state topic that holds users.
  case offsetsExpired
  /// Retention has taken input that is still to be read again.
  case inputExpired
  /// The state topic's records are gone.
  case stateEmptied
  /// The input has grown a partition while lanes run.
  case partitionsAdded
  case foreignCommit, laterCommit, damagedCommit
  case foreignStateRecord, laterStateRecord

  /// What the lane must end with.
  public var code: PipelineError.Code {
    switch self {
    case .inputExpired: .offsetLost
    case .partitionsAdded: .configuration
    default: .state
    }
  }

  /// Words of the sentence that tell this trouble from others.
  public var words: String {
    switch self {
    case .offsetsExpired: "the group has no offset for it"
    case .inputExpired: "is gone from the input"
    case .stateEmptied: "records are missing"
    case .partitionsAdded: "partitions and the state topic"
    case .foreignCommit: "is not Ebb's"
    case .laterCommit: "another version of Ebb wrote it"
    case .damagedCommit: "its checksum does not fit"
    case .foreignStateRecord: "cannot be read"
    case .laterStateRecord: "has format 9"
    }
  }
}

extension Refusal {
  /// What came of it.
  public struct Outcome: Sendable {
    /// nil: a lane went on.
    public var ending: PipelineError?
    /// Commits of partitions after the trouble had come.
    public var laterCommits: Int
  }

  /// Runs a quiet world for a while, makes the trouble, and starts a lane that meets it.
  public func run(seed: UInt64) throws(Difference) -> Outcome {
    var plan = Plan(seed: seed)
    plan.trouble = 0
    plan.steps = 60
    plan.hasSnapshots = false
    // Something is left to be read again.
    plan.flushAfter = 600_000
    plan.maximumReplay = .max
    let world = World(plan: plan, mutation: nil, isTracing: false)
    var schedule = Schedule(world)
    try schedule.begin()
    schedule.feed.send(40)
    try schedule.settle()
    if self != .partitionsAdded {
      // All of them flush when they stop; then one is killed with users who are not flushed.
      for process in world.processes { process.stop() }
      schedule.feed.send(20)
      try schedule.settle()
      for process in world.processes { process.kill() }
    }
    world.leap(60_000)
    world.cluster.deliverAllMarkers()
    make(in: world)
    let before = world.commitCount
    for _ in 0..<400 {
      if let ending = world.processes.compactMap(\.ending).first {
        return Outcome(ending: ending, laterCommits: world.commitCount - before)
      }
      if !world.processes.contains(where: \.isAlive) { schedule.start("lane-0") }
      world.pass(200)
      for process in world.processes { process.turn() }
    }
    return Outcome(ending: nil, laterCommits: world.commitCount - before)
  }

  private func make(in world: World) {
    let cluster = world.cluster
    let input = Names.input(0)
    let state = Names.state(0)
    do {
      switch self {
      case .offsetsExpired: cluster.expireOffsets(Names.group)
      case .inputExpired: try cluster.deleteRecords(input, before: -1)
      case .stateEmptied: try cluster.expireRecords(state, olderThan: .max)
      case .partitionsAdded:
        try cluster.createPartitions(Names.input, total: world.plan.partitions + 1)
        cluster.requestRebalance(Names.group)
      case .foreignCommit: try commit("offsets of somebody else", world)
      case .laterCommit: try commit("ebb2:AAAA:00000000", world)
      case .damagedCommit: try commit("ebb1:AAAA:00000000", world)
      case .foreignStateRecord: try store([1, 2, 3], world)
      case .laterStateRecord: try store(Self.later, world)
      }
    } catch {
      preconditionFailure("\(rawValue) cannot be made: \(error)")
    }
  }

  private func commit(_ text: String, _ world: World) throws(KafkaError) {
    let place = Names.input(0)
    let offset = world.cluster.committedOffsets(Names.group)[place]?.offset ?? 0
    try world.cluster.offsetCommit(
      GroupMetadata(group: Names.group), [place: OffsetAndMetadata(offset, text)])
  }

  private func store(_ value: [UInt8], _ world: World) throws(KafkaError) {
    try world.cluster.produce([LogRecord(key: Array("u0".utf8), value: value)], to: Names.state(0))
  }
}

extension World {
  fileprivate var commitCount: Int {
    (0..<plan.partitions).reduce(0) {
      $0 + cluster.commitHistory(Names.group, Names.input(Int32($1))).count
    }
  }
}
