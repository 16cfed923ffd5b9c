/// Where a process can be killed: around every call of its ports.
public enum CrashPoint: String, Sendable, Hashable, CaseIterable {
  case betweenTurns
  // Input.
  case beforeAssigned, afterAssigned, beforeRevoked, beforeLost, insideBatch, afterBatch, beforeStart
  // The transaction.
  case beforeInitialize, afterInitialize, beforeBegin, beforeWrite, insideProduce, afterProduce
  case beforeFlush, afterFlush, beforeOffsets, afterOffsets, beforeCommit, afterCommit, beforeAbort,
    afterAbort
  case beforeReadBack, afterReadBack, cutBegun, cutCommitted
  // Recovery.
  case recoveryCounts, recoveryCommitted, recoveryStateBounds, recoveryStateOpen, recoveryState
  case recoveryInputBounds, recoveryInputOpen, recoveryInput, recoveryDone
}

extension CrashPoint {
  /// Most lives never come there.
  var isRare: Bool {
    switch self {
    case .beforeLost, .beforeRevoked, .beforeAbort, .afterAbort, .beforeReadBack, .afterReadBack: true
    default: false
    }
  }
}

/// What else goes wrong in a world.
public enum FaultKind: String, Sendable, Hashable, CaseIterable {
  case outage, unreachable, pause, pauseBeyondSession, napInTurn, deaf, doubleStart
  case outcomeLostCommitted, outcomeLostAborted, outcomeLostPending
  case unstableOffsets, coordinatorErrors, produceErrors, offsetErrors, recordTooLarge, initializeErrors
  case fetchErrors, abortedInput, transactionTimeout
  case wallJump, longAbsence, configurationChange, configurationBack, join, leave, cleanStop
  case valveShut, valveNarrowed
  case reload, reloadBack, reloadOfBounds, reloadWhileEpochBegins, reloadInRecovery
  case compaction, tombstoneRetired, markerSplit, snapshotWritten, snapshotUsed, partialJump, metadataTight,
    parkedReturn
  case userReturned, resent
}

/// How often each was hit.
public struct Hits: Sendable, Hashable {
  public var crashes: [CrashPoint: Int] = [:]
  public var faults: [FaultKind: Int] = [:]

  public init() {}

  public mutating func add(_ other: Hits) {
    crashes.merge(other.crashes, uniquingKeysWith: +)
    faults.merge(other.faults, uniquingKeysWith: +)
  }

  /// What was hit less often than `least`.
  public func rare(_ least: Int) -> [String] {
    CrashPoint.allCases.filter { crashes[$0, default: 0] < least }.map(\.rawValue)
      + FaultKind.allCases.filter { faults[$0, default: 0] < least }.map(\.rawValue)
  }

  /// Both tables, one line each.
  public var table: String {
    let points = CrashPoint.allCases.map { "\($0.rawValue) \(crashes[$0, default: 0])" }
    let kinds = FaultKind.allCases.map { "\($0.rawValue) \(faults[$0, default: 0])" }
    return "crash points: " + points.joined(separator: ", ") + "\nfaults: " + kinds.joined(separator: ", ")
  }
}
