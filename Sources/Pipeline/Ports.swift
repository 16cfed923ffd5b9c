// The two ports of a lane: a record log to read and a log to write. The lane is a state machine between them;
// Kafka, files, and the tests' model of a transactional log stand behind them.

import Triggers

/// One record of an input partition: a view, valid only during the call that hands it over. Only `key` and
/// `value` are unsafe to touch, and only after that call.
///
/// Nothing in it is counted: a record costs no retain.
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
  private var reader: (any HeaderReader.Type)?

  public init(
    partition: Int32, offset: Int64, timestamp: Int64, key: UnsafeRawBufferPointer?,
    value: UnsafeRawBufferPointer?, source: UnsafeRawPointer? = nil, reader: (any HeaderReader.Type)? = nil
  ) {
    self.partition = partition
    self.offset = offset
    self.timestamp = timestamp
    unsafe self.key = unsafe key
    unsafe self.value = unsafe value
    unsafe self.source = unsafe source
    self.reader = reader
  }

  /// By which clock the deadlines that it makes due are judged.
  @inline(__always)
  func clock(eventTime: Int64) -> Int64 { timestamp >= 0 ? timestamp : eventTime }

  /// The record's headers, copied.
  public var headers: [WireHeader] {
    guard let source = unsafe source, let reader else { return [] }
    return unsafe reader.headers(of: source)
  }
}

/// How a log's own handle of a record is read for headers. A type and not a closure, which every record would retain.
public protocol HeaderReader {
  /// The headers, copied.
  static func headers(of source: UnsafeRawPointer) -> [WireHeader]
}

/// Takes what a log hands over, in order for each partition.
public protocol RecordVisitor: ~Copyable {
  mutating func record(_ record: borrowing InputRecord) throws(PipelineError)
  /// The reader has seen everything that the partition holds for it now; `nextOffset` is where it will go on.
  mutating func reachedEnd(partition: Int32, nextOffset: Int64) throws(PipelineError)
  /// No more comes with this call. Until then a visitor may keep records back that it has made its own; a log calls
  /// it after every batch before it goes on to anything else.
  mutating func batchEnded() throws(PipelineError)
}

extension RecordVisitor where Self: ~Copyable {
  /// For those who keep nothing back.
  public mutating func batchEnded() throws(PipelineError) {}
}

/// What an input log tells the member of a group that reads it.
public protocol InputVisitor: RecordVisitor, ~Copyable {
  /// The reader owns these partitions from now on, and no others. Nothing of them is handed over before `start`.
  ///
  /// - Parameter membership: who the reader is, for this assignment only.
  mutating func assigned(_ partitions: [Int32], as membership: Membership) throws(PipelineError)
  /// The reader must give these up: when the call returns, nothing of them may be sent any more. What it has in
  /// hand may still be committed inside the call.
  mutating func revoked(_ partitions: [Int32]) throws(PipelineError)
  /// The partitions are gone already; nothing of them can be committed.
  mutating func lost(_ partitions: [Int32]) throws(PipelineError)
}

/// Who a member of the group was when partitions were assigned to it. Good for that assignment only: one taken later
/// could name a member that owns nothing, and the brokers would take its offsets all the same.
public struct Membership: Sendable, Hashable {
  public let generation: Int32
  public let memberID: String
  /// As the client library wants it back.
  public let bytes: [UInt8]

  /// nil: it names nobody, and must never be sent; the brokers would not check it.
  public init?(generation: Int32, memberID: String, bytes: [UInt8] = []) {
    guard generation >= 0, !memberID.isEmpty else { return nil }
    self.generation = generation
    self.memberID = memberID
    self.bytes = bytes
  }
}

