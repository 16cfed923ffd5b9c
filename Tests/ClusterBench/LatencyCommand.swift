import ArgumentParser
import ClusterSupport
import Foundation
import Kafka
import Shop
import Synchronization
import TestSupport

/// From the broker's timestamp of the record that made an alert due to its being visible under read_committed.
///
/// The input topic has `message.timestamp.type=LogAppendTime`. The record that made a reminder or a warning due is
/// the first of its partition whose event time, less the lateness, reaches the alert's own time. Visible is when a
/// consumer on this machine has it in its hands; the broker's clock and this machine's must agree, as they do on one
/// machine.
struct LatencyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "latency", abstract: "From event to alert visible under read_committed, as a histogram.")

  @ArgumentParser.Option(help: "host:port of the cluster, several separated by commas.")
  var brokers: String

  @ArgumentParser.Option(help: "Events a second.")
  var rate: Double = 20_000

  @ArgumentParser.Option(help: "Seconds that are measured, after five that are not.")
  var seconds: Double = 30

  @ArgumentParser.Option(help: "Partitions of the input topic.")
  var partitions = 4

  @ArgumentParser.Option(help: "Lanes of the daemon.")
  var lanes = 2

  @ArgumentParser.Option(help: "Users of the simulated shop.")
  var users = 4_000

  static let warmUpSeconds = 5.0
  /// `time.allowed_lateness`, by default.
  static let latenessMilliseconds: Int64 = 60_000

  func run() async throws {
    var options = ShopOptions.demonstration
    options.cartShare = 0.08
    // A reminder is then due by a deadline alone, and never by an event that comes too late.
    options.offlineShare = 0
    options.lateShare = 0
    let count = Int((seconds + Self.warmUpSeconds) * rate)
    let records = ShopRecords(
      seed: 1, count: count, users: users, partitions: partitions, options: options, unreadableEvery: 0)
    say("\(count) records of \(records.bytesPerRecord) bytes; \(Int(rate)) a second, \(lanes) lanes")
    let lanes = lanes
    let rate = rate
    let samples = try await ClusterGround.with(
      brokers: brokers, partitions: partitions,
      inputConfiguration: ["message.timestamp.type": "LogAppendTime"], patience: 5
    ) { ground in
      try await Self.measure(records, on: ground, lanes: lanes, rate: rate)
    }
    Self.report(samples)
  }

  private static func measure(
    _ records: ShopRecords, on ground: ClusterGround, lanes: Int, rate: Double
  ) async throws -> [Double] {
    var configuration = ClusterConfiguration()
    configuration.lanes = lanes
    let reader = AlertReader(ground)
    reader.start()
    defer { reader.stop() }
    let instance = try Instance("bench", on: ground, configuration)
    try instance.start()
    let feeder = try Feeder(records, to: ground)
    let warm = Int(warmUpSeconds * rate)
    try await feeder.feed(to: warm / 10, perSecond: rate)
    try await ground.drain(feeder.written, [instance])
    _ = try await eventually("the reader has its partitions") { reader.isReady ? true : nil }
    try await feeder.feed(to: warm, perSecond: rate)
    let began = Int64(Date().timeIntervalSince1970 * 1000)
    let clock = ContinuousClock.now
    try await feeder.finish(perSecond: rate)
    let took = (ContinuousClock.now - clock) / .seconds(1)
    say("\(Int(Double(records.count - warm) / took)) events a second were sent over \(Int(took)) s")
    try await ground.drain(feeder.written, [instance])
    try await Task.sleep(for: .seconds(1))
    let seen = reader.stop()
    _ = try await instance.stop()
    let times = try InputTimes(ground, records)
    var samples: [Double] = []
    for (value, receivedAt) in seen {
      let alert = try SeenAlert(json: String(decoding: value, as: UTF8.self))
      guard ["ebb.cart.abandoned", "ebb.churn.warning"].contains(alert.type),
        let due = times.timestamp(user: alert.user, reaching: alert.firedAt + latenessMilliseconds),
        due >= began
      else { continue }
      samples.append(receivedAt - Double(due))
    }
    return samples
  }

  private static func report(_ samples: [Double]) {
    let sorted = samples.sorted()
    guard !sorted.isEmpty else { return say("no alerts were seen") }
    func at(_ share: Double) -> String {
      String(format: sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))], digits: 1)
    }
    let edges: [Double] = [2, 4, 6, 8, 10, 12, 15, 20, 30, 40, 60, 100, 200, 500, 1_000, .infinity]
    var rows = [["up to ms", "alerts", "share %", ""]]
    var low = -Double.infinity
    for edge in edges {
      let count = sorted.count { $0 > low && $0 <= edge }
      low = edge
      let share = Double(count) / Double(sorted.count)
      rows.append([
        edge.isFinite ? "\(Int(edge))" : "above", "\(count)", String(format: share * 100, digits: 1),
        String(repeating: "#", count: Int((share * 50).rounded(.up))).padding(
          toLength: 50, withPad: " ", startingAt: 0),
      ])
    }
    printTable(
      "from the broker's timestamp of the record that made it due to visible under read_committed", rows)
    say(
      "  \(sorted.count) alerts: p50 \(at(0.5)) ms, p90 \(at(0.9)) ms, p99 \(at(0.99)) ms, max \(at(1)) ms"
        + " (bar: p50 at most 15, p99 at most 60)")
  }
}

