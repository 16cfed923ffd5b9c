import CRdKafka

/// A topic as the cluster describes it.
public struct TopicDescription: Sendable, Hashable {
  public var name: String
  public var partitions: Int
  /// Of partition 0; 0 if it has no partitions.
  public var replicas: Int
  /// Partitions without a leader at the moment: they can be neither read nor written.
  public var leaderless: [Int32]

  public init(name: String, partitions: Int, replicas: Int, leaderless: [Int32] = []) {
    self.name = name
    self.partitions = partitions
    self.replicas = replicas
    self.leaderless = leaderless
  }
}

/// A topic to create.
public struct NewTopic: Sendable, Hashable {
  public var name: String
  public var partitions: Int
  /// nil: the brokers' default (needs brokers of 2.4 or newer).
  public var replicas: Int?
  /// Such as `cleanup.policy`.
  public var configuration: [String: String]

  public init(name: String, partitions: Int, replicas: Int? = nil, configuration: [String: String] = [:]) {
    self.name = name
    self.partitions = partitions
    self.replicas = replicas
    self.configuration = configuration
  }
}

/// Asks about topics and creates them.
@safe public struct Admin: ~Copyable, @unchecked Sendable {
  let client: ClientHandle

  public init(properties: ClientProperties, callbacks: ClientCallbacks = .init()) throws(KafkaError) {
    let all = ClientProperties.forEveryClient.overridden(by: properties.relevant(to: .producer))
    client = try unsafe ClientHandle(.producer, properties: all, callbacks: callbacks) { conf in
      unsafe rd_kafka_conf_set_error_cb(conf) { client, code, reason, opaque in
        unsafe ClientHandle.failed(client, code, reason, opaque)
      }
    }
  }

  /// Every topic that this user may see, by name. Asking for all of them never creates one, which asking by name
  /// does on clusters that create topics on their own.
  ///
  /// - Throws: at once if the brokers refuse user, password or encryption; otherwise after the timeout, with
  ///   the reason that the connections failed for.
  public func topics(timeoutMilliseconds: Int32) throws(KafkaError) -> [String: TopicDescription] {
    let clock = ContinuousClock()
    let deadline = clock.now + .milliseconds(Int64(timeoutMilliseconds))
    var trouble: KafkaError?
    // In slices, so that a refused password is told of as soon as the brokers do; each longer than the one before, so
    // that brokers far away come to answer within one.
    var slice: Int32 = 125
    while true {
      var metadata: UnsafePointer<rd_kafka_metadata>?
      slice = min(timeoutMilliseconds, 2 * slice)
      let code = unsafe rd_kafka_metadata(client.pointer, 1, nil, &metadata, slice)
      if let metadata = unsafe metadata {
        defer { unsafe rd_kafka_metadata_destroy(metadata) }
        return unsafe Self.describe(metadata)
      }
      unsafe rd_kafka_poll(client.pointer, 0)
      for error in client.inbox.takeErrors() {
        if error.isRefusal { throw error }
        if error.code != .allBrokersDown { trouble = error }
      }
      if clock.now >= deadline { throw trouble ?? KafkaError(code: KafkaError.Code(code)) }
      // A failed connection is reported at once and tried again only after a while.
      if code == RD_KAFKA_RESP_ERR__TRANSPORT { unsafe rd_kafka_poll(client.pointer, 20) }
    }
  }

  static func describe(_ metadata: UnsafePointer<rd_kafka_metadata>) -> [String: TopicDescription] {
    var topics: [String: TopicDescription] = [:]
    let count = unsafe Int(metadata.pointee.topic_cnt)
    for index in 0..<count {
      let topic = unsafe metadata.pointee.topics[index]
      let name = unsafe String(cString: topic.topic)
      var description = TopicDescription(name: name, partitions: 0, replicas: 0)
      description.partitions = unsafe Int(topic.partition_cnt)
      for index in 0..<description.partitions {
        let partition = unsafe topic.partitions[index]
        if unsafe partition.leader < 0 { unsafe description.leaderless.append(partition.id) }
        if unsafe partition.id == 0 { description.replicas = unsafe Int(partition.replica_cnt) }
      }
      topics[name] = description
    }
    return topics
  }

