import Shard

/// What is known of a partition's snapshot when its writing begins.
public struct SnapshotHeader: Sendable, Hashable {
  public var partition: Int32
  /// Offset from which the state topic must be read after it.
  public var stateOffset: Int64
  /// Wall clock, milliseconds since 1970 UTC. Tombstones behind `stateOffset` are kept for a while from then on.
  public var writtenAt: Int64

  public init(partition: Int32, stateOffset: Int64, writtenAt: Int64) {
    self.partition = partition
    self.stateOffset = stateOffset
    self.writtenAt = writtenAt
  }
}

/// What vouches for a snapshot: everything in it was committed by this cut, or before.
public struct SnapshotCommit: Sendable, Hashable {
  public var cut: CutNumber
  /// Where the partition stood with that cut.
  public var position: Position

  public init(cut: CutNumber, position: Position) {
    self.cut = cut
    self.position = position
  }
}

/// Names one writing of one snapshot.
public struct SnapshotTicket: Sendable, Hashable {
  public let number: UInt64

  public init(_ number: UInt64) { self.number = number }
}

/// Local copies of partitions' state, to be written. No call but `settle` waits for a disk; what goes wrong is told
/// elsewhere and leaves the snapshot that was there before.
public protocol SnapshotWriter: Sendable {
  /// Begins a snapshot beside the one that is there. nil: none can be written at the moment.
  func begin(_ header: SnapshotHeader) -> SnapshotTicket?
  /// Appends records as `SnapshotRecords` lays them out.
  ///
  /// - Parameter records: how many they are.
  /// - Returns: false if there is no room for them at the moment: nothing was taken, come again.
  func append(_ bytes: [UInt8], records: Int, to ticket: SnapshotTicket) -> Bool
  /// Puts the snapshot in the place of the one before.
  func finish(_ ticket: SnapshotTicket, _ commit: SnapshotCommit)
  /// Forgets what has been written under this ticket.
  ///
  /// - Parameter reason: for the log; nil: it is not worth a line.
  func drop(_ ticket: SnapshotTicket, because reason: String?)
  /// Waits, where a disk is written to, until everything that was handed over is safe or has failed, but at most so long.
  func settle(withinMilliseconds milliseconds: Int64)
}
