import LogModel
import Testing

/// Compaction, as the broker's cleaner does it.
@Suite struct CompactionTests {
  @Test func `The last record of each key stays, at its offset`() throws {
    let cluster = try cluster()
    try cluster.produce([record("a", "1"), record("b", "1"), record("a", "2"), record("c", "1")], to: state)
    #expect(try cluster.compact(state).removed == 1)
    let read = try cluster.fetch(state, .readCommitted, from: 0)
    #expect(read.records.map(\.offset) == [1, 2, 3])
    #expect(cluster.lines(state) == ["b=1", "a=2", "c=1"])
    #expect(read.nextOffset == 4)
    // A hole is read over, wherever one begins.
    #expect(try cluster.fetch(state, .readCommitted, from: 2).records.map(\.offset) == [2, 3])
    try cluster.produce([record("d", "1")], to: state)
    #expect(try cluster.fetch(state, .readCommitted, from: 3).records.map(\.offset) == [3, 4])
  }

  @Test func `Nothing at or beyond the caller's point is touched or counted`() throws {
    let cluster = try cluster()
    try cluster.produce([record("a", "1"), record("a", "2"), record("a", "3")], to: state)
    try cluster.compact(state, upTo: 2)
    #expect(cluster.lines(state) == ["a=2", "a=3"])
  }

  @Test func `A tombstone stays for its retention after the first compaction that met it`() throws {
    let cluster = try cluster(stateRetention: 1000)
    try cluster.produce([record("a", "1"), record("a", nil), record("b", "1")], to: state)
    cluster.advance(to: 5000)
    try cluster.compact(state)
    #expect(cluster.lines(state) == ["a=–", "b=1"])
    try cluster.compact(state, now: 5999)
    #expect(cluster.lines(state) == ["a=–", "b=1"])
    let report = try cluster.compact(state, now: 6000)
    #expect(report.removedTombstones == 1)
    #expect(cluster.lines(state) == ["b=1"])
  }

  @Test func `A key that returns outlives its tombstone`() throws {
    let cluster = try cluster(stateRetention: 0)
    try cluster.produce([record("a", "1"), record("a", nil), record("a", "2")], to: state)
    try cluster.compact(state)
    try cluster.compact(state)
    #expect(cluster.lines(state) == ["a=2"])
  }

  @Test func `Open transactions stop it`() throws {
    let cluster = try cluster()
    let producer = try cluster.newProducer("lane")
    try cluster.produce([record("a", "1"), record("a", "2")], to: state)
    try cluster.produce([record("a", "3")], to: state, session: producer)
    try cluster.produce([record("b", "1"), record("b", "2")], to: state)
    #expect(try cluster.compact(state).upTo == 2)
    #expect(cluster.storedRecords(state).map(\.line) == ["a=2", "a=3", "b=1", "b=2"])
  }

  @Test func `Aborted records go and hide nothing`() throws {
    let cluster = try cluster()
    let producer = try cluster.newProducer("lane")
    try cluster.produce([record("a", "kept")], to: state)
    try cluster.transact(producer, state, [record("a", "aborted")], .aborted)
    try cluster.compact(state)
    #expect(cluster.storedRecords(state).map(\.offset) == [0, 2])
    #expect(cluster.lines(state) == ["a=kept"])
  }

  @Test func `A marker goes after its records, and after its retention`() throws {
    let cluster = try cluster(stateRetention: 100)
    let producer = try cluster.newProducer("lane")
    try cluster.transact(producer, state, [record("a", "1")])
    try cluster.produce([record("a", "2")], to: state)
    try cluster.compact(state, now: 0)  // takes the record
    #expect(cluster.storedRecords(state).map(\.offset) == [1, 2])
    try cluster.compact(state, now: 50)  // finds the marker alone
    try cluster.compact(state, now: 149)
    #expect(cluster.storedRecords(state).map(\.offset) == [1, 2])
    try cluster.compact(state, now: 150)
    #expect(cluster.storedRecords(state).map(\.offset) == [2])
  }

  @Test func `The end is reached where compaction took what stood before it`() throws {
    let cluster = try cluster(stateRetention: 0)
    try cluster.produce([record("a", nil)], to: state)
    try cluster.compact(state)
    try cluster.compact(state)
    let read = try cluster.fetch(state, .readCommitted, from: 0)
    #expect(read.records.isEmpty)
    #expect(read.nextOffset == 1)
    #expect(read.isEndOfPartition)
    #expect(read.logStartOffset == 0)
  }

  @Test func `A topic that is not compacted is left alone`() throws {
    let cluster = try cluster()
    #expect(throws: KafkaError.policyViolation) { try cluster.compact(input) }
  }
}
