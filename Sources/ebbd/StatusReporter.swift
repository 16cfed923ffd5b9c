import Logging
import Pipeline
import Triggers

/// One log line a minute about what went on, and a last one.
final class StatusReporter {
  private let fleet: LaneFleet
  private let log: Logger
  private var seconds = 0
  private var lastRecords: Int64 = 0

  private static let everySeconds = 60

  init(fleet: LaneFleet, log: Logger) {
    self.fleet = fleet
    self.log = log
  }

  func secondPassed() {
    seconds += 1
    if seconds % Self.everySeconds == 0 { report(overSeconds: Self.everySeconds) }
  }

  func finish() {
    report(overSeconds: max(1, seconds % Self.everySeconds), isLast: true)
  }

  private func report(overSeconds span: Int, isLast: Bool = false) {
    let total = fleet.snapshots.total
    let rate = (total.records - lastRecords) / Int64(span)
    lastRecords = total.records
    let tally = total.tally
    let alerts = AlertType.allCases.reduce(Int64(0)) { $0 + tally[emitted: $1] }
    var metadata: Logger.Metadata = [
      "events_per_second": "\(rate)", "records": "\(total.records)", "refused": "\(total.rejectedCount)",
      "ignored": "\(total.ignored)", "alerts": "\(alerts)",
    ]
    // At the end all partitions have been given up; noughts would read as a loss.
    if !isLast {
      metadata["users"] = "\(total.users)"
      metadata["open_carts"] = "\(total.carts)"
      metadata["unflushed_users"] = "\(total.dirtyUsers)"
      metadata["partitions"] = "\(total.partitions.count)"
      if total.waiting > 0 { metadata["recovering"] = "\(total.waiting)" }
      metadata["watermark"] = "\(total.watermark.map { WireText.instant($0) } ?? "none")"
    }
    log.info("status", metadata: metadata)
  }
}
