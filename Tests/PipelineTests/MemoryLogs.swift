import Events
import Pipeline
import Triggers
import Synchronization

/// A clock that stands still until it is moved.
final class ManualClock: Sendable {
  private let state: Mutex<(wall: Int64, monotonic: Int64)>

  init(wall: Int64) { state = Mutex((wall, 0)) }

  func advance(_ milliseconds: Int64) {
    state.withLock { $0 = ($0.wall + milliseconds, $0.monotonic + milliseconds) }
  }

  var lane: LaneClock {
    LaneClock(
      wall: { self.state.withLock { $0.wall } }, monotonic: { self.state.withLock { $0.monotonic } },
      pause: { self.advance($0) })
  }
}

/// What the lane's surroundings saw and decide, shared between a test and the ports that the lane owns.
final class MemoryWorld: Sendable {
  indirect enum Step: Sendable {
    case assigned([Int32])
    case revoked([Int32])
    case lost([Int32])
    case record(partition: Int32, offset: Int64, timestamp: Int64, key: String?, value: String?)
    /// Records that are handed over together.
    case batch([Step])
    case end(partition: Int32, nextOffset: Int64)
    /// The lane's time goes on.
    case wait(Int64)
    /// The output log keeps every cut pending from now on, or no longer.
    case hold(Bool)
    case healthy(Bool)
    case configure(LaneSettings)
    /// Turns the valve.
    case valve(@Sendable (InputValve) -> Void)
    case stop
  }

  struct State: Sendable {
    var steps: [Step] = []
    var begun: [Cut] = []
    var committed: [Cut] = []
    var abandoned = 0
    var holds = false
    var isHealthy = true
    var notices: [LaneNotice] = []
    var isClosed = false
    var started: [PartitionOffset] = []
    var held: [Int32] = []
  }

  let state: Mutex<State>
  let clock: ManualClock
  let monitor = LaneMonitor()

  init(_ steps: [Step], wall: Int64) {
    state = Mutex(State(steps: steps))
    clock = ManualClock(wall: wall)
  }

  var committed: [Cut] { state.withLock { $0.committed } }
  var begun: [Cut] { state.withLock { $0.begun } }

  /// Committed records of one topic.
  func written(to topic: OutputTopic) -> [OutputRecord] {
    committed.flatMap(\.sections).flatMap(\.records).filter { $0.topic == topic }
  }

  /// The last committed offset of a partition.
  func offset(of partition: Int32) -> Int64? {
    committed.flatMap(\.sections).last { $0.partition == partition }?.nextOffset
  }
}

/// Hands over one step a poll; what follows an assignment waits until its partitions are started.
struct MemoryInput: InputLog, ~Copyable {
  let world: MemoryWorld
  private var owned: [Int32] = []
  private var started: [Int32] = []
  private var generation: Int32 = 0

  init(_ world: MemoryWorld) { self.world = world }

  var isHealthy: Bool { world.state.withLock { $0.isHealthy } }

  mutating func poll<Visitor: InputVisitor & ~Copyable>(
    into visitor: inout Visitor, timeoutMilliseconds: Int32
  ) throws(PipelineError) -> Int {
    let mustWait = started.count < owned.count
    let next = world.state.withLock { state -> MemoryWorld.Step? in
      guard let first = state.steps.first else { return nil }
      switch first {
      case .revoked, .lost, .stop, .hold(false), .configure, .valve: return state.steps.removeFirst()
      // Nothing is started then, and time passes all the same.
      case .wait where world.monitor.valve.isShut: return state.steps.removeFirst()
      default: return mustWait ? nil : state.steps.removeFirst()
      }
    }
    guard let next else {
      world.clock.advance(Int64(max(timeoutMilliseconds, 1)))
      return 0
    }
    switch next {
    case .assigned(let partitions):
      owned = partitions
      started = []
      generation += 1
      try visitor.assigned(partitions, as: Membership(generation: generation, memberID: "m")!)
    case .revoked(let partitions):
      owned.removeAll { partitions.contains($0) }
      started.removeAll { partitions.contains($0) }
      try visitor.revoked(partitions)
    case .lost(let partitions):
      owned.removeAll { partitions.contains($0) }
      started.removeAll { partitions.contains($0) }
      try visitor.lost(partitions)
    case .end(let partition, let nextOffset):
      try visitor.reachedEnd(partition: partition, nextOffset: nextOffset)
    case .wait(let milliseconds): world.clock.advance(milliseconds)
    case .hold(let holds): world.state.withLock { $0.holds = holds }
    case .healthy(let isHealthy): world.state.withLock { $0.isHealthy = isHealthy }
    case .configure(let settings): world.monitor.post(.configure(settings))
    case .valve(let turn): turn(world.monitor.valve)
    case .stop: world.monitor.stop()
    case .record(let partition, let offset, let timestamp, let key, let value):
      try Self.hand(partition, offset, timestamp, key, value, to: &visitor)
      try visitor.batchEnded()
      return 1
    case .batch(let records):
      for record in records {
        guard case .record(let partition, let offset, let timestamp, let key, let value) = record else {
          preconditionFailure("a batch is of records")
        }
        try Self.hand(partition, offset, timestamp, key, value, to: &visitor)
      }
      try visitor.batchEnded()
      return records.count
    }
    return 0
  }

