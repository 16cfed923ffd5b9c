import Portrait
import Triggers

/// A walk through everything of a shard that the state partition holds, in slices between which the shard goes on.
public struct SnapshotWalk: Sendable, Hashable {
  fileprivate var next = 0
  fileprivate let end: Int
  fileprivate var hasTexts = false
  /// Records written so far.
  public fileprivate(set) var records = 0

  fileprivate init(end: Int) { self.end = end }

  /// Whether everything has been seen.
  public var isAtEnd: Bool { hasTexts && next >= end }
}

// What a snapshot holds. The shard changes while it is written, so it is no picture of one moment; it need not be,
// for the state topic is read behind it from where it stood when the walk began:
//
// - A user without unflushed changes is written as he was flushed, with that position: to the byte the record that
//   the topic has (it is at hand still if nobody touched him since the restore). So is a marker.
// - One who has unflushed changes is left out: what the topic has of him is outdated and memory is ahead of it. His
//   next flush lies behind the walk's beginning, and is read from there.
// - So is whoever appears, changes, or is buried after the walk has passed his place.
//
// Snapshot and topic together are thus what the topic alone would be: the same records, the same count, and nobody
// whose state would be newer than what the topic knows and would pass for flushed. It holds once all flushes that the
// walk relies on are committed: of those whom it took as flushed, and of those whom it left out.
extension Shard {
  /// Begins a walk. The state topic's next offset at this moment, or an earlier one, goes with it.
  public func beginSnapshot() -> SnapshotWalk { SnapshotWalk(end: users.placeCount) }

  /// Writes the next users, or first the texts of all stored epochs, as `SnapshotRecords`.
  ///
  /// - Parameters:
  ///   - users: at most so many.
  ///   - bytes: no more users when so much has been written.
  /// - Returns: how many records were written.
  public mutating func takeSlice(
    _ walk: inout SnapshotWalk, users limit: Int, bytes: Int, into writer: inout StateWriter
  ) -> Int {
    let before = walk.records
    if !walk.hasTexts { takeTexts(&walk, into: &writer) }
    let full = writer.count + bytes
    // Places that hold nobody cost little, but not nothing.
    let stop = min(walk.end, walk.next + 16 * limit)
    while walk.next < stop, walk.records - before < limit, writer.count < full {
      let index = walk.next
      walk.next += 1
      guard users.isUsed(index), !users[index].isDirty else { continue }
      unsafe withStored(index) { key, value in
        unsafe SnapshotRecords.append(key: key, value: value, to: &writer)
      }
      walk.records += 1
    }
    return walk.records - before
  }

  private mutating func takeTexts(_ walk: inout SnapshotWalk, into writer: inout StateWriter) {
    walk.hasTexts = true
    for entry in epochs.entries where entry.isStored {
      guard let epoch = entry.epoch else { continue }
      let record = StateRecord(epoch: entry.hash, position: entry.began, content: .epoch(epoch.text))
      stateWriter.removeAll()
      record.encode(into: &stateWriter)
      SnapshotRecords.append(key: record.key, value: stateWriter.bytes, to: &writer)
      walk.records += 1
    }
  }
}
