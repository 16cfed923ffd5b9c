/// One partition's log. There is one replica: the high watermark is the end of the log.
final class PartitionLog {
  struct Entry {
    var offset: Int64
    var record: LogRecord
    var producerID: Int64 = -1
    var producerEpoch: Int16 = -1
    /// The index of its transaction here, −1 outside transactions. Of a marker too.
    var transaction: Int32 = -1
    var control: Outcome?
    /// When compaction may remove this tombstone or marker: set by the first compaction that meets it.
    var deleteHorizon: Int64?
  }

  /// A transaction as this partition knows it.
  struct LocalTransaction {
    let producerID: Int64
    let firstOffset: Int64
    var outcome: Outcome?
    /// Data records still in the log.
    var records = 0
  }

  /// What the partition remembers of a producer.
  struct ProducerEntry {
    var epoch: Int16
    var transaction: Int32 = -1
    /// −1 before the first batch of an epoch.
    var lastSequence: Int32 = -1
    /// The last five batches, for duplicates.
    var batches: [Batch] = []
  }

  struct Batch {
    let first: Int32
    let last: Int32
    let offset: Int64
  }

  private(set) var entries: [Entry] = []
  private(set) var transactions: [LocalTransaction] = []
  private(set) var producers: [Int64: ProducerEntry] = [:]
  /// Open transactions in order of their first offsets: the first decides the last stable offset.
  private var open: [Int32] = []
  private(set) var logStart: Int64 = 0
  private(set) var end: Int64 = 0

  var highWatermark: Int64 { end }
  var lastStable: Int64 {
    guard let first = open.first else { return end }
    return max(logStart, transactions[Int(first)].firstOffset)
  }

  func end(for isolation: Isolation) -> Int64 {
    isolation == .readCommitted ? lastStable : highWatermark
  }

