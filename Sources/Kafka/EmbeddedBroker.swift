import CRdKafka

/// Brokers inside this process that speak Kafka's protocol over TCP on the loopback address: librdkafka's mock
/// cluster, for the demo and for tests.
///
/// Any client can join. It keeps 5 MiB and 100,000 batches a partition and silently drops the oldest; it does
/// not do transactions, creation of topics by request, compaction, or look-ups by time.
///
/// `@unchecked`: the mock cluster may be driven from any thread.
@safe public struct EmbeddedBroker: ~Copyable, @unchecked Sendable {
  /// Requests by their number in Kafka's protocol, for making them fail. Extensible.
  public struct Request: RawRepresentable, Sendable, Hashable {
    public var rawValue: Int16
    public init(rawValue: Int16) { self.rawValue = rawValue }

    public static let produce = Self(rawValue: 0)
    public static let fetch = Self(rawValue: 1)
    public static let listOffsets = Self(rawValue: 2)
    public static let metadata = Self(rawValue: 3)
    public static let offsetCommit = Self(rawValue: 8)
    public static let offsetFetch = Self(rawValue: 9)
    public static let findCoordinator = Self(rawValue: 10)
    public static let joinGroup = Self(rawValue: 11)
    public static let heartbeat = Self(rawValue: 12)
    public static let syncGroup = Self(rawValue: 14)
    public static let initializeProducer = Self(rawValue: 22)
    public static let addPartitions = Self(rawValue: 24)
    public static let addOffsets = Self(rawValue: 25)
    public static let endTransaction = Self(rawValue: 26)
    public static let transactionalOffsetCommit = Self(rawValue: 28)
  }

  private let client: ClientHandle
  private let cluster: OpaquePointer

  /// Starts so many brokers, numbered from 1, on free ports.
  public init(brokers: Int = 1, callbacks: ClientCallbacks = .init()) throws(KafkaError) {
    let client = try unsafe ClientHandle(
      .producer, properties: ClientProperties(["client.id": "embedded-broker"]), callbacks: callbacks)
    guard let cluster = unsafe rd_kafka_mock_cluster_new(client.pointer, Int32(brokers)) else {
      throw KafkaError(
        code: .critical, class: .other, message: "the embedded broker cannot listen on 127.0.0.1",
        hint: "check that the loopback interface is up and ports and file descriptors are left")
    }
    self.client = client
    unsafe self.cluster = cluster
  }

  deinit { unsafe rd_kafka_mock_cluster_destroy(cluster) }

  /// `host:port`, several separated by commas.
  public var bootstrap: String { unsafe String(cString: rd_kafka_mock_cluster_bootstraps(cluster)) }

  /// - Throws: the topic exists, or its name or number of partitions is not valid.
  public func createTopic(_ name: String, partitions: Int, replicas: Int = 1) throws(KafkaError) {
    try check(
      unsafe rd_kafka_mock_topic_create(cluster, name, Int32(partitions), Int32(replicas)),
      "topic \(name)")
  }

  /// Makes metadata of a topic carry an error, such as a refused authorization; `.none` ends that.
  public func setTopicError(_ name: String, _ code: KafkaError.Code) {
    unsafe rd_kafka_mock_topic_set_error(cluster, name, code.library)
  }

  /// The next requests of this kind fail with these errors, one each, at whichever broker; `.transport`
  /// disconnects the client.
  public func fail(_ request: Request, with codes: [KafkaError.Code]) {
    let codes = codes.map(\.library)
    unsafe codes.span.withUnsafeBufferPointer {
      unsafe rd_kafka_mock_push_request_errors_array(cluster, request.rawValue, $0.count, $0.baseAddress)
    }
  }

  /// Forgets the errors that `fail` has left.
  public func clearFailures(of request: Request) {
    unsafe rd_kafka_mock_clear_request_errors(cluster, request.rawValue)
  }

  /// The next request of this kind to one broker is answered late.
  public func delay(
    _ request: Request, broker: Int32, milliseconds: Int32, with code: KafkaError.Code = .none
  ) throws(KafkaError) {
    try check(
      unsafe ebb_mock_delay(cluster, broker, request.rawValue, code.library, milliseconds), "broker \(broker)"
    )
  }

  /// Disconnects a broker's clients and refuses new ones; nil: every broker's. Leaders stay where they are.
  public func takeDown(broker: Int32? = nil) throws(KafkaError) {
    try check(unsafe rd_kafka_mock_broker_set_down(cluster, broker ?? -1), "broker \(broker ?? -1)")
  }

  /// Accepts clients again.
  public func bringUp(broker: Int32? = nil) throws(KafkaError) {
    try check(unsafe rd_kafka_mock_broker_set_up(cluster, broker ?? -1), "broker \(broker ?? -1)")
  }

  /// Delays every answer by so much.
  public func setRoundTrip(milliseconds: Int32, broker: Int32? = nil) throws(KafkaError) {
    try check(
      unsafe rd_kafka_mock_broker_set_rtt(cluster, broker ?? -1, milliseconds), "broker \(broker ?? -1)")
  }

  /// Moves a partition's leader; nil: it has none.
  public func setLeader(of partition: TopicPartition, broker: Int32?) throws(KafkaError) {
    try check(
      unsafe rd_kafka_mock_partition_set_leader(cluster, partition.topic, partition.partition, broker ?? -1),
      "partition \(partition.partition) of topic \(partition.topic)")
  }

  /// Moves the coordinator of a consumer group.
  public func setCoordinator(ofGroup group: String, broker: Int32) throws(KafkaError) {
    try check(unsafe rd_kafka_mock_coordinator_set(cluster, "group", group, broker), "group \(group)")
  }

  /// Moves the coordinator of a transactional id.
  public func setCoordinator(ofTransactionalID id: String, broker: Int32) throws(KafkaError) {
    try check(
      unsafe rd_kafka_mock_coordinator_set(cluster, "transaction", id, broker), "transactional id \(id)")
  }

  private func check(_ code: rd_kafka_resp_err_t, _ subject: String) throws(KafkaError) {
    if let error = KafkaError(code, subject: subject) { throw error }
  }
}
