import Foundation
import Testing

@testable import Kafka

/// How a consumer that catches up is kept fed.
@Suite struct `Fetching` {
  @Test func `The fetching may be asleep when about a full queue was taken and nothing is left`() {
    var nudge = FetchNudge(
      ClientProperties(["queued.max.messages.kbytes": "1024", "queued.min.messages": "10000"]))
    var told = [nudge.ranDry()]
    // A trickle.
    nudge.took(records: 100, bytes: 500_000)
    told.append(nudge.ranDry())
    // Much in a row: it is told of once.
    for _ in 0..<6 { nudge.took(records: 100, bytes: 100_000) }
    told.append(nudge.ranDry())
    told.append(nudge.ranDry())
    // Small records fill a queue by their number.
    nudge.took(records: 5_000, bytes: 5_000)
    told.append(nudge.ranDry())
    #expect(told == [false, false, true, false, true])
  }

  @Test func `A queue that was full is filled again as soon as it is empty`() throws {
    let (partitions, records) = (8, 3_500)
    let broker = try cluster(partitions: partitions)
    let value = String(repeating: "x", count: 1_000)
    for partition in 0..<Int32(partitions) {
      try fill(broker, partition: partition, Array(repeating: value, count: records))
    }
    var small = properties(broker)
    small["queued.max.messages.kbytes"] = "1024"
    var consumer = try Consumer(properties: small, group: "fetching")
    consumer.isNudging = true
    consumer.prepare(["clicks"])
    try consumer.assign((0..<Int32(partitions)).map { (TopicPartition("clicks", $0), .at(0)) })
    var (taken, pauses) = (0, 0)
    var began = Date()
    let deadline = began.addingTimeInterval(60)
    while taken < partitions * records, Date() < deadline {
      guard case .batch = consumer.poll(timeoutMilliseconds: 100) else { continue }
      if taken > 0, Date().timeIntervalSince(began) > 0.4 { pauses += 1 }
      consumer.drain { if case .record = $0 { taken += 1 } }
      // Slower than the fetching, as a lane is.
      usleep(20_000)
      began = Date()
    }
    #expect(taken == partitions * records)
    print("\(pauses) pauses of more than 400 ms while \(taken) records came")
    // Left asleep, it comes to three; one may be the machine.
    #expect(pauses <= 1, "\(pauses) pauses of more than 400 ms")
    consumer.close(timeoutMilliseconds: 5_000)
  }
}
