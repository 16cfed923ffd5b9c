import Pipeline
import Shard

/// The snapshots on each instance's disk, in memory. A life's unfinished writing dies with it.
final class SnapshotStore {
  struct Snapshot {
    var header: SnapshotHeader
    /// Brokers' clock: tombstones are kept for a while from here on.
    var time: Int64
    var bytes: [UInt8] = []
  }

  struct Place: Hashable {
    var instance: String
    var partition: Int32
  }

  var snapshots: [Place: Snapshot] = [:]
}

/// A lane's writer and reader of snapshots.
///
/// `@unchecked`: one thread.
final class SnapshotDisk: SnapshotReader, SnapshotWriter, @unchecked Sendable {
  private let process: Process
  private var writing: [SnapshotTicket: SnapshotStore.Snapshot] = [:]
  private var tickets: UInt64 = 0

  init(_ process: Process) { self.process = process }

  private var world: World { process.world }

  private func place(_ partition: Int32) -> SnapshotStore.Place {
    SnapshotStore.Place(instance: process.instance, partition: partition)
  }

  // MARK: Writing

  func begin(_ header: SnapshotHeader) -> SnapshotTicket? {
    if world.dice.chance(10) { return nil }
    tickets += 1
    let ticket = SnapshotTicket(tickets)
    writing[ticket] = SnapshotStore.Snapshot(header: header, time: world.now)
    return ticket
  }

  func append(_ bytes: [UInt8], records: Int, to ticket: SnapshotTicket) -> Bool {
    if world.dice.chance(20) { return false }
    writing[ticket]?.bytes += bytes
    if world.mutation == .snapshotBeforeCommit, let snapshot = writing[ticket] {
      world.snapshots.snapshots[place(snapshot.header.partition)] = snapshot
    }
    return true
  }

  func finish(_ ticket: SnapshotTicket, _ commit: SnapshotCommit) {
    guard let snapshot = writing.removeValue(forKey: ticket) else { return }
    world.note("\(process): a snapshot of \(snapshot.header.partition), from \(snapshot.header.stateOffset)")
    world.hit(.snapshotWritten)
    world.snapshots.snapshots[place(snapshot.header.partition)] = snapshot
  }

  func drop(_ ticket: SnapshotTicket, because reason: String?) { writing[ticket] = nil }

  func settle(withinMilliseconds milliseconds: Int64) {
    world.pass(1)
  }

  // MARK: Reading

  func read(
    _ partition: Int32,
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(PipelineError) -> Void
  ) throws(SnapshotError) -> Int64? {
    guard let snapshot = world.snapshots.snapshots[place(partition)],
      world.now - snapshot.time <= world.plan.tombstoneRetention / 2
    else { return nil }
    world.hit(.snapshotUsed)
    let result = unsafe snapshot.bytes.withUnsafeBytes { bytes -> Result<Int, SnapshotError> in
      Result { () throws(SnapshotError) -> Int in
        try unsafe SnapshotRecords.read(bytes, damaged: { SnapshotError($0.message) }) {
          key, value throws(SnapshotError) in
          do throws(PipelineError) {
            try unsafe body(key, value)
          } catch {
            throw SnapshotError(error.message)
          }
        }
      }
    }
    let count = try result.get()
    world.note("\(process): uses a snapshot of \(partition), \(count) records")
    return snapshot.header.stateOffset
  }

  func forget(_ partition: Int32) { world.snapshots.snapshots[place(partition)] = nil }
}
