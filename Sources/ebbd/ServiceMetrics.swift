import Events
import Foundation
import Kafka
import Pipeline
import Supervision
import Telemetry
import Triggers

/// The metrics of a running daemon. Label values are lanes, partitions and words of this program: never a user's.
struct ServiceMetrics {
  private typealias Sample = MetricsText.Sample

  private let view: ServiceView
  private let lanes: [LaneSnapshot]
  private let total: LaneSnapshot
  private let isReady: Bool
  private let now = LaneClock.machine.wall()

  init(view: ServiceView, lanes: [LaneSnapshot], isReady: Bool) {
    self.view = view
    self.lanes = lanes
    self.isReady = isReady
    total = lanes.total
  }

  var text: String {
    var text = MetricsText()
    service(&text)
    input(&text)
    state(&text)
    memory(&text)
    token(&text)
    alerts(&text)
    output(&text)
    ProcessMeasure.write(to: &text, started: view.started)
    return text.text
  }

  private func service(_ text: inout MetricsText) {
    text.gauge(
      "ebb_build_info", "What runs; always 1.",
      [Sample(1, ("version", view.identity.version), ("librdkafka", "\(LibraryVersion.current)"))])
    text.gauge("ebb_ready", "1 if /readyz says yes.", [Sample(isReady ? 1 : 0)])
    text.counter(
      "ebb_rebalances_total", "Assignments of partitions.", perLane { $0.rebalances })
    text.gauge(
      "ebb_partitions", "Partitions that are worked on.", perLane { Int64($0.partitions.count) })
    text.gauge(
      "ebb_recovering_partitions", "Partitions whose state is not back yet.", perLane { Int64($0.waiting) })
    let recovering = lanes.flatMap(\.recovering)
    text.gauge(
      "ebb_recovery_progress_ratio",
      "How far the recoveries are that are being worked on, 0 to 1; 1: none is.",
      [
        Sample(
          .decimal(recovering.share.map { Double($0) / 100 } ?? (total.waiting > 0 ? 0 : 1)))
      ])
    text.gauge(
      "ebb_brokers_reachable", "1 if the brokers of a lane's partitions answer.",
      perLane { $0.isHealthy ? 1 : 0 })
  }

  private func input(_ text: inout MetricsText) {
    text.counter("ebb_input_records_total", "Records read, whatever became of them.", perLane(\.records))
    text.counter("ebb_input_bytes_total", "Bytes of their values.", perLane(\.bytes))
    text.counter(
      "ebb_ignored_records_total", "Records whose event name the mapping does not know.",
      [Sample(total.ignored)])
    text.counter(
      "ebb_rejected_records_total", "Records that became dead letters, by reason.",
      RejectReason.allCases.map { Sample(total.rejected[$0] ?? 0, ("reason", $0.rawValue)) })
    text.counter(
      "ebb_foreign_key_records_total", "Records whose key is not their user: the topic is not keyed by user.",
      [Sample(total.foreignKeys)])
    text.counter(
      "ebb_duplicate_events_total", "Events that had been seen before, by their id.",
      [Sample(total.tally.duplicates)])
    text.gauge(
      "ebb_lag_records", "Records of a partition that are still to be read.",
      standings.compactMap { standing in
        standing.lag.map { Sample($0, ("partition", String(standing.partition))) }
      })
    text.gauge(
      "ebb_watermark_lag_seconds", "By how much the watermark furthest behind lies before the present.",
      lanes.enumerated().compactMap { number, lane in
        lane.watermark.map { Sample(.milliseconds(now - $0), ("lane", String(number))) }
      })
    text.gauge(
      "ebb_deadline_overdue_seconds",
      "By how much the earliest deadline lies before the present, at most: it waits for the watermark.",
      lanes.enumerated().compactMap { number, lane in
        lane.earliestDeadline.map { Sample(.milliseconds(max(0, now - $0)), ("lane", String(number))) }
      })
    text.counter(
      "ebb_ticks_total", "Times that the wall clock moved a quiet partition on.", [Sample(total.ticks)])
    text.gauge(
      "ebb_fetched_records", "Records and events that the client library holds ready.",
      perLane { Int64($0.fetchedRecords) })
  }

  private func state(_ text: inout MetricsText) {
    text.gauge("ebb_users", "Users with a portrait.", perLane { Int64($0.users) })
    text.gauge(
      "ebb_state_bytes", "Memory taken for users, keys and deadlines.", perLane { Int64($0.stateBytes) })
    text.gauge(
      "ebb_unflushed_users", "Users changed and not written to the state topic yet.",
      perLane { Int64($0.dirtyUsers) })
    text.counter(
      "ebb_users_forgotten_total", "Users gone after state.forget_after.",
      [Sample(total.tally.usersForgotten)])
    text.counter("ebb_users_erased_total", "Users erased on request.", [Sample(total.tally.usersErased)])
    text.counter("ebb_carts_opened_total", "Carts begun since the start.", [Sample(total.tally.cartsOpened)])
    text.counter(
      "ebb_carts_ended_total", "Carts that ended since the start, by how.",
      CartEnding.allCases.map { Sample(total.tally[$0], ("ending", $0.name)) })
    text.counter(
      "ebb_churn_evaluations_total", "Evaluations of users for churn.", [Sample(total.tally.evaluations)])
  }

