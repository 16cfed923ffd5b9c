import Events
import Foundation
import Shard
import Triggers

/// How a replay is to be run.
public struct ReplayPlan: Sendable {
  /// Where a replay stops.
  public enum End: String, Sendable, Hashable, CaseIterable {
    /// When no deadline is pending any more: as if nothing ever happened after the last event.
    case drained
    /// At the last event's watermark.
    case end
  }

  public var rules: Rules
  /// Partitions, each a shard of its own; users are spread as Kafka's own partitioner would.
  public var partitions = 1
  public var end = End.drained
  /// The user whose decisions are kept.
  public var explainedUser: String?
  public var maximumRecordBytes = 1 << 20

  public init(rules: Rules) {
    self.rules = rules
  }
}

/// Files through the same decoding, shards and triggers as the daemon's, without a broker.
///
/// Rows are taken in the order of the files and their lines. A row's record clock is the row's own time, at most
/// now.
public final class ReplayRun {
  private let plan: ReplayPlan
  private var work: ReplayWork

  /// - Parameter onAlert: called with every alert, in the order in which they are decided. It does not ask the run
  ///   for anything.
  public init(_ plan: ReplayPlan, onAlert: @escaping (Alert) -> Void) {
    precondition(plan.partitions > 0)
    self.plan = plan
    work = ReplayWork(plan, onAlert)
  }

  /// Grows from file to file; complete after `finish`.
  public var summary: ReplaySummary { work.summary }

  /// What became of each deadline of the explained user so far, in the order in which they were handled.
  public var decisions: [(time: Int64, decision: Decision)] { work.output.decisions }

  /// Reads one file to its end. `-` is standard input.
  /// - Parameter progress: called now and then with bytes read and the file's size (0: unknown).
  public func read(
    _ path: String, mapping: Mapping, progress: (Int64, Int64) -> Void = { _, _ in }
  ) throws(ReplayError) {
    let started = DispatchTime.now().uptimeNanoseconds
    // One access to what the run owns for the whole file, not one a row.
    try work.read(path, mapping, plan, progress)
    work.summary.seconds += Double(DispatchTime.now().uptimeNanoseconds - started) / 1e9
  }

  /// Lets time run on as the plan says, and completes the summary.
  public func finish() {
    let started = DispatchTime.now().uptimeNanoseconds
    work.finish(plan)
    work.summary.seconds += Double(DispatchTime.now().uptimeNanoseconds - started) / 1e9
  }
}