  /// Creates topics. One that exists already is an error of its own.
  ///
  /// - Returns: for each topic nil, or why it could not be created.
  /// - Throws: the request as a whole failed; `unsupportedFeature` from brokers that create none by request,
  ///   as the embedded one.
  public func create(_ topics: [NewTopic], timeoutMilliseconds: Int32) throws(KafkaError) -> [String:
    KafkaError?]
  {
    guard !topics.isEmpty else { return [:] }
    try requireController(timeoutMilliseconds: timeoutMilliseconds)
    let request = TopicRequest()
    for topic in topics { try request.add(topic) }
    let event = try unsafe AdminEvent.ask(client, timeoutMilliseconds: timeoutMilliseconds) {
      options, queue in
      unsafe request.withPointers { unsafe rd_kafka_CreateTopics(client.pointer, $0, $1, options, queue) }
    }
    var outcomes: [String: KafkaError?] = [:]
    var count = 0
    let results = unsafe rd_kafka_CreateTopics_result_topics(
      rd_kafka_event_CreateTopics_result(event.pointer), &count)
    for index in 0..<count {
      guard let result = unsafe results?[index] else { continue }
      let name = unsafe String(cString: rd_kafka_topic_result_name(result))
      let cause = unsafe rd_kafka_topic_result_error_string(result).map { unsafe String(cString: $0) }
      outcomes[name] = .some(
        unsafe KafkaError(rd_kafka_topic_result_error(result), subject: "topic \(name)", cause: cause))
    }
    return outcomes
  }

  /// A topic's configuration as the brokers apply it, defaults included; values that they keep secret are left
  /// out.
  public func configuration(ofTopic topic: String, timeoutMilliseconds: Int32) throws(KafkaError)
    -> [String: String]
  {
    try requireController(timeoutMilliseconds: timeoutMilliseconds)
    let resource = unsafe rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic)
    defer { unsafe rd_kafka_ConfigResource_destroy(resource) }
    let event = try unsafe AdminEvent.ask(client, timeoutMilliseconds: timeoutMilliseconds) {
      options, queue in
      var resources = unsafe [resource]
      unsafe rd_kafka_DescribeConfigs(client.pointer, &resources, 1, options, queue)
    }
    var count = 0
    let results = unsafe rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event.pointer), &count)
    guard count > 0, let result = unsafe results?[0] else { return [:] }
    if let error = unsafe KafkaError(rd_kafka_ConfigResource_error(result), subject: "topic \(topic)") {
      throw error
    }
    let entries = unsafe rd_kafka_ConfigResource_configs(result, &count)
    var configuration: [String: String] = [:]
    for index in 0..<count {
      guard let entry = unsafe entries?[index], let value = unsafe rd_kafka_ConfigEntry_value(entry) else {
        continue
      }
      unsafe configuration[String(cString: rd_kafka_ConfigEntry_name(entry))] = unsafe String(cString: value)
    }
    return configuration
  }

  /// Administrative requests go to the controller, and the library waits for it in vain where the cluster names
  /// one that is none of its brokers, as the embedded one does.
  private func requireController(timeoutMilliseconds: Int32) throws(KafkaError) {
    _ = try topics(timeoutMilliseconds: timeoutMilliseconds)
    let controller = unsafe rd_kafka_controllerid(client.pointer, timeoutMilliseconds)
    var metadata: UnsafePointer<rd_kafka_metadata>?
    let code = unsafe rd_kafka_metadata(client.pointer, 0, nil, &metadata, timeoutMilliseconds)
    guard let metadata = unsafe metadata else { throw KafkaError(code: KafkaError.Code(code)) }
    defer { unsafe rd_kafka_metadata_destroy(metadata) }
    let count = unsafe Int(metadata.pointee.broker_cnt)
    for index in 0..<count where unsafe metadata.pointee.brokers[index].id == controller { return }
    throw KafkaError(
      code: .unsupportedFeature, class: .other,
      message: "the cluster does not take requests about its topics",
      hint: "create and inspect topics by the cluster's own tools",
      cause: "broker \(controller), its controller, is not among its brokers")
  }
}

extension ClientHandle {
  /// Every topic that this user may see, by one request. For any kind of client; serves none of its queues.
  func describeTopics(timeoutMilliseconds: Int32) throws(KafkaError) -> [String: TopicDescription] {
    var metadata: UnsafePointer<rd_kafka_metadata>?
    let code = unsafe rd_kafka_metadata(pointer, 1, nil, &metadata, timeoutMilliseconds)
    guard let metadata = unsafe metadata else { throw KafkaError(code: KafkaError.Code(code)) }
    defer { unsafe rd_kafka_metadata_destroy(metadata) }
    return unsafe Admin.describe(metadata)
  }
}

extension KafkaError {
  /// Whether the brokers were there and said no: waiting will not help.
  public var isRefusal: Bool {
    switch code {
    case .authentication, .saslAuthenticationFailed, .unsupportedMechanism, .ssl, .topicAuthorizationFailed,
      .groupAuthorizationFailed, .clusterAuthorizationFailed, .transactionalIDAuthorizationFailed:
      true
    default: false
    }
  }
}
