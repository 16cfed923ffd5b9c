/// What went wrong in a step of a transaction.
public struct TransactionError: Error, Sendable, Hashable {
  /// What can be done about it.
  public enum Class: String, Sendable, Hashable, CaseIterable {
    /// The same call may succeed if it is made again.
    case retriable
    /// The transaction must be aborted; a new one may succeed.
    case abortable
    /// Whether the transaction was committed is not known, and the producer is of no further use.
    case unknownOutcome
    /// Nothing helps but a fresh process.
    case fatal
  }

  public var `class`: Class
  /// The brokers' or the client's name of it, by which repetitions are told apart.
  public var name: String
  /// What to say if it ends the lane.
  public var sentence: PipelineError
  /// Whether a record was refused for its size.
  public var isTooLarge: Bool

  public init(_ class: Class, name: String, sentence: PipelineError, isTooLarge: Bool = false) {
    self.class = `class`
    self.name = name
    self.sentence = sentence
    self.isTooLarge = isTooLarge
  }
}

/// A log that is written to in transactions: one producer with a stable id. Calls may wait, at most as long as
/// they say; who must not wait drives them from a thread of its own.
public protocol TransactionLog: ~Copyable {
  /// Makes a producer (a new one, if there is one), and claims the lane's id: what was left open under it is ended.
  mutating func initialize(timeoutMilliseconds: Int32) throws(TransactionError)
  mutating func begin() throws(TransactionError)
  /// Hands a record over; false: no room at the moment.
  mutating func write(_ record: OutputRecord, partition: Int32) throws(TransactionError) -> Bool
  /// Waits until every record is acknowledged; false: not yet.
  mutating func flush(timeoutMilliseconds: Int32) throws(TransactionError) -> Bool
  /// Adds the sections' offsets and metadata.
  mutating func sendOffsets(
    _ sections: [CutSection], as membership: Membership, timeoutMilliseconds: Int32
  ) throws(TransactionError)
  mutating func commit(timeoutMilliseconds: Int32) throws(TransactionError)
  mutating func abort(timeoutMilliseconds: Int32) throws(TransactionError)
  /// What is committed for these partitions, as their metadata (nil: nothing), once no transaction that could change
  /// it is open; waits for that.
  mutating func committed(
    _ partitions: [Int32], timeoutMilliseconds: Int32
  ) throws(TransactionError) -> [Int32: String?]
  /// For each partition of the state topic, the offset of the last record acknowledged in this transaction.
  var stateOffsets: [Int32: Int64] { get }
}
