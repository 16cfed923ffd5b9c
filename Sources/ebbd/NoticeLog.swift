import Dispatch
import Events
import Kafka
import Logging
import Pipeline
import Synchronization
import Telemetry

/// Turns what lanes and clients tell into log lines; refused records at most a few a minute, never with payloads.
final class NoticeLog: Sendable {
  private let log: Logger
  private let inputTopic: String
  private let isClockWrong = Atomic(false)
  private let rejections = Mutex(RateLimiter(limit: 5, intervalMilliseconds: 60_000))

  init(log: Logger, inputTopic: String) {
    self.log = log
    self.inputTopic = inputTopic
  }

  func tell(_ notice: KafkaNotice) {
    switch notice.level {
    case .info: log.info("\(notice.text)")
    case .warning: log.warning("\(notice.text)")
    case .error: log.error("\(notice.text)")
    }
  }

  /// The client library's own lines: only for those who look for trouble, since what matters comes as a notice.
  func tell(_ line: LogLine) {
    log.debug("librdkafka: \(line.text)", metadata: ["facility": "\(line.facility)"])
  }

  func tell(_ notice: LaneNotice) {
    switch notice {
    case .assigned(let partitions):
      log.info("assigned \(partitions.count) partitions of \(inputTopic): \(list(partitions))")
    case .revoked(let partitions): log.info("gave up partitions \(list(partitions)) of \(inputTopic)")
    case .lost(let partitions):
      log.warning(
        """
        lost partitions \(list(partitions)) of \(inputTopic): the group has not heard of this member for its session's time; \
        whoever is given them reads on from the last commit
        """
      )
    case .recovered(let summary): recovered(summary)
    case .keptPartition(let partition):
      log.info("partition \(partition) of \(inputTopic) came back unchanged; its state was still at hand")
    case .snapshotDropped(let partition, let reason):
      log.warning(
        "the snapshot of partition \(partition) is not used, the state topic is read instead: \(reason)")
    case .clockMoved(let milliseconds):
      // Every lane sees it.
      guard isClockWrong.exchange(true, ordering: .relaxed) == false else { return }
      log.warning(
        """
        the wall clock was moved by \(milliseconds) ms while Ebb ran: quiet partitions wait for events until it is \
        right again or Ebb is restarted; keep the clock with a time service that does not step
        """)
    case .clockRight:
      guard isClockWrong.exchange(false, ordering: .relaxed) else { return }
      log.info("the wall clock is right again: quiet partitions follow it")
    case .rejected(let rejection, let partition, let offset): reject(rejection, partition, offset)
    case .foreignKey(let partition, let offset):
      log.warning(
        """
        \(inputTopic) is not keyed by user: a user's events may be spread over partitions, and alerts will be wrong; \
        have the producers key their records by user_id (told once)
        """, metadata: ["partition": "\(partition)", "offset": "\(offset)"])
    case .handoverTimedOut(let partitions):
      log.warning(
        "could not finish in time what was in hand of partitions \(list(partitions)); it will be read again")
    case .ticking(let partition):
      log.debug("partition \(partition) is quiet; its deadlines follow the clock")
    case .tickingEnded(let partition):
      log.warning(
        """
        partition \(partition) of \(inputTopic) has been silent for time.tick_for: deadlines wait for the next event; \
        look whether its producers are alive
        """)
    }
  }

  private func recovered(_ summary: RecoverySummary) {
    var metadata: Logger.Metadata = [
      "users": "\(summary.users)", "state_records": "\(summary.stateRecords)",
      "replayed_records": "\(summary.replayedRecords)",
    ]
    if summary.snapshotRecords > 0 { metadata["snapshot_records"] = "\(summary.snapshotRecords)" }
    let seconds = "\(summary.elapsedMilliseconds / 1_000).\(summary.elapsedMilliseconds % 1_000 / 100)"
    log.info(
      "recovered partition \(summary.partition) of \(inputTopic) in \(seconds) s: \(summary.users) users",
      metadata: metadata)
  }

  private func reject(_ rejection: Rejection, _ partition: Int32, _ offset: Int64) {
    let now = Int64(DispatchTime.now().uptimeNanoseconds / 1_000_000)
    guard case .pass(let before) = rejections.withLock({ $0.admit(at: now) }) else { return }
    let more = before > 0 ? " (\(before) more since the last such line)" : ""
    log.warning(
      "refused a record, dead letter written: \(rejection)\(more)",
      metadata: ["topic": "\(inputTopic)", "partition": "\(partition)", "offset": "\(offset)"])
  }

  private func list(_ partitions: [Int32]) -> String {
    let shown = partitions.sorted().prefix(16).map(String.init).joined(separator: ", ")
    return partitions.count > 16 ? shown + ", …" : shown
  }
}
