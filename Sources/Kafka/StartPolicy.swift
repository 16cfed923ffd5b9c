/// Where to begin with a partition of which nothing has been committed.
public enum StartPosition: Sendable, Hashable {
  case earliest
  /// Behind the last record of the moment.
  case latest
  /// The first record at or after this time, milliseconds since 1970 UTC; where there is none, behind the last.
  case timestamp(Int64)
}

/// What to do when the position to read from is gone, because retention has passed it or the topic was made anew.
public enum LostOffsetPolicy: String, Sendable, Hashable, CaseIterable {
  /// End with a sentence that says what is missing.
  case stop
  /// Go on with the first record that is kept.
  case earliest
  /// Go on behind the last record.
  case latest
}

extension KafkaError {
  /// The sentence for a position that is gone.
  ///
  /// - Parameter there: the partition.
  static func lostPosition(_ there: String, cause: String?) -> KafkaError {
    KafkaError(code: .offsetReset, subject: there, cause: cause, class: .other)
  }
}
