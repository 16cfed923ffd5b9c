import LogModel
import Pipeline

/// A lane's consumer over the model: a static member with eager rebalances.
struct SimInput: ~Copyable, InputLog {
  private struct Place {
    var partition: Int32
    var next: Int64
    var toldEnd: Int64 = -1
  }

  private let process: Process
  private let world: World
  private let client: GroupClient
  private var assigned: [Int32] = []
  private var places: [Place] = []
  private(set) var isHealthy = true

  init(_ process: Process) {
    self.process = process
    world = process.world
    client = process.client
  }

  mutating func poll<Visitor: InputVisitor & ~Copyable>(
    into visitor: inout Visitor, timeoutMilliseconds: Int32
  ) throws(PipelineError) -> Int {
    if client.isFenced {
      throw PipelineError(.fenced, "another process has this instance id", hint: "")
    }
    try rebalance(&visitor)
    guard !places.isEmpty else { return 0 }
    isHealthy = true
    var count = 0
    let first = world.dice.number(0...(places.count - 1))
    for step in 0..<places.count where count == 0 {
      count += try read((first + step) % places.count, &visitor)
    }
    try process.point(.afterBatch)
    return count
  }

  private mutating func rebalance<Visitor: InputVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(PipelineError) {
    if client.isLost {
      try process.point(.beforeLost)
      let gone = assigned
      assigned = []
      places = []
      world.note("\(process): lost \(gone)")
      try visitor.lost(gone)
      client.gaveUp()
    } else if client.mustRejoin {
      try process.point(.beforeRevoked)
      let gone = assigned
      assigned = []
      places = []
      world.note("\(process): to give up \(gone)")
      try visitor.revoked(gone)
      // It may have been lost inside the callback.
      if client.isLost { try visitor.lost([]) }
      client.gaveUp()
    }
    if client.phase == .out { process.lookAtEnds() }
    guard let assignment = client.join() else { return }
    try process.point(.beforeAssigned)
    assigned = assignment.partitions.map { Int32($0.partition) }
    places = []
    guard
      let membership = Membership(generation: assignment.generation, memberID: assignment.memberID)
    else { return }
    world.note("\(process): assigned \(assigned) in generation \(assignment.generation)")
    try visitor.assigned(assigned, as: membership)
    try process.point(.afterAssigned)
  }

  private mutating func read<Visitor: InputVisitor & ~Copyable>(
    _ index: Int, _ visitor: inout Visitor
  ) throws(PipelineError) -> Int {
    let place = places[index]
    let result: FetchResult
    do {
      world.cluster.caller = process.caller
      result = try world.cluster.fetch(
        Names.input(place.partition), .readCommitted, from: place.next, max: world.dice.number(1...6))
    } catch .offsetOutOfRange {
      throw PipelineError(.offsetLost, "offset \(place.next) is gone from the input", hint: "")
    } catch {
      isHealthy = false
      return 0
    }
    for record in result.records {
      try record.hand(place.partition, to: &visitor)
      // A crash inside of the callback has ended the lane already.
      places[index].next = record.offset + 1
      try process.point(.insideBatch)
    }
    try visitor.batchEnded()
    places[index].next = result.nextOffset
    if result.isEndOfPartition, places[index].toldEnd != result.endOffset {
      places[index].toldEnd = result.endOffset
      try visitor.reachedEnd(partition: place.partition, nextOffset: result.endOffset)
    }
    return result.records.count
  }

  mutating func start(_ positions: [PartitionOffset]) throws(PipelineError) {
    try process.point(.beforeStart)
    for position in positions {
      world.note("\(process): reads \(position.partition) from \(position.nextOffset)")
      if world.mutation == .heldInputGoesOn, places.contains(where: { $0.partition == position.partition }) {
        continue
      }
      places.removeAll { $0.partition == position.partition }
      places.append(Place(partition: position.partition, next: position.nextOffset))
    }
  }

  mutating func hold(_ partitions: [Int32]) throws(PipelineError) {
    world.note("\(process): holds \(partitions)")
    if world.mutation == .heldInputGoesOn { return }
    places.removeAll { partitions.contains($0.partition) }
  }

  mutating func close<Visitor: InputVisitor & ~Copyable>(into visitor: inout Visitor) throws(PipelineError) {
    let gone = assigned
    assigned = []
    places = []
    try visitor.revoked(gone)
  }
}

extension StoredRecord {
  /// Hands a record over as a view.
  func hand<Visitor: RecordVisitor & ~Copyable>(
    _ partition: Int32, to visitor: inout Visitor
  ) throws(PipelineError) {
    let headers = WireHeaders(record.headers)
    var failure: PipelineError?
    unsafe Self.withBytes(record.key) { key in
      unsafe Self.withBytes(record.value) { value in
        do throws(PipelineError) {
          try unsafe visitor.record(
            InputRecord(
              partition: partition, offset: offset, timestamp: record.timestamp, key: key, value: value,
              source: unsafe UnsafeRawPointer(Unmanaged.passUnretained(headers).toOpaque()),
              reader: WireHeaders.self))
        } catch {
          failure = error
        }
      }
    }
    withExtendedLifetime(headers) {}
    if let failure { throw failure }
  }

  private static func withBytes(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) -> Void) {
    guard let bytes else { return body(nil) }
    unsafe bytes.withUnsafeBytes { unsafe body($0) }
  }
}
