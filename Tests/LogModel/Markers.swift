/// Where a transaction's marker goes.
public enum MarkerTarget: Hashable, Sendable {
  case partition(TopicPartition)
  /// The group's partition of the offsets topic.
  case group(String)
}

/// A marker not yet written.
public struct PendingMarker: Hashable, Sendable {
  public var transactionalID: String
  public var producerID: Int64
  public var epoch: Int16
  public var outcome: Outcome
  public var target: MarkerTarget
}

extension LogCluster {
  /// Prepare: from here on the outcome stands, whatever becomes of the producer.
  func decide(_ transaction: TransactionState, _ outcome: Outcome) {
    transaction.phase = .prepared(outcome)
    transaction.markersLeft = transaction.partitions.count + transaction.groups.count
    transactionHistory.append(
      DecidedTransaction(
        transactionalID: transaction.id, producerID: transaction.producerID, epoch: transaction.epoch,
        outcome: outcome, time: now, partitions: transaction.partitions, groups: transaction.groups))
    let targets =
      transaction.partitions.map(MarkerTarget.partition) + transaction.groups.map(MarkerTarget.group)
    for target in targets {
      pendingMarkers.append(
        PendingMarker(
          transactionalID: transaction.id, producerID: transaction.producerID, epoch: transaction.epoch,
          outcome: outcome, target: target))
    }
    if configuration.deliversMarkersAtOnce { deliverMarkers(of: transaction.id) }
  }

  /// Writes one of `pendingMarkers`, in any order. With its last marker a transaction is complete.
  @discardableResult
  public func deliverMarker(at index: Int) -> PendingMarker {
    let marker = pendingMarkers.remove(at: index)
    switch marker.target {
    case .partition(let place):
      topics[place.topic]?.partitions[place.partition].writeMarker(
        marker.outcome, producerID: marker.producerID, epoch: marker.epoch, now: now)
    case .group(let name):
      groups[name]?.finish(marker.producerID, epoch: marker.epoch, marker.outcome, now: now)
    }
    if let transaction = transactions[marker.transactionalID] {
      transaction.markersLeft -= 1
      if transaction.markersLeft == 0 { transaction.phase = .complete(marker.outcome) }
    }
    return marker
  }

  /// Writes the markers that a transactional id waits for, and returns how many.
  @discardableResult
  public func deliverMarkers(of transactionalID: String) -> Int {
    var count = 0
    while let index = pendingMarkers.firstIndex(where: { $0.transactionalID == transactionalID }) {
      deliverMarker(at: index)
      count += 1
    }
    return count
  }

  /// Writes every missing marker, in order, and returns how many.
  @discardableResult
  public func deliverAllMarkers() -> Int {
    let count = pendingMarkers.count
    for _ in 0..<count { deliverMarker(at: 0) }
    return count
  }
}
