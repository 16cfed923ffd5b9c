import Foundation
import Kafka
import Synchronization
import TestSupport

/// Sends a shop's records to the input topic, each into its partition, in order and once (idempotent producer).
public actor Feeder {
  private let records: ShopRecords
  private let topic: String
  private var producer: Producer
  private let acknowledged: Acknowledged
  /// Records handed over so far.
  public private(set) var sent = 0
  private var isPaused = false

  /// How many records of each partition the brokers have.
  final class Acknowledged: Sendable {
    private let counts: Mutex<[Int64]>
    init(_ partitions: Int) { counts = Mutex(Array(repeating: 0, count: partitions)) }
    func add(_ partition: Int32) { counts.withLock { $0[Int(partition)] += 1 } }
    var all: [Int64] { counts.withLock { $0 } }
  }

  /// - Parameter lingerMilliseconds: how long records wait for others, to go in one batch; nil: as usual.
  public init(
    _ records: ShopRecords, to ground: ClusterGround, lingerMilliseconds: Int? = nil
  ) throws {
    self.records = records
    topic = ground.input
    let acknowledged = Acknowledged(records.partitions)
    self.acknowledged = acknowledged
    var properties = ground.properties
    // An outage of the brokers loses nothing of what a shop has seen: it is sent when they are back.
    properties["message.timeout.ms"] = "3600000"
    if let lingerMilliseconds { properties["linger.ms"] = "\(lingerMilliseconds)" }
    producer = try Producer(properties: properties) { report in
      if report.error == nil { acknowledged.add(report.partition) }
    }
  }

  /// Next offset of each input partition as far as the brokers have acknowledged.
  public nonisolated var written: [Int64] { acknowledged.all }

  /// Sends on until `end` records have been sent, so many a second, and waits for their acknowledgement.
  public func feed(to end: Int, perSecond rate: Double) async throws {
    let clock = ContinuousClock()
    let began = clock.now
    let first = sent
    let end = min(end, records.count)
    while sent < end {
      if isPaused {
        try await Task.sleep(for: .milliseconds(10))
        continue
      }
      let elapsed = (clock.now - began) / .seconds(1)
      let due = min(end, first + Int(elapsed * rate) + 1)
      while sent < due {
        try producer.produce(
          topic: topic, key: Array(records.key(sent)), value: Array(records.value(sent)),
          partition: records.partition(sent))
        sent += 1
      }
      if sent < end { try await Task.sleep(for: .milliseconds(2)) }
    }
    try producer.flush(timeoutMilliseconds: 30_000)
    if producer.failed > 0 {
      throw TestSupportError("\(producer.failed) records were not taken by the brokers")
    }
  }

  /// Sends nothing until `resume`, and waits until what was sent is acknowledged. What is due meanwhile comes then.
  public func pause() throws {
    isPaused = true
    try producer.flush(timeoutMilliseconds: 30_000)
  }

  public func resume() { isPaused = false }

  /// Sends what is left.
  public func finish(perSecond rate: Double = 20_000) async throws {
    try await feed(to: records.count, perSecond: rate)
  }
}
