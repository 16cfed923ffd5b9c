import Pipeline
import Shard

/// Local snapshots of each instance, in memory: what its own committed cuts have written.
final class SnapshotStore {
  private struct Snapshot {
    var records: [[UInt8]: [UInt8]] = [:]
    /// Where the state topic goes on after it.
    var offset: Int64
    var time: Int64
  }

  private struct Place: Hashable {
    var instance: String
    var partition: Int32
  }

  private var snapshots: [Place: Snapshot] = [:]

  /// Makes a partition's snapshot out of what its topic holds for committed readers.
  func write(
    _ partition: Int32, instance: String, records: [(key: [UInt8], value: [UInt8])], from offset: Int64,
    now: Int64
  ) {
    var snapshot = Snapshot(offset: offset, time: now)
    for (key, value) in records { snapshot.records[key] = value }
    snapshots[Place(instance: instance, partition: partition)] = snapshot
  }

  func reader(of process: Process) -> any SnapshotReader { Reader(process: process, store: self) }

  /// `@unchecked`: one thread.
  private struct Reader: SnapshotReader, @unchecked Sendable {
    let process: Process
    let store: SnapshotStore

    func read(
      _ partition: Int32,
      _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(PipelineError) -> Void
    ) throws(SnapshotError) -> Int64? {
      let world = process.world
      guard let snapshot = store.snapshots[Place(instance: process.instance, partition: partition)],
        world.now - snapshot.time <= world.plan.tombstoneRetention / 2
      else { return nil }
      world.hit(.snapshotUsed)
      world.note("\(process): a snapshot of \(partition), \(snapshot.records.count) records")
      for (key, value) in snapshot.records.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
        let failure = unsafe key.withUnsafeBytes { key in
          unsafe value.withUnsafeBytes { value -> PipelineError? in
            do throws(PipelineError) {
              try unsafe body(key, value)
              return nil
            } catch {
              return error
            }
          }
        }
        if let failure { throw SnapshotError(failure.message) }
      }
      return snapshot.offset
    }
  }
}

extension World {
  /// After a cut, now and then, a partition's snapshot.
  func takeSnapshots(of sections: [CutSection], _ process: Process) {
    guard plan.hasSnapshots, dice.chance(25) else { return }
    for section in sections {
      let place = Names.state(section.partition)
      var latest: [[UInt8]: [UInt8]] = [:]
      let isEarly = mutation == .snapshotBeforeCommit
      let records = isEarly ? cluster.storedRecords(place) : cluster.readCommitted(place)
      for stored in records where stored.control == nil && (stored.outcome != .aborted) {
        guard let key = stored.record.key else { continue }
        latest[key] = stored.record.value
      }
      guard let end = records.last?.offset else { continue }
      snapshots.write(
        section.partition, instance: process.instance, records: latest.map { ($0.key, $0.value) },
        from: end + 1, now: now)
    }
  }
}
