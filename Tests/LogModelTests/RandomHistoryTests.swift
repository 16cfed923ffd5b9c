import LogModel
import TestSupport
import Testing

/// Random histories of several producers on shared partitions, held against a naive account of what was sent.
@Suite struct RandomHistoryTests {
  /// What one producer has sent, as the account keeps it: no offsets, no markers, no ends.
  struct Sent {
    var value: Int
    var transaction: Int
    var place: TopicPartition
  }

  /// One history, and the account of it.
  struct History {
    let cluster: LogCluster
    var random: SeededGenerator
    var sent: [Sent] = []
    var outcomes: [Int: Outcome] = [:]
    var sessions: [ProducerSession?] = [nil, nil, nil]
    var open: [Int?] = [nil, nil, nil]
    /// Transactions whose outcome is decided for the cluster, in order.
    var transactionCount = 0
    var requests = 0

    init(seed: UInt64) throws {
      random = SeededGenerator(seed: seed)
      cluster = try LogModelTests.cluster()
    }

    mutating func run(steps: Int) throws {
      for value in 0..<steps {
        requests += 1
        let lane = Int.random(in: 0..<3, using: &random)
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<5: produce(lane, value)
        case 5, 6: end(lane)
        case 7, 8:
          if !cluster.pendingMarkers.isEmpty {
            cluster.deliverMarker(at: Int.random(in: cluster.pendingMarkers.indices, using: &random))
          }
        default:
          if Int.random(in: 0..<8, using: &random) == 0 { restart(lane) }
          let place = TopicPartition("alerts", Int.random(in: 0..<2, using: &random))
          let end = try cluster.listOffset(place, .latest, .readCommitted)
          _ = try cluster.fetch(place, .readCommitted, from: max(0, end - 20))
        }
      }
      for lane in 0..<3 { restart(lane) }
      cluster.deliverAllMarkers()
    }

    mutating func produce(_ lane: Int, _ value: Int) {
      guard let session = sessions[lane] else { return restart(lane) }
      let place = TopicPartition("alerts", Int.random(in: 0..<2, using: &random))
      do {
        try cluster.produce([record("k", "\(value)")], to: place, session: session)
        let transaction = open[lane] ?? transactionCount
        if open[lane] == nil { transactionCount += 1 }
        open[lane] = transaction
        sent.append(Sent(value: value, transaction: transaction, place: place))
      } catch {
        #expect(error == .concurrentTransactions)
        #expect(open[lane] == nil)
      }
    }

    mutating func end(_ lane: Int) {
      guard let session = sessions[lane], let transaction = open[lane] else { return }
      let outcome = Bool.random(using: &random) ? Outcome.committed : .aborted
      let isLost = Int.random(in: 0..<4, using: &random) == 0
      if isLost { cluster.faults.inject(.loseReply, on: [.endTransaction]) }
      do { try cluster.endTransaction(session, outcome) } catch {
        #expect(isLost && error == .requestTimedOut)
      }
      outcomes[transaction] = outcome
      open[lane] = nil
    }

    /// A new incarnation: what was open is aborted.
    mutating func restart(_ lane: Int) {
      sessions[lane] = nil
      while sessions[lane] == nil {
        sessions[lane] = try? cluster.initProducerID("lane-\(lane)")
        if sessions[lane] == nil { cluster.deliverMarkers(of: "lane-\(lane)") }
      }
      if let transaction = open[lane] { outcomes[transaction] = .aborted }
      open[lane] = nil
    }

    func committed(_ place: TopicPartition) -> [String] {
      sent.filter { $0.place == place && outcomes[$0.transaction] == .committed }.map { "k=\($0.value)" }
    }
  }

  @Test func `Committed readers get what was committed, whole and in order`() throws {
    var seeds = SeededGenerator(announcedAs: "log model")
    for _ in 0..<60 {
      let seed = seeds.next()
      var history = try History(seed: seed)
      try history.run(steps: 400)
      for place in [TopicPartition("alerts", 0), TopicPartition("alerts", 1)] {
        let expected = history.committed(place)
        #expect(history.cluster.lines(place) == expected, "seed \(seed)")
        // In small fetches, to the end.
        var lines: [String] = []
        var next: Int64 = 0
        while true {
          let read = try history.cluster.fetch(place, .readCommitted, from: next, max: 3)
          lines += read.records.map(\.line)
          #expect(read.nextOffset > next || read.isEndOfPartition, "seed \(seed)")
          next = read.nextOffset
          if read.isEndOfPartition { break }
        }
        #expect(lines == expected, "seed \(seed)")
        #expect(next == (try history.cluster.listOffset(place, .latest)), "seed \(seed)")
      }
    }
  }

  @Test func `The same seed gives the same logs`() throws {
    let seed = UInt64.random(in: 0 ... .max)
    var first = try History(seed: seed)
    var second = try History(seed: seed)
    try first.run(steps: 500)
    try second.run(steps: 500)
    #expect(first.cluster.storedRecords(alerts) == second.cluster.storedRecords(alerts), "seed \(seed)")
    #expect(first.cluster.transactionHistory == second.cluster.transactionHistory, "seed \(seed)")
  }

  @Test func `Compaction in mid-history changes no key's last committed value`() throws {
    var seeds = SeededGenerator(announcedAs: "log model, compaction")
    for _ in 0..<40 {
      let seed = seeds.next()
      var random = SeededGenerator(seed: seed)
      let cluster = try cluster(stateRetention: 50)
      let session = try cluster.newProducer("lane")
      var latest: [String: String] = [:]
      for step in 0..<120 {
        var changes: [String: String?] = [:]
        for _ in 0..<3 {
          let key = "u\(Int.random(in: 0..<8, using: &random))"
          let value = Int.random(in: 0..<4, using: &random) == 0 ? nil : "\(step)"
          changes[key] = .some(value)
          try cluster.produce([record(key, value)], to: state, session: session)
        }
        let outcome = Int.random(in: 0..<3, using: &random) == 0 ? Outcome.aborted : .committed
        if Bool.random(using: &random) { try cluster.compact(state) }
        try cluster.endTransaction(session, outcome)
        cluster.deliverAllMarkers()
        if outcome == .committed { for (key, value) in changes { latest[key] = value } }
        cluster.advance(to: cluster.now + 10)
        let upTo = Int64.random(in: 0..<Int64(step + 1) * 4, using: &random)
        if Bool.random(using: &random) { try cluster.compact(state, upTo: upTo) }
        var table: [String: String] = [:]
        for stored in cluster.readCommitted(state) {
          table[text(stored.record.key)] = stored.record.value.map { text($0) }
        }
        #expect(table == latest, "seed \(seed), step \(step)")
      }
      #expect(cluster.storedRecords(state).count < 120, "seed \(seed)")
    }
  }
}