  private static func hand<Visitor: InputVisitor & ~Copyable>(
    _ partition: Int32, _ offset: Int64, _ timestamp: Int64, _ key: String?, _ value: String?,
    to visitor: inout Visitor
  ) throws(PipelineError) {
    // Copied by hand, since a typed error cannot leave the closures of `withUnsafeBytes`.
    func bytes(_ text: String?) -> UnsafeMutableRawBufferPointer? {
      guard let text else { return nil }
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
      unsafe copy.copyBytes(from: text.utf8)
      return unsafe copy
    }
    let key = unsafe bytes(key)
    let value = unsafe bytes(value)
    defer {
      unsafe key?.deallocate()
      unsafe value?.deallocate()
    }
    let record = unsafe InputRecord(
      partition: partition, offset: offset, timestamp: timestamp,
      key: key.map { UnsafeRawBufferPointer($0) }, value: value.map { UnsafeRawBufferPointer($0) })
    try visitor.record(record)
  }

  mutating func start(_ positions: [PartitionOffset]) throws(PipelineError) {
    started += positions.map(\.partition)
    world.state.withLock { $0.started += positions }
  }

  mutating func hold(_ partitions: [Int32]) throws(PipelineError) {
    started.removeAll { partitions.contains($0) }
    world.state.withLock { $0.held += partitions }
  }

  mutating func close<Visitor: InputVisitor & ~Copyable>(into visitor: inout Visitor) throws(PipelineError) {
    if !owned.isEmpty { try visitor.revoked(owned) }
    world.state.withLock { $0.isClosed = true }
  }
}

/// Commits a cut when it is asked for progress, unless it is told to hold.
struct MemoryOutput: OutputLog, ~Copyable {
  let world: MemoryWorld
  private var inFlight: Cut?

  init(_ world: MemoryWorld) { self.world = world }

  func isReady() throws(PipelineError) -> Bool { true }

  mutating func begin(_ cut: Cut) throws(PipelineError) {
    precondition(inFlight == nil, "a second cut was begun before the first had ended")
    inFlight = cut
    world.state.withLock { $0.begun.append(cut) }
  }

  mutating func progress(timeoutMilliseconds: Int32) throws(PipelineError) -> CutProgress {
    guard let cut = inFlight else { return .idle }
    if world.state.withLock({ $0.holds }) {
      world.clock.advance(Int64(timeoutMilliseconds))
      return .pending
    }
    inFlight = nil
    world.state.withLock { $0.committed.append(cut) }
    return .committed(cut.number, stateOffsets: [:])
  }

  mutating func abandon() {
    if inFlight != nil { world.state.withLock { $0.abandoned += 1 } }
    inFlight = nil
  }
}

/// Recovers at once, from what the world has committed; no state is stored, so that only new partitions come back.
struct MemoryRecoverer: Recoverer, ~Copyable {
  let world: MemoryWorld
  let settings: LaneSettings
  private var orders: [RecoveryOrder] = []

  init(_ world: MemoryWorld, _ settings: LaneSettings) {
    self.world = world
    self.settings = settings
  }

  var progress: [RecoveryProgress] { [] }

  mutating func begin(_ orders: [RecoveryOrder]) { self.orders = orders }

  mutating func cancel() { orders = [] }

  mutating func take() throws(PipelineError) -> [RecoveryResult] {
    var results: [RecoveryResult] = []
    for order in orders {
      var recovery = Recovery<MemorySource>(
        order, settings: settings, snapshots: nil, now: world.clock.lane.monotonic, notify: { _ in })
      var source = MemorySource(world: world)
      var result: RecoveryResult?
      while result == nil { result = try recovery.step(&source, timeoutMilliseconds: 0) }
      results.append(result!)
    }
    orders = []
    return results
  }
}

/// An empty state topic beside an input that nobody has read.
struct MemorySource: RecoverySource, ~Copyable {
  let world: MemoryWorld

  func committed(_ partition: Int32) throws(PipelineError) -> CommittedPosition?? {
    let section = world.committed.flatMap(\.sections).last { $0.partition == partition }
    return .some(section.map { CommittedPosition(nextOffset: $0.nextOffset, metadata: $0.metadata) })
  }

  func bounds(_ topic: RecoveryTopic, _ partition: Int32) throws(PipelineError) -> (low: Int64, high: Int64)?
  {
    topic == .state ? (0, 0) : (0, .max)
  }

  func partitionCounts() throws(PipelineError) -> (input: Int, state: Int)? { (4, 4) }

  func start(_ partition: Int32) throws(PipelineError) -> Int64? { 0 }

  func replacement(
    _ partition: Int32, committed: Int64, low: Int64, high: Int64
  ) throws(PipelineError) -> Int64 { low }

  func open(_ topic: RecoveryTopic, _ partition: Int32, from offset: Int64) throws(PipelineError) {}

  func read<Visitor: RecordVisitor & ~Copyable>(
    into visitor: inout Visitor, timeoutMilliseconds: Int32
  ) throws(PipelineError) {}

  func close() {}
}
