import Pipeline

/// Looks at the cluster before anything is started on it: whether it can be reached, lets this user in, and has the
/// topics as they must be.
public enum Preflight {
  /// What a preflight is to look at.
  public struct Topics: Sendable, Hashable {
    public var input: String
    /// Compacted, with the input's number of partitions.
    public var state: String
    /// Only have to be there.
    public var outputs: [String]

    public init(input: String, state: String, outputs: [String]) {
      self.input = input
      self.state = state
      self.outputs = outputs
    }

    var all: [String] { [input] + outputs + [state] }
  }

  /// As the other `run`, and checks besides that the state topic fits the input.
  ///
  /// How the topics are kept is looked at where the brokers tell (the embedded one does not, and a user needs
  /// DescribeConfigs on the topics).
  public static func run(
    properties: ClientProperties, topics: Topics, callbacks: ClientCallbacks = .init(),
    patienceMilliseconds: Int64? = nil, notice: (KafkaNotice) -> Void, stop: () -> Bool = { false }
  ) throws(PipelineError) -> [String: TopicDescription]? {
    let found = try run(
      properties: properties, topics: topics.all, callbacks: callbacks,
      patienceMilliseconds: patienceMilliseconds, notice: notice, stop: stop)
    guard let found else { return nil }
    try checkCounts(topics, in: found)
    let admin = try endingLane { () throws(KafkaError) in
      try Admin(properties: properties, callbacks: callbacks)
    }
    if let policy = policy(of: topics.state, admin, notice) {
      try TopicPolicy.checkState(topics.state, policy)
    }
    if let policy = policy(of: topics.input, admin, notice) {
      try TopicPolicy.checkInput(topics.input, policy)
    }
    return found
  }

  /// A user's place follows from the number of partitions, and his state stands in the partition of the same number.
  static func checkCounts(_ topics: Topics, in found: [String: TopicDescription]) throws(PipelineError) {
    guard let input = found[topics.input]?.partitions, let state = found[topics.state]?.partitions,
      input != state
    else { return }
    throw .partitionCounts(input: input, state: state)
  }

  /// The topic's `cleanup.policy`; nil: the brokers do not tell.
  private static func policy(
    of topic: String, _ admin: borrowing Admin, _ notice: (KafkaNotice) -> Void
  ) -> String? {
    do throws(KafkaError) {
      return try admin.configuration(ofTopic: topic, timeoutMilliseconds: 5_000)["cleanup.policy"]
    } catch {
      if error.code != .unsupportedFeature {
        notice(
          KafkaNotice(
            .info,
            "the brokers do not tell how topic \(topic) is kept (\(error.message)): its cleanup.policy was not checked"
          ))
      }
      return nil
    }
  }

  /// Waits until the brokers answer, and checks that the topics are there.
  ///
  /// Brokers that cannot be reached are waited for, with a notice at once and then every minute.
  ///
  /// - Parameters:
  ///   - patienceMilliseconds: how long brokers that cannot be reached are waited for; nil: for ever.
  ///   - stop: asked several times a second whether to give up.
  /// - Returns: the topics; nil if stopped.
  /// - Throws: the brokers refuse this user, a topic is missing or without partitions, or the patience has run out.
  public static func run(
    properties: ClientProperties, topics names: [String], callbacks: ClientCallbacks = .init(),
    patienceMilliseconds: Int64? = nil, notice: (KafkaNotice) -> Void, stop: () -> Bool = { false }
  ) throws(PipelineError) -> [String: TopicDescription]? {
    for warning in LibraryVersion.current.warnings(for: properties) { notice(KafkaNotice(.warning, warning)) }
    let admin = try endingLane { () throws(KafkaError) in
      try Admin(properties: properties, callbacks: callbacks)
    }
    let began = ContinuousClock.now
    var repeated = RepeatedNotices()
    while !stop() {
      do throws(KafkaError) {
        let topics = try admin.topics(timeoutMilliseconds: 2_000)
        if repeated.clear() { notice(KafkaNotice(.info, "the brokers answer now")) }
        try check(names, in: topics)
        return topics
      } catch {
        guard error.class == .retriable else { throw PipelineError(error) }
        if let patienceMilliseconds, began + .milliseconds(patienceMilliseconds) <= .now {
          throw PipelineError(error)
        }
        if repeated.mayTell(error.code) { notice(KafkaNotice(.warning, "\(error); trying again")) }
        pause(milliseconds: 250)
      }
    }
    return nil
  }

  /// One error for everything that is missing, so that it can be put right at once.
  private static func check(_ names: [String], in topics: [String: TopicDescription]) throws(KafkaError) {
    let missing = names.filter { topics[$0] == nil }
    if !missing.isEmpty {
      let list = missing.map { "topic \($0)" }.joined(separator: ", ")
      throw KafkaError(
        code: .unknownTopicOrPartition, class: .other,
        message: "\(list): not in the cluster, or not visible to this user",
        hint: "create what is missing (`ebbd topics --create` does), correct the name in the configuration, "
          + "or grant this user Describe on it")
    }
  }
}
