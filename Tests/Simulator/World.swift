import LogModel
import Pipeline
import Triggers

/// Everything that happens in one seed: the cluster, the clocks, the dice, and what was noted on the way.
///
/// `@unchecked`: one thread, of the test that made it; the lanes' clocks and notices point here.
final class World: @unchecked Sendable {
  let plan: Plan
  let mutation: Mutation?
  let cluster: LogCluster
  var dice: Dice
  /// Monotonic time, milliseconds, of brokers and machines alike.
  private(set) var now: Int64 = 0
  /// By how much the machines' wall clock has been set wrong.
  var wallError: Int64 = 0
  var hits = Hits()
  var processes: [Process] = []
  let snapshots = SnapshotStore()
  /// The last record of each input partition that committed readers see.
  var ends: [Int32: Int64] = [:]
  /// What a right run never has.
  var doubts: [String] = []
  /// Users whose marker was written and who have not come back.
  var gone: Set<[UInt8]> = []
  /// While true nothing goes wrong any more.
  var isCalm = false
  /// When an outage ends.
  var outageEnds: Int64 = .max
  private var owners: UInt64 = 0
  var lives: Int { Int(owners) }
  private let isTracing: Bool
  private(set) var trace: [String] = []
  /// Waits inside of turns since the last turn's end; too many are a lane that hangs.
  var waits = 0
  /// Lanes that wait inside of their turns while others have theirs.
  private var depth = 0

  init(plan: Plan, mutation: Mutation?, isTracing: Bool) {
    self.plan = plan
    self.mutation = mutation
    self.isTracing = isTracing
    dice = Dice(seed: plan.seed ^ 0xabcd_ef01)
    var configuration = Configuration()
    configuration.offsetMetadataMaxBytes = plan.metadataBytes
    cluster = LogCluster(configuration: configuration)
    do {
      try cluster.createTopic(Names.input, partitions: plan.partitions)
      try cluster.createTopic(
        Names.state, partitions: plan.partitions,
        settings: TopicSettings(
          cleanupPolicy: .compact, deleteRetentionMilliseconds: plan.tombstoneRetention))
      for topic in OutputTopic.allCases where topic != .state {
        try cluster.createTopic(Names.topic(topic), partitions: plan.alertPartitions)
      }
    } catch {
      preconditionFailure("topics cannot be made: \(error)")
    }
  }

  // MARK: Clocks

  /// What a right clock on the wall shows.
  var trueWall: Int64 { Plan.origin + now * plan.speed }

  var clock: LaneClock {
    LaneClock(
      wall: { self.trueWall + self.wallError }, monotonic: { self.now }, speed: Double(plan.speed),
      pause: { _ in })
  }

  /// Time passes everywhere: heartbeats are sent, brokers do what falls due, markers arrive.
  func pass(_ milliseconds: Int64) {
    var left = milliseconds
    while left > 0 {
      let step = min(left, 1_000)
      left -= step
      now += step
      if now >= outageEnds { endOutage() }
      cluster.advance(to: now)
      for process in processes {
        process.heartbeat()
        if dice.chance(40) { process.write() }
      }
      deliverMarkers()
    }
  }

  /// Time passes while a lane waits inside of a turn.
  func passInTurn(_ milliseconds: Int64) throws(PipelineError) {
    waits += 1
    if waits > 20_000 {
      throw PipelineError(.hangs, "a lane waits for ever inside of one turn", hint: "")
    }
    pass(milliseconds)
    // Others go on meanwhile.
    guard depth == 0 else { return }
    depth += 1
    for process in processes where dice.chance(50) { process.turn() }
    depth -= 1
  }

  /// An hour or a day in which nobody lives.
  func leap(_ milliseconds: Int64) {
    now += milliseconds
    cluster.advance(to: now)
    if now >= outageEnds { endOutage() }
  }

  func endOutage() {
    outageEnds = .max
    cluster.faults.isOutage = false
    cluster.faults.unreachable.removeAll()
    note("the brokers are back")
  }

  func deliverMarkers() {
    while !cluster.pendingMarkers.isEmpty, isCalm || dice.chance(60) {
      let index = isCalm ? 0 : dice.number(0...(cluster.pendingMarkers.count - 1))
      let marker = cluster.deliverMarker(at: index)
      if cluster.pendingMarkers.contains(where: { $0.producerID == marker.producerID }) { hit(.markerSplit) }
    }
    while !cluster.delayedRequests.isEmpty, isCalm || dice.chance(25) {
      let error = cluster.deliverDelayed(at: 0)
      note("a delayed request arrives\(error.map { ": \($0)" } ?? "")")
    }
  }

  // MARK: Notes

  func note(_ text: @autoclosure () -> String) {
    guard isTracing else { return }
    trace.append("\(now) ms  \(text())")
  }

  func hit(_ fault: FaultKind) { hits.faults[fault, default: 0] += 1 }

  /// A name for a lane's life, never used twice.
  func newOwner() -> UInt64 {
    owners += 1
    return plan.seed &* 1_000 &+ owners
  }
}

extension PipelineError.Code {
  static let hangs = PipelineError.Code("hangs")
}
