/// What a compaction did.
public struct CompactionReport: Hashable, Sendable {
  /// Records and markers removed.
  public var removed: Int
  /// Tombstones among them.
  public var removedTombstones: Int
  /// Where it stopped: the last stable offset, or what the caller chose before it.
  public var upTo: Int64
}

extension LogCluster {
  /// Compacts a partition below `upTo` (nil: as far as may be), never beyond the last stable offset.
  ///
  /// As the broker's cleaner: of each key the last committed record below that point stays. Aborted records and
  /// records without a key go. A tombstone that is the last of its key stays until a compaction that runs
  /// `delete.retention.ms` or more after the first one that met it; a marker likewise, counted from the first
  /// compaction that finds nothing of its transaction. Offsets and the log's start do not change.
  ///
  /// Errors: `.policyViolation` for a topic that is not compacted, `.unknownTopicOrPartition`.
  @discardableResult
  public func compact(
    _ place: TopicPartition, upTo: Int64? = nil, now: Int64? = nil
  ) throws(KafkaError) -> CompactionReport {
    let log = try log(place)
    guard let topic = topics[place.topic], topic.settings.cleanupPolicy.compacts else {
      throw .policyViolation
    }
    let time = now ?? self.now
    let horizon = time + topic.settings.deleteRetentionMilliseconds
    let limit = min(upTo ?? .max, log.lastStable)
    var report = CompactionReport(removed: 0, removedTombstones: 0, upTo: limit)

    var latest: [[UInt8]: Int64] = [:]
    for entry in log.entries {
      if entry.offset >= limit { break }
      if entry.control == nil, let key = entry.record.key, !log.isAborted(entry) {
        latest[key] = entry.offset
      }
    }

    // A marker may go once a pass meets nothing of its transaction; the pass that takes the rest is not yet it.
    let isBare = log.transactions.map { $0.records == 0 }

    /// Stays until its horizon, which the first compaction sets.
    func waits(_ entry: inout PartitionLog.Entry) -> Bool {
      guard let due = entry.deleteHorizon else {
        entry.deleteHorizon = horizon
        return true
      }
      return time < due
    }
    log.rewrite { entry in
      if entry.offset >= limit { return true }
      var isKept = true
      if entry.control != nil {
        if entry.transaction < 0 || isBare[Int(entry.transaction)] { isKept = waits(&entry) }
      } else if let key = entry.record.key, latest[key] == entry.offset {
        if entry.record.value == nil {
          isKept = waits(&entry)
          if !isKept { report.removedTombstones += 1 }
        }
      } else {
        isKept = false
      }
      if !isKept { report.removed += 1 }
      return isKept
    }
    return report
  }
}