  /// The index of the first entry at or beyond an offset.
  func index(of offset: Int64) -> Int {
    guard let first = entries.first?.offset, offset > first else { return 0 }
    // Dense but for what compaction has taken out.
    let guess = Int(offset - first)
    if entries.count == Int(end - first) { return min(guess, entries.count) }
    var low = 0
    var high = min(guess, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].offset < offset { low = middle + 1 } else { high = middle }
    }
    return low
  }

  // MARK: Writing

  /// Appends a batch and returns its first offset; a duplicate batch is not appended again.
  func append(
    _ records: [LogRecord], session: ProducerSession?, sequence: Int32?
  ) throws(KafkaError) -> Int64 {
    guard let session else {
      let base = end
      for record in records { add(Entry(offset: end, record: record)) }
      return base
    }
    var producer = producers[session.producerID] ?? ProducerEntry(epoch: session.epoch)
    if session.epoch < producer.epoch { throw .invalidProducerEpoch }
    if let sequence {
      if let duplicate = try check(sequence, records.count, session, producer) { return duplicate }
    }
    if session.epoch > producer.epoch {
      producer.epoch = session.epoch
      producer.lastSequence = -1
      producer.batches.removeAll()
    }
    let isTransactional = session.transactionalID != nil
    if !isTransactional, producer.transaction >= 0 { throw .invalidTxnState }
    let base = end
    if isTransactional, producer.transaction < 0 {
      producer.transaction = Int32(transactions.count)
      transactions.append(LocalTransaction(producerID: session.producerID, firstOffset: base))
      open.append(producer.transaction)
    }
    for record in records {
      add(
        Entry(
          offset: end, record: record, producerID: session.producerID, producerEpoch: session.epoch,
          transaction: producer.transaction))
    }
    if isTransactional { transactions[Int(producer.transaction)].records += records.count }
    if let sequence {
      let last = sequence + Int32(records.count) - 1
      producer.lastSequence = last
      if producer.batches.count == 5 { producer.batches.removeFirst() }
      producer.batches.append(Batch(first: sequence, last: last, offset: base))
    }
    producers[session.producerID] = producer
    return base
  }

  /// The offset of the batch if it is one of the last five again.
  private func check(
    _ sequence: Int32, _ count: Int, _ session: ProducerSession, _ producer: ProducerEntry
  ) throws(KafkaError) -> Int64? {
    guard session.epoch == producer.epoch else {
      if sequence != 0 { throw .outOfOrderSequenceNumber }
      return nil
    }
    let last = sequence + Int32(count) - 1
    if let same = producer.batches.first(where: { $0.first == sequence && $0.last == last }) {
      return same.offset
    }
    // A producer that the partition does not know yet may begin anywhere.
    let isKnown = producers[session.producerID] != nil
    if isKnown, sequence != producer.lastSequence + 1 { throw .outOfOrderSequenceNumber }
    return nil
  }

  /// Writes a transaction's marker: a control record, whether or not the partition has records of it.
  func writeMarker(_ outcome: Outcome, producerID: Int64, epoch: Int16, now: Int64) {
    var producer = producers[producerID] ?? ProducerEntry(epoch: epoch)
    if epoch > producer.epoch {
      producer.epoch = epoch
      producer.lastSequence = -1
      producer.batches.removeAll()
    }
    let transaction = producer.transaction
    if transaction >= 0 {
      transactions[Int(transaction)].outcome = outcome
      open.removeAll { $0 == transaction }
      producer.transaction = -1
    }
    producers[producerID] = producer
    add(
      Entry(
        offset: end, record: LogRecord(key: nil, value: nil, timestamp: now), producerID: producerID,
        producerEpoch: epoch, transaction: transaction, control: outcome))
  }

  func hasOpenTransaction(of session: ProducerSession) -> Bool {
    guard let producer = producers[session.producerID] else { return false }
    return producer.transaction >= 0 && producer.epoch == session.epoch
  }

  private func add(_ entry: Entry) {
    entries.append(entry)
    end += 1
  }

  // MARK: Reading

  func isAborted(_ entry: Entry) -> Bool {
    entry.transaction >= 0 && transactions[Int(entry.transaction)].outcome == .aborted
  }

  func stored(_ entry: Entry) -> StoredRecord {
    StoredRecord(
      offset: entry.offset, record: entry.record, producerID: entry.producerID,
      producerEpoch: entry.producerEpoch, isTransactional: entry.transaction >= 0 || entry.control != nil,
      control: entry.control,
      outcome: entry.control ?? (entry.transaction >= 0 ? transactions[Int(entry.transaction)].outcome : nil))
  }

  func fetch(_ isolation: Isolation, from offset: Int64, max: Int) throws(KafkaError) -> FetchResult {
    guard offset >= logStart, offset <= end else { throw .offsetOutOfRange }
    let limit = end(for: isolation)
    var next = offset
    var records: [StoredRecord] = []
    var index = index(of: offset)
    while records.count < max, index < entries.count, entries[index].offset < limit {
      let entry = entries[index]
      next = entry.offset + 1
      index += 1
      // Below the last stable offset every transaction is decided.
      if entry.control != nil || (isolation == .readCommitted && isAborted(entry)) { continue }
      records.append(stored(entry))
    }
    // Nothing is left before the end: what compaction took out there is passed.
    if next < limit, index >= entries.count || entries[index].offset >= limit { next = limit }
    return FetchResult(
      records: records, nextOffset: next, logStartOffset: logStart, lastStableOffset: lastStable,
      highWatermark: end, endOffset: limit, isEndOfPartition: next >= limit)
  }

  // MARK: Removing

  /// Drops everything before an offset.
  func moveStart(to offset: Int64) {
    guard offset > logStart else { return }
    let count = index(of: offset)
    for entry in entries[..<count] where entry.transaction >= 0 && entry.control == nil {
      transactions[Int(entry.transaction)].records -= 1
    }
    entries.removeFirst(count)
    logStart = offset
  }

  /// Keeps the entries that compaction decides to keep, each as it returns it.
  func rewrite(_ keep: (inout Entry) -> Bool) {
    var kept: [Entry] = []
    kept.reserveCapacity(entries.count)
    for index in entries.indices {
      var entry = entries[index]
      if keep(&entry) {
        kept.append(entry)
      } else if entry.transaction >= 0, entry.control == nil {
        transactions[Int(entry.transaction)].records -= 1
      }
    }
    entries = kept
  }
}
