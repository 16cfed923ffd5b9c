/// A committed offset in a group's history.
public struct CommittedOffset: Hashable, Sendable {
  public var offset: Int64
  public var metadata: String
  /// When it took effect: at the marker, for one in a transaction.
  public var time: Int64
  /// The transaction's producer; −1 outside transactions.
  public var producerID: Int64
}

/// For oracles: no requests, no faults, no reservations of isolation.
extension LogCluster {
  /// What a reader of committed records can see now, with offsets. Empty for an unknown partition.
  public func readCommitted(_ place: TopicPartition) -> [StoredRecord] {
    guard has(place), let log = topics[place.topic]?.partitions[place.partition] else { return [] }
    let limit = log.lastStable
    var records: [StoredRecord] = []
    for entry in log.entries {
      if entry.offset >= limit { break }
      if entry.control == nil, !log.isAborted(entry) { records.append(log.stored(entry)) }
    }
    return records
  }

  /// Everything in the log: undecided, aborted and control records too.
  public func storedRecords(_ place: TopicPartition) -> [StoredRecord] {
    guard has(place), let log = topics[place.topic]?.partitions[place.partition] else { return [] }
    return log.entries.map(log.stored)
  }

  /// Every offset that was committed for a partition, in the order in which they took effect.
  public func commitHistory(_ group: String, _ place: TopicPartition) -> [CommittedOffset] {
    groups[group]?.history[place] ?? []
  }

  /// The committed offsets that stand now.
  public func committedOffsets(_ group: String) -> [TopicPartition: OffsetAndMetadata] {
    groups[group]?.commits.mapValues(\.value) ?? [:]
  }

  /// A group's generation, and its members' ids in the order in which they came.
  public func membership(_ group: String) -> (generation: Int32, members: [String]) {
    guard let group = groups[group] else { return (0, []) }
    return (group.generation, group.members.map(\.id))
  }
}