  private func token(_ text: inout MetricsText) {
    guard let standing = view.token?.standing else { return }
    text.counter(
      "ebb_kafka_token_reads_total", "How often kafka.token was read, by what came of it.",
      [
        Sample(standing.reads, ("outcome", "read")), Sample(standing.failures, ("outcome", "unusable")),
      ])
    guard let expiresAt = standing.expiresAt else { return }
    text.gauge(
      "ebb_kafka_token_expiry_timestamp_seconds", "When the token read last runs out.",
      [Sample(expiresAt / 1_000)])
  }

  private func memory(_ text: inout MetricsText) {
    let standing = view.memory.standing
    text.gauge(
      "ebb_memory_used_bytes",
      "Memory of the process as memory.max counts it, what tables are about to take included.",
      [Sample(standing.used)])
    text.gauge(
      "ebb_memory_reserved_bytes", "Of that, what tables are about to take while they grow.",
      [Sample(standing.reserved)])
    text.gauge("ebb_memory_max_bytes", "memory.max.", [Sample(standing.maximum)])
    let steps = MemoryStep.allCases.filter { $0 > .ample }
    text.gauge(
      "ebb_memory_step",
      "1 from 70 % of memory.max on (warning), from 80 % (held_back: input is), from 90 % (stopped: nothing is read).",
      steps.map { Sample(standing.step >= $0 ? 1 : 0, ("step", $0.name)) })
    text.counter(
      "ebb_memory_steps_total", "How often each of these steps was taken.",
      steps.map { Sample(standing.entered[$0] ?? 0, ("step", $0.name)) })
  }

  private func alerts(_ text: inout MetricsText) {
    let tally = total.tally
    var samples = AlertType.allCases.map { Self.alert($0, "emitted", tally[emitted: $0]) }
    let steps = 1...Tally.maximumSteps
    samples.append(Self.alert(.cartAbandoned, "stale", steps.reduce(0) { $0 + tally[stale: $1] }))
    for limit in Limit.allCases {
      samples.append(
        Self.alert(.cartAbandoned, limit.name, steps.reduce(0) { $0 + tally[limited: $1, limit] }))
    }
    samples.append(Self.alert(.cartRecovered, "stale", tally.staleCartRecovered))
    for reason in ChurnSuppression.allCases {
      samples.append(Self.alert(.churnWarning, reason.name, tally[suppressed: reason]))
    }
    samples.append(Self.alert(.churnRecovered, "stale", tally.staleChurnRecovered))
    text.counter(
      "ebb_alerts_total",
      "Alerts that were due, by type and by what became of them: emitted, or what held them back.",
      samples)
  }

  private static func alert(_ type: AlertType, _ outcome: String, _ count: Int64) -> Sample {
    Sample(count, ("type", type.rawValue), ("outcome", outcome))
  }

  private func output(_ text: inout MetricsText) {
    text.counter("ebb_cuts_total", "Batches of output begun.", perLane(\.cuts))
    text.gauge("ebb_outbox_bytes", "Output that waits for the next cut.", perLane { Int64($0.outboxBytes) })
    text.histogram(
      "ebb_cut_duration_seconds",
      "From the moment at which something first waited to be written to its commit.",
      total.cutLatency)
    text.histogram(
      "ebb_commit_duration_seconds", "From the beginning of a cut's writing to its commit.",
      total.commitLatency)
  }

  private var standings: [PartitionStanding] {
    lanes.flatMap(\.standings).sorted { $0.partition < $1.partition }
  }

  private func perLane(_ value: (LaneSnapshot) -> Int64) -> [Sample] {
    lanes.enumerated().map { Sample(value($1), ("lane", String($0))) }
  }
}

/// What the kernel says of this process, under the names that every client library of Prometheus uses.
private enum ProcessMeasure {
  /// - Parameter started: milliseconds since 1970 UTC.
  static func write(to text: inout MetricsText, started: Int64) {
    var usage = rusage()
    if unsafe getrusage(RUSAGE_SELF.rawValue, &usage) == 0 {
      let seconds = Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      let rest = Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
      text.counter(
        "process_cpu_seconds_total", "Processor time, all threads.", [.init(.decimal(seconds + rest))])
    }
    if let statistics = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
      let pages = statistics.split(separator: " ").dropFirst().first.flatMap({ Int64($0) })
    {
      text.gauge(
        "process_resident_memory_bytes", "Resident memory.",
        [.init(pages * Int64(sysconf(Int32(_SC_PAGESIZE))))])
    }
    if let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
      text.gauge("process_open_fds", "Open files and sockets.", [.init(Int64(open.count))])
    }
    text.gauge(
      "process_start_time_seconds", "When the process began, seconds since 1970 UTC.",
      [.init(.milliseconds(started))])
  }
}
