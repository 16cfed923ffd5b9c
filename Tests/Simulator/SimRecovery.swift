import LogModel
import Pipeline
import Shard

/// What recovery reads, over the model.
struct SimSource: ~Copyable, RecoverySource {
  private let world: World
  private let caller: Int
  /// nil: recovery after the end, in which nothing goes wrong.
  private let process: Process?
  private var topic = RecoveryTopic.state
  private var partition: Int32 = 0
  private var next: Int64 = 0
  private var toldEnd: Int64 = -1
  private var isOpen = false
  /// For a fault made on purpose: what stored users are current to.
  private var stored: [[UInt8]: Int64] = [:]

  init(_ world: World, _ process: Process?) {
    self.world = world
    self.process = process
    caller = process?.caller ?? -1
  }

  private func point(_ point: CrashPoint) throws(PipelineError) {
    try process?.point(point)
    world.cluster.caller = caller
  }

  mutating func committed(_ partition: Int32) throws(PipelineError) -> CommittedPosition?? {
    try point(.recoveryCommitted)
    let place = Names.input(partition)
    do {
      let found = try world.cluster.offsetFetch(
        Names.group, [place], requireStable: world.mutation != .unstableCommit)
      guard let answer = found[place] else { return nil }
      if answer.error != nil {
        world.hit(.unstableOffsets)
        return nil
      }
      if answer.offset < 0 { return .some(nil) }
      return CommittedPosition(nextOffset: answer.offset, metadata: answer.metadata)
    } catch {
      return nil
    }
  }

  mutating func bounds(
    _ topic: RecoveryTopic, _ partition: Int32
  ) throws(PipelineError) -> (low: Int64, high: Int64)? {
    try point(topic == .state ? .recoveryStateBounds : .recoveryInputBounds)
    let place = Self.place(topic, partition)
    do {
      let low = try world.cluster.listOffset(place, .earliest)
      let isolation: Isolation =
        topic == .state && world.mutation == .recoveryToFirstEnd ? .readCommitted : .readUncommitted
      var high = try world.cluster.listOffset(place, .latest, isolation)
      if topic == .state, world.mutation == .highWatermarkBeforeCommit, let early = process?.early[partition]
      {
        high = min(high, early)
      }
      return (low, high)
    } catch {
      return nil
    }
  }

  private static func place(_ topic: RecoveryTopic, _ partition: Int32) -> TopicPartition {
    topic == .state ? Names.state(partition) : Names.input(partition)
  }

  mutating func partitionCounts() throws(PipelineError) -> (input: Int, state: Int)? {
    try point(.recoveryCounts)
    do {
      return (
        try world.cluster.partitionCount(Names.input), try world.cluster.partitionCount(Names.state)
      )
    } catch {
      return nil
    }
  }

  mutating func start(_ partition: Int32) throws(PipelineError) -> Int64? {
    try? world.cluster.listOffset(Names.input(partition), .earliest)
  }

  mutating func replacement(
    _ partition: Int32, committed: Int64, low: Int64, high: Int64
  ) throws(PipelineError) -> Int64 {
    throw PipelineError(.offsetLost, "offset \(committed) is gone from the input", hint: "")
  }

  mutating func open(_ topic: RecoveryTopic, _ partition: Int32, from offset: Int64) throws(PipelineError) {
    try point(topic == .state ? .recoveryStateOpen : .recoveryInputOpen)
    world.note("\(name): reads \(topic) \(partition) from \(offset)")
    self.topic = topic
    self.partition = partition
    next = offset
    toldEnd = -1
    isOpen = true
    if topic == .state { stored.removeAll() }
  }

  private var name: String { process.map(\.description) ?? "at the end" }

  mutating func read<Visitor: RecordVisitor & ~Copyable>(
    into visitor: inout Visitor, timeoutMilliseconds: Int32
  ) throws(PipelineError) {
    guard isOpen else { return }
    try point(topic == .state ? .recoveryState : .recoveryInput)
    let result: FetchResult
    do {
      result = try world.cluster.fetch(
        Self.place(topic, partition), .readCommitted, from: next, max: world.dice.number(4...40))
    } catch .offsetOutOfRange {
      throw PipelineError(.offsetLost, "offset \(next) is gone from \(topic)", hint: "")
    } catch {
      return
    }
    for record in result.records where !isHidden(record) { try record.hand(partition, to: &visitor) }
    try visitor.batchEnded()
    next = result.nextOffset
    if result.isEndOfPartition, toldEnd != result.endOffset {
      toldEnd = result.endOffset
      try visitor.reachedEnd(partition: partition, nextOffset: result.endOffset)
    }
  }

  /// Only with the fault that leaves records out.
  private mutating func isHidden(_ record: LogModel.StoredRecord) -> Bool {
    guard world.mutation == .skippedRecordDoesNotMoveWatermark, let key = record.record.key else {
      return false
    }
    switch topic {
    case .state:
      stored[key] = record.record.value.flatMap { Mutation.position(ofState: $0)?.offset }
      return false
    case .input:
      return stored[key].map { $0 > record.offset } ?? false
    }
  }

  mutating func close() { isOpen = false }
}

/// Recovers one partition after the other, a few steps each time it is asked.
struct SimRecoverer: ~Copyable, Recoverer {
  private let process: Process
  private let world: World
  private let settings: LaneSettings
  private var source: SimSource
  private var orders: [RecoveryOrder] = []
  private var current: Recovery<SimSource>?

  init(_ process: Process, _ settings: LaneSettings) {
    self.process = process
    self.settings = settings
    world = process.world
    source = SimSource(process.world, process)
  }

  var progress: [RecoveryProgress] { [] }

  mutating func begin(_ orders: [RecoveryOrder]) {
    self.orders = orders
    current = nil
  }

  mutating func cancel() {
    orders.removeAll()
    current = nil
  }

  mutating func take() throws(PipelineError) -> [RecoveryResult] {
    var results: [RecoveryResult] = []
    let world = world
    let process = process
    for _ in 0..<world.dice.number(1...10) {
      if current == nil {
        guard !orders.isEmpty else { break }
        current = Recovery(
          orders.removeFirst(), settings: settings,
          snapshots: process.disk,
          now: { world.now }, notify: { process.take($0) })
      }
      guard let result = try current!.step(&source, timeoutMilliseconds: 0) else { continue }
      current = nil
      try process.point(.recoveryDone)
      results.append(result)
    }
    return results
  }
}