/// Reads the alert topics as they become visible, on a thread of its own.
final class AlertReader: Sendable {
  private struct State {
    var seen: [(value: [UInt8], receivedAt: Double)] = []
    var isReady = false
    var isStopping = false
    var hasEnded = false
  }

  private let ground: ClusterGround
  private let take: (@Sendable ([UInt8]) -> Void)?
  private let state = Mutex(State())

  /// - Parameter take: gets what is seen, on the reader's thread; nil: all of it is kept until `stop`.
  init(_ ground: ClusterGround, take: (@Sendable ([UInt8]) -> Void)? = nil) {
    self.ground = ground
    self.take = take
  }

  var isReady: Bool { state.withLock { $0.isReady } }

  func start() {
    Thread { [self] in
      do {
        var consumer = try Consumer(properties: ground.properties, group: ground.prefix + "-reader")
        try consumer.subscribe([ground.cart, ground.churn])
        while !state.withLock({ $0.isStopping }) {
          switch consumer.poll(timeoutMilliseconds: 50) {
          case .assigned(let partitions, _):
            try consumer.assign(partitions.map { ($0, .beginning) })
            state.withLock { $0.isReady = !partitions.isEmpty }
          case .revoked, .lost: try consumer.unassign()
          case .batch:
            let now = Date().timeIntervalSince1970 * 1000
            consumer.drain { item in
              guard case .record(let record) = item, let value = unsafe record.value else { return }
              let bytes = unsafe [UInt8](value)
              if let take { take(bytes) } else { state.withLock { $0.seen.append((bytes, now)) } }
            }
          case .nothing: break
          case .trouble(let error): say("the reader: \(error)")
          }
        }
        consumer.close(timeoutMilliseconds: 5_000)
      } catch {
        say("the reader: \(error)")
      }
      state.withLock { $0.hasEnded = true }
    }.start()
  }

  /// Ends it; what it has seen, each with the wall clock in milliseconds.
  @discardableResult
  func stop() -> [(value: [UInt8], receivedAt: Double)] {
    state.withLock { $0.isStopping = true }
    while !state.withLock({ $0.hasEnded }) { usleep(10_000) }
    return state.withLock { $0.seen }
  }
}

/// When the broker took each input record, and how far each partition's event time was by then.
struct InputTimes {
  /// By partition and offset: the largest event time so far, and the broker's timestamp.
  private var reached: [[Int64]]
  private var taken: [[Int64]]
  private let partitions: Int

  init(_ ground: ClusterGround, _ records: ShopRecords) throws {
    partitions = records.partitions
    reached = Array(repeating: [], count: partitions)
    taken = records.counts.map { Array(repeating: -1, count: Int($0)) }
    for index in 0..<records.count {
      let place = Int(records.partition(index))
      reached[place].append(max(records.time(index), reached[place].last ?? .min))
    }
    var consumer = try Consumer(properties: ground.properties, group: ground.prefix + "-times")
    try consumer.subscribe([ground.input])
    var left = records.count
    let deadline = ContinuousClock.now + .seconds(120)
    while left > 0, ContinuousClock.now < deadline {
      switch consumer.poll(timeoutMilliseconds: 100) {
      case .assigned(let partitions, _): try consumer.assign(partitions.map { ($0, .beginning) })
      case .revoked, .lost: try consumer.unassign()
      case .batch:
        consumer.drain { item in
          guard case .record(let record) = item else { return }
          taken[Int(record.partition)][Int(record.offset)] = record.timestamp
          left -= 1
        }
      case .nothing, .trouble: break
      }
    }
    consumer.close(timeoutMilliseconds: 5_000)
    if left > 0 { throw TestSupportError("\(left) input records could not be read again") }
  }

  /// The broker's timestamp of the first record of the user's partition by which event time had reached `time`.
  func timestamp(user: String, reaching time: Int64) -> Int64? {
    let place = ShopRecords.partition(ofUser: user, count: partitions)
    var (low, high) = (0, reached[place].count)
    while low < high {
      let middle = (low + high) / 2
      if reached[place][middle] >= time { high = middle } else { low = middle + 1 }
    }
    return low < taken[place].count ? taken[place][low] : nil
  }
}
