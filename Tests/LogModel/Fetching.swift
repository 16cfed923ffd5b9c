extension LogCluster {
  /// Reads up to `max` records from an offset. With `max` 0 it tells the ends.
  ///
  /// Errors: `.offsetOutOfRange` before the log's start or beyond its end, `.unknownTopicOrPartition`, faults.
  public func fetch(
    _ place: TopicPartition, _ isolation: Isolation, from offset: Int64, max: Int = .max
  ) throws(KafkaError) -> FetchResult {
    try answer(.fetch, place: place) { () throws(KafkaError) in
      try log(place).fetch(isolation, from: offset, max: max)
    }
  }

  /// Where a log begins, ends, or reaches a time. Errors: `.unknownTopicOrPartition`, faults.
  public func listOffset(
    _ place: TopicPartition, _ spec: OffsetSpec, _ isolation: Isolation = .readUncommitted
  ) throws(KafkaError) -> Int64 {
    try answer(.listOffset, place: place) { () throws(KafkaError) in
      let log = try log(place)
      switch spec {
      case .earliest: return log.logStart
      case .latest: return log.end(for: isolation)
      case .timestamp(let time):
        let end = log.end(for: isolation)
        let found = log.entries.first { $0.control == nil && $0.record.timestamp >= time }
        return found.flatMap { $0.offset < end ? $0.offset : nil } ?? -1
      }
    }
  }
}
