/// A deliberate fault. Each is made in the ports, on the way between the lane and the cluster, and breaks one rule.
public enum Mutation: String, Sendable, Hashable, CaseIterable {
  /// Offsets are sent as whoever the consumer is by now, nobody included.
  case metadataFetchedAtResend
  /// After an unknown outcome the cut is taken for the one before, whatever the offset bears.
  case resendWithoutCutNumber
  case recoveryPointOneTooFar
  case tickForgotten
  case resumeForgotten
  /// In a replay, records of users whose stored state includes them already are left out.
  case skippedRecordDoesNotMoveWatermark
  /// Flushed users bear a position that is not theirs.
  case flushWithoutPosition
  /// Offsets are committed on their own before the alerts are.
  case offsetsBeforeAlerts
  /// The state topic is read to the first end of partition.
  case recoveryToFirstEnd
  /// The state topic's end is taken before the group is joined.
  case highWatermarkBeforeCommit
  /// An offset counts although an open transaction may change it.
  case unstableCommit
  /// A snapshot is there before its cut is committed.
  case snapshotBeforeCommit
  /// The tombstone of one who has come back is written all the same.
  case tombstoneNotCancelled
  /// Commits name the new epoch, and carry its text, before the users of the old one are flushed.
  case epochBeginsBeforeItIsEmpty
  /// Input is not held while a running lane changes its configuration, and goes on where it is then.
  case heldInputGoesOn
}
