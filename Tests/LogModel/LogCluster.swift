/// A model of an Apache Kafka 4 cluster in memory: what matters to exactly-once, and nothing else.
///
/// Everything is synchronous, single-threaded and deterministic: the same calls give the same answers, offsets
/// and member ids. Nothing happens by itself. The simulator moves the clock with `advance(to:)`, delivers
/// transaction markers one by one with `deliverMarker(at:)`, and asks for compaction, retention and expiry.
/// Times are milliseconds on one clock that starts at 0.
///
/// The calls are Kafka's requests. A request throws a `KafkaError`, named as Kafka's codes, when it fails as a
/// whole; where Kafka answers per partition, so does the result. `.requestTimedOut` is the client's view of a
/// reply that never came: the request may have had its effect.
///
/// | what | calls | file |
/// |---|---|---|
/// | topics, log start | `createTopic` `createPartitions` `partitionCount` `deleteRecords` `expireRecords` | Topics |
/// | writing | `produce` | Producing |
/// | reading | `fetch` `listOffset` | Fetching |
/// | compaction | `compact` | Compaction |
/// | transactions | `initProducerID` `addPartitions` `endTransaction` `transactionStatus` | Transactions |
/// | markers | `pendingMarkers` `deliverMarker(at:)` `deliverMarkers(of:)` `deliverAllMarkers` | Markers |
/// | membership | `joinGroup` `syncGroup` `heartbeat` `leaveGroup` `requestRebalance` | Membership |
/// | offsets | `offsetCommit` `txnOffsetCommit` `offsetFetch` `expireOffsets` | Offsets |
/// | clock | `now` `advance(to:)` `nextDeadline` | Clock |
/// | faults | `faults` `caller` `delayedRequests` `deliverDelayed(at:)` | Faults, Delayed |
/// | oracles | `readCommitted` `storedRecords` `commitHistory` `transactionHistory` | Inspection |
///
/// **Which protocol.** Transactions are those of protocol V1, which a Kafka 4 broker speaks with librdkafka
/// 2.0.2: the epoch is bumped by `initProducerID`, by a fencing and by a transaction timeout, and not at each
/// commit; fenced requests of AddPartitionsToTxn 0, AddOffsetsToTxn 0 and EndTxn 1 are answered
/// INVALID_PRODUCER_EPOCH, those of InitProducerId 4 PRODUCER_FENCED. Groups are classic ones with an eager
/// range assignment.
///
/// **What has surprised people**
/// - Control records take an offset in every partition of a transaction, empty ones too, and are not delivered.
/// - `endTransaction` answers when the outcome is decided. Readers see it partition by partition, as the markers
///   arrive; until the last has arrived the transactional id answers `.concurrentTransactions`.
/// - `txnOffsetCommit` checks member, generation and instance id, never who owns the partition; with generation
///   −1, an empty member id and no instance id it checks nothing.
/// - A producer that was fenced still writes into a partition where its transaction is open, until that
///   partition's abort marker arrives; the marker then aborts those records with the others.
/// - Offsets bear no sequence number. A `txnOffsetCommit` that arrives late, in the next transaction of the same
///   session, counts there and takes the place of the newer offset: protocol V1 cannot tell the two apart, so
///   `.delay` on it shows a hole of the brokers and not one of the lane.
/// - A static member that comes back gets a new member id and, in a stable group, the old generation and
///   assignment without a rebalance.
public final class LogCluster {
  public let configuration: Configuration
  /// Faults for requests to come.
  public var faults = Faults()
  /// Who makes the next requests, for faults that concern one process: any number the simulator chooses.
  public var caller = 0
  /// The brokers' clock, in milliseconds.
  public internal(set) var now: Int64 = 0
  /// The markers not yet written, in the order in which their transactions were decided.
  public internal(set) var pendingMarkers: [PendingMarker] = []
  /// The requests that a fault has held back, in the order in which they were sent.
  public internal(set) var delayedRequests: [DelayedRequest] = []
  /// Every decided transaction, in the order of decisions.
  public internal(set) var transactionHistory: [DecidedTransaction] = []

  var topics: [String: Topic] = [:]
  var transactions: [String: TransactionState] = [:]
  /// Transactional ids in the order of their first use: what is walked is walked in a fixed order.
  var transactionOrder: [TransactionState] = []
  var groups: [String: GroupState] = [:]
  var groupOrder: [GroupState] = []
  var lastProducerID: Int64 = 999
  var lastMemberNumber = 0

  public init(configuration: Configuration = Configuration()) {
    self.configuration = configuration
  }

  func log(_ place: TopicPartition) throws(KafkaError) -> PartitionLog {
    guard let topic = topics[place.topic], topic.partitions.indices.contains(place.partition) else {
      throw .unknownTopicOrPartition
    }
    return topic.partitions[place.partition]
  }

  func has(_ place: TopicPartition) -> Bool {
    topics[place.topic].map { $0.partitions.indices.contains(place.partition) } ?? false
  }

  func newProducerID() -> Int64 {
    lastProducerID += 1
    return lastProducerID
  }
}

/// The brokers' settings, with Kafka's defaults where it has them.
public struct Configuration: Hashable, Sendable {
  /// `offset.metadata.max.bytes`, counted as the broker does, in UTF-16 units.
  public var offsetMetadataMaxBytes = 4096
  /// `transaction.max.timeout.ms`.
  public var transactionMaxTimeoutMilliseconds: Int64 = 900_000
  /// `group.initial.rebalance.delay.ms`: how long the first members of an empty group wait for others.
  public var initialRebalanceDelayMilliseconds: Int64 = 0
  /// Whether markers are written in the same step as the decision. A simulator leaves it off.
  public var deliversMarkersAtOnce = false

  public init() {}
}
