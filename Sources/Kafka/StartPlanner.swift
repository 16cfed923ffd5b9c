import Glibc
import Pipeline

/// Decides where to begin with partitions that have just been assigned.
struct StartPlanner {
  static let maximumAttempts = 30

  var start: StartPosition
  var lostOffset: LostOffsetPolicy
  var group: String

  struct Plan {
    var starts: [(partition: TopicPartition, offset: Offset)] = []
    /// Positions to commit before the first record, for partitions of which nothing had been.
    var firstCommits: [OffsetCommit] = []
    var notices: [String] = []
    /// Why not to begin at all.
    var refusal: KafkaError?
  }

  /// Asks the brokers what is committed and what is kept.
  func plan(
    _ partitions: [TopicPartition], for consumer: borrowing Consumer, timeoutMilliseconds: Int32
  ) throws(KafkaError) -> Plan {
    let committed = try consumer.committed(partitions, timeoutMilliseconds: timeoutMilliseconds)
    let new = committed.filter { $0.nextOffset == nil }.map(\.partition)
    var times: [TopicPartition: Int64?] = [:]
    if case .timestamp(let timestamp) = start {
      times = try consumer.offsets(at: timestamp, in: new, timeoutMilliseconds: timeoutMilliseconds)
    }
    var plan = Plan()
    for entry in committed {
      let kept = try consumer.watermarks(of: entry.partition, timeoutMilliseconds: timeoutMilliseconds)
      add(entry, kept: kept, atTime: times[entry.partition] ?? nil, to: &plan)
    }
    return plan
  }

  func add(
    _ committed: CommittedOffset, kept: (low: Int64, high: Int64), atTime: Int64?, to plan: inout Plan
  ) {
    let partition = committed.partition
    guard let offset = committed.nextOffset else {
      let first: Int64
      switch start {
      case .earliest: first = kept.low
      case .latest: first = kept.high
      case .timestamp: first = atTime ?? kept.high
      }
      plan.starts.append((partition, .at(first)))
      plan.firstCommits.append(OffsetCommit(partition: partition, nextOffset: first))
      return
    }
    if kept.low <= offset, offset <= kept.high {
      plan.starts.append((partition, .at(offset)))
      return
    }
    let there = "partition \(partition.partition) of topic \(partition.topic)"
    let facts = "group \(group) committed \(offset), the topic keeps \(kept.low) to \(kept.high)"
    switch lostOffset {
    case .stop: plan.refusal = plan.refusal ?? Self.lost(there, cause: facts)
    case .earliest:
      plan.starts.append((partition, .at(kept.low)))
      plan.notices.append("the position to read \(there) from is gone (\(facts)); going on at \(kept.low)")
    case .latest:
      plan.starts.append((partition, .at(kept.high)))
      plan.notices.append("the position to read \(there) from is gone (\(facts)); going on at \(kept.high)")
    }
  }

  static func lost(_ there: String, cause: String?) -> KafkaError {
    KafkaError(code: .offsetReset, subject: there, cause: cause, class: .other)
  }
}

/// Waits.
func pause(milliseconds: Int) { usleep(UInt32(milliseconds) * 1_000) }

/// Makes an error of the client the end of the lane.
func endingLane<Result: ~Copyable>(
  _ body: () throws(KafkaError) -> Result
) throws(PipelineError) -> Result {
  do throws(KafkaError) { return try body() } catch { throw PipelineError(error) }
}

extension PipelineError {
  /// The end of a lane by an error of the client.
  public init(_ error: KafkaError) {
    let code: Code
    switch error.code {
    case .offsetReset, .offsetOutOfRange, .noOffset: code = .offsetLost
    case .fencedInstance, .fencedLocally, .producerFenced, .invalidProducerEpoch,
      .transactionCoordinatorFenced, .invalidProducerIDMapping:
      code = .fenced
    case .invalidArgument, .offsetMetadataTooLarge, .invalidTopic: code = .configuration
    case .messageTooLarge, .recordListTooLarge, .invalidRecord, .messageTimedOut: code = .output
    default: code = .input
    }
    self.init(code, error.message, hint: error.hint, cause: error.cause)
  }
}