/// A record log to read, as a member of a group.
public protocol InputLog: ~Copyable {
  /// Waits at most so long for something to hand over, then hands over at most one batch and returns how many
  /// records it had. Passing errors (a broker that is away) are the log's own business until they end
  /// the matter; see `isHealthy`.
  mutating func poll<Visitor: InputVisitor & ~Copyable>(
    into visitor: inout Visitor, timeoutMilliseconds: Int32
  ) throws(PipelineError) -> Int
  /// Begins to read partitions that are assigned, each at its next offset; the others go on as they are.
  mutating func start(_ positions: [PartitionOffset]) throws(PipelineError)
  /// Leaves partitions alone that are being read, until they are started again; the others go on as they are.
  mutating func hold(_ partitions: [Int32]) throws(PipelineError)
  /// Whether the log is reachable at the moment. While it is not, silence proves nothing and no partition ticks.
  var isHealthy: Bool { get }
  /// Whether there was trouble, and no proof since that the log is reachable, with partitions or without.
  var isInDoubt: Bool { get }
  /// Gives up all partitions (through `revoked`) and leaves; bounded in time.
  mutating func close<Visitor: InputVisitor & ~Copyable>(into visitor: inout Visitor) throws(PipelineError)
  /// Where the partitions that are read end, as far as is known without asking: the offset behind the last record.
  func knownEnds() -> [PartitionOffset]
  /// Records that are fetched and not handed over yet.
  var fetchedRecords: Int { get }
}

extension InputLog where Self: ~Copyable {
  /// Never: for logs that are always there.
  public var isInDoubt: Bool { false }

  /// For logs that do not know.
  public func knownEnds() -> [PartitionOffset] { [] }
  public var fetchedRecords: Int { 0 }
}

/// A place in a partition.
public struct PartitionOffset: Sendable, Hashable {
  public var partition: Int32
  public var nextOffset: Int64

  public init(_ partition: Int32, _ nextOffset: Int64) {
    self.partition = partition
    self.nextOffset = nextOffset
  }
}

/// The topics that Ebb writes.
public enum OutputTopic: Sendable, Hashable, CaseIterable {
  case cartAlerts, churnAlerts, deadLetters
  /// Its records go to the partition that their cut's section names; those of the others by key.
  case state
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
  /// Alerts and dead letters.
  public var records: [OutputRecord]
  /// For the same partition of the state topic.
  public var state: [OutputRecord]
  /// The next offset to read once this is committed.
  public var nextOffset: Int64
  /// Printable ASCII, kept by the broker with the offset.
  public var metadata: String
  /// The cut that the offset bears until this one is committed; nil: none has been.
  public var previous: CutNumber?

  public init(
    partition: Int32, records: [OutputRecord] = [], state: [OutputRecord] = [], nextOffset: Int64,
    metadata: String = "", previous: CutNumber? = nil
  ) {
    self.partition = partition
    self.records = records
    self.state = state
    self.nextOffset = nextOffset
    self.metadata = metadata
    self.previous = previous
  }
}

/// Which cut it is: of which lane's life, and its ordinal there.
public struct CutNumber: Sendable, Hashable {
  /// Drawn anew for each life of a lane.
  public var owner: UInt64
  /// From 1.
  public var sequence: UInt64

  public init(owner: UInt64, sequence: UInt64) {
    self.owner = owner
    self.sequence = sequence
  }
}

/// A batch of output that is written as one: in a transaction, or alerts and dead letters first, state next, and the
/// offsets when every record is safe.
public struct Cut: Sendable, Hashable {
  public var number: CutNumber
  public var membership: Membership
  public var sections: [CutSection]

  public init(number: CutNumber, membership: Membership, sections: [CutSection]) {
    self.number = number
    self.membership = membership
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
  /// Records and offsets are safe. `stateOffsets`: for each partition of the state topic that was written to, the
  /// offset of the last record, as far as the brokers told.
  case committed(CutNumber, stateOffsets: [Int32: Int64])
}

/// A log to write. At most one cut is in flight.
public protocol OutputLog: ~Copyable {
  /// Whether it can take cuts: what a predecessor left open has been ended. Until then nothing of the group's
  /// positions can be relied on.
  mutating func isReady() throws(PipelineError) -> Bool
  /// Starts writing a cut and returns at once. Only when `progress` has told the previous one's end.
  mutating func begin(_ cut: Cut) throws(PipelineError)
  /// Drives the cut in flight, waiting at most so long for its end.
  mutating func progress(timeoutMilliseconds: Int32) throws(PipelineError) -> CutProgress
  /// Gives the cut in flight up: when the call returns, nothing more of it is sent, though what has been sent may
  /// still come to be committed.
  mutating func abandon()
}
