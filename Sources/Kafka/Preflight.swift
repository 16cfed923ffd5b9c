import Pipeline

/// Looks at the cluster before anything is started on it: whether it can be reached, lets this user in, and has the
/// topics.
public enum Preflight {
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
