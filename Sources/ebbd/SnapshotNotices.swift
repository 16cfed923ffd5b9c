import Kafka
import Storage
import Synchronization

/// What is told of snapshots: each that is written, and of those that are not, the first for each reason.
final class SnapshotNotices: Sendable {
  private let notice: @Sendable (KafkaNotice) -> Void
  /// Why snapshots have not been written since one was.
  private let reasons = Mutex<Set<String>>([])

  /// Reasons that are remembered; there are few.
  private static let mostReasons = 16

  init(_ notice: @escaping @Sendable (KafkaNotice) -> Void) { self.notice = notice }

  func tell(_ told: SnapshotNotice) {
    switch told {
    case .written(let partition, let records, let bytes, let milliseconds):
      let isMended = reasons.withLock { reasons in
        defer { reasons.removeAll() }
        return !reasons.isEmpty
      }
      if isMended { notice(KafkaNotice(.info, "snapshots are written again")) }
      notice(
        KafkaNotice(
          .info,
          "snapshot of partition \(partition) written: \(records) records, \(bytes) bytes, \(milliseconds) ms"
        ))
    case .failed(let partition, let reason):
      let isNew = reasons.withLock { reasons in
        reasons.count < Self.mostReasons && reasons.insert(reason).inserted
      }
      guard isNew else { return }
      notice(
        KafkaNotice(
          .warning,
          """
          a snapshot of partition \(partition) was not written (state.directory): \(reason); earlier ones are kept, the \
          state topic has everything, and a restart takes longer (told once)
          """))
    }
  }
}
