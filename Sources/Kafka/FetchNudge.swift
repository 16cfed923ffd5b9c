import CRdKafka

/// When the library's fetching has to be woken up.
///
/// A client thread that finds enough waiting sends no fetch, and below librdkafka 2.2.0 it then sleeps for up to a second,
/// however soon that is taken: a lane that catches up stood still for most of the time. Anything that it has to send wakes
/// it, and it looks at its queue again. So when about as much was taken as makes a queue full, and suddenly nothing is
/// left, it is asked something. (From 2.2.0 on `fetch.queue.backoff.ms` says how long it waits.)
struct FetchNudge {
  let queueBytes: Int
  private let queueRecords: Int
  private var bytes = 0
  private var records = 0

  /// A fetch may be on its way.
  static let patienceMilliseconds: Int32 = 2
  /// The answer does not matter, but nothing is to be on its way for long; it comes within a millisecond.
  static let answerMilliseconds: Int32 = 20

  /// - Parameter properties: of the client, with all defaults that are not the library's.
  init(_ properties: ClientProperties) {
    queueBytes = (Int(properties["queued.max.messages.kbytes"] ?? "") ?? 65_536) * 1_024
    queueRecords = Int(properties["queued.min.messages"] ?? "") ?? 100_000
  }

  /// So much was taken.
  mutating func took(records: Int, bytes: Int) {
    self.records += records
    self.bytes += bytes
  }

  /// Nothing is left; whether the fetching may be asleep.
  mutating func ranDry() -> Bool {
    // Values are not all that the library counts, so half of them is enough.
    defer { (bytes, records) = (0, 0) }
    return bytes >= queueBytes / 2 || records >= queueRecords / 2
  }
}

extension Consumer {
  /// Whether much may wait in the queue. A process with little memory is better off with the library's own pace: a flood
  /// that comes at once is over before anybody has looked at the memory again.
  var hasLargeQueue: Bool { nudge.queueBytes >= 2 << 20 }

  /// Sends the leaders of what is assigned a question, so that the threads that fetch from them look at their queues.
  func wakeFetchers() {
    let partitions = assignment.map(\.partition)
    guard !partitions.isEmpty else { return }
    let list = PartitionList(capacity: partitions.count)
    for partition in partitions { list.add(partition, offset: Int64(RD_KAFKA_OFFSET_END)) }
    _ = unsafe rd_kafka_offsets_for_times(client.pointer, list.pointer, FetchNudge.answerMilliseconds)
  }
}
