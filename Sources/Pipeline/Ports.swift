// The two ports of a lane: a record log to read and a log to write. The lane is a state machine between them;
// Kafka, files, and the tests' model of a transactional log stand behind them.

import Triggers

/// One record of an input partition: a view, valid only during the call that hands it over. Only `key` and
/// `value` are unsafe to touch, and only after that call.
@safe public struct InputRecord {
  public var partition: Int32
  public var offset: Int64
  /// The broker's or producer's timestamp, milliseconds since 1970 UTC; −1: none.
  public var timestamp: Int64
  public var key: UnsafeRawBufferPointer?
  /// nil: a null value. An empty value is not null.
  public var value: UnsafeRawBufferPointer?
  /// The log's own handle of the record, and how to read headers from it. Only for the few records whose headers
  /// matter: reading them costs allocations.
  private var source: UnsafeRawPointer?
  private var readHeaders: @Sendable (UnsafeRawPointer) -> [WireHeader]

  public init(
    partition: Int32, offset: Int64, timestamp: Int64, key: UnsafeRawBufferPointer?,
    value: UnsafeRawBufferPointer?, source: UnsafeRawPointer? = nil,
    readHeaders: @escaping @Sendable (UnsafeRawPointer) -> [WireHeader] = { _ in [] }
  ) {
    self.partition = partition
    self.offset = offset
    self.timestamp = timestamp
    unsafe self.key = unsafe key
    unsafe self.value = unsafe value
    unsafe self.source = unsafe source
    unsafe self.readHeaders = unsafe readHeaders
  }

  /// The record's headers, copied.
  public var headers: [WireHeader] {
    guard let source = unsafe source else { return [] }
    return unsafe readHeaders(source)
  }
}

/// What an input log tells its reader, in order for each partition.
public protocol InputVisitor: ~Copyable {
  /// The reader owns these partitions from now on; their records follow, from the position that the log's start
  /// policy and commits give.
  mutating func assigned(_ partitions: [Int32]) throws(PipelineError)
  /// The reader must give these up: when the call returns, nothing of them may be sent any more. What it has in
  /// hand may still be committed inside the call.
  mutating func revoked(_ partitions: [Int32]) throws(PipelineError)
  /// The partitions are gone already; nothing of them can be committed.
  mutating func lost(_ partitions: [Int32]) throws(PipelineError)
  mutating func record(_ record: borrowing InputRecord) throws(PipelineError)
  /// The reader has seen everything that the partition holds now; `nextOffset` is where it will go on.
  mutating func reachedEnd(partition: Int32, nextOffset: Int64) throws(PipelineError)
}

/// A record log to read.
public protocol InputLog: ~Copyable {
  /// Waits at most so long for something to hand over, then hands over at most one batch and returns how many
  /// records it had. Passing errors (a broker that is away) are the log's own business until they end
  /// the matter; see `isHealthy`.
  mutating func poll<Visitor: InputVisitor & ~Copyable>(
    into visitor: inout Visitor, timeoutMilliseconds: Int32
  ) throws(PipelineError) -> Int
  /// Whether the log is reachable at the moment. While it is not, silence proves nothing and no partition ticks.
  var isHealthy: Bool { get }
  /// Gives up all partitions (through `revoked`) and leaves; bounded in time.
  mutating func close<Visitor: InputVisitor & ~Copyable>(into visitor: inout Visitor) throws(PipelineError)
}

/// The topics that Ebb writes.
public enum OutputTopic: Sendable, Hashable, CaseIterable {
  case cartAlerts, churnAlerts, deadLetters
}

/// One record to write.
public struct OutputRecord: Sendable, Hashable {
  public typealias Header = WireHeader

  public var topic: OutputTopic
  /// nil: a null key.
  public var key: [UInt8]?
  public var value: [UInt8]?
  public var headers: [Header]

  public init(topic: OutputTopic, key: [UInt8]?, value: [UInt8]?, headers: [Header]) {
    self.topic = topic
    self.key = key
    self.value = value
    self.headers = headers
  }
}

/// What one cut carries for one input partition. Frozen: a cut that is sent again is sent byte for byte.
public struct CutSection: Sendable, Hashable {
  public var partition: Int32
  public var records: [OutputRecord]
  /// The next offset to read once this is committed.
  public var nextOffset: Int64
  /// Printable ASCII, kept by the broker with the offset.
  public var metadata: String

  public init(partition: Int32, records: [OutputRecord] = [], nextOffset: Int64, metadata: String = "") {
    self.partition = partition
    self.records = records
    self.nextOffset = nextOffset
    self.metadata = metadata
  }
}

/// A batch of output that is written as one: all records first, the offsets only when every record is safe.
public struct Cut: Sendable, Hashable {
  /// Ascending within a lane's life.
  public var number: UInt64
  public var sections: [CutSection]

  public init(number: UInt64, sections: [CutSection]) {
    self.number = number
    self.sections = sections
  }
}

extension Cut {
  /// Cuts off the values of dead letters that are longer than `bytes`, and tells their length in a header.
  /// - Returns: whether there were any.
  public mutating func shortenDeadLetters(to bytes: Int) -> Bool {
    var isShortened = false
    for section in sections.indices {
      for index in sections[section].records.indices {
        let record = sections[section].records[index]
        guard record.topic == .deadLetters, let value = record.value, value.count > bytes else { continue }
        isShortened = true
        sections[section].records[index].value = Array(value.prefix(bytes))
        if record.headers.contains(where: { $0.name == DeadLetter.wholeBytesHeader }) { continue }
        sections[section].records[index].headers.append(
          OutputRecord.Header(name: DeadLetter.wholeBytesHeader, value: Array(String(value.count).utf8)))
      }
    }
    return isShortened
  }
}

/// What became of the cut in flight.
public enum CutProgress: Sendable, Hashable {
  /// There is none.
  case idle
  case pending
  /// Records and offsets are safe.
  case committed(UInt64)
}

/// A log to write. At most one cut is in flight.
public protocol OutputLog: ~Copyable {
  /// Starts writing a cut and returns at once. Only when `progress` has told the previous one's end.
  mutating func begin(_ cut: Cut) throws(PipelineError)
  /// Drives the cut in flight, waiting at most so long for its end.
  mutating func progress(timeoutMilliseconds: Int32) throws(PipelineError) -> CutProgress
  /// Forgets the cut in flight without waiting (its partitions are lost).
  mutating func abandon()
}
