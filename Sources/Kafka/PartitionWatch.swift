import Pipeline

/// Looks every minute whether input and state topic still have the same number of partitions: as soon as they have
/// not, users' records go where their state is not, and only stopping helps.
public final class PartitionWatch: Sendable {
  private let worker = Worker()
  private let everyMilliseconds: Int

  public init(everyMilliseconds: Int = 60_000) { self.everyMilliseconds = everyMilliseconds }

  /// Starts looking, on a thread of its own.
  ///
  /// - Parameter onUnequal: called once, on that thread; nothing is looked at afterwards.
  public func start(
    properties: ClientProperties, topics: Preflight.Topics, callbacks: ClientCallbacks = .init(),
    onUnequal: @escaping @Sendable (PipelineError) -> Void
  ) {
    worker.start { [self] in
      while true {
        worker.waitForWork(milliseconds: everyMilliseconds)
        if worker.isStopping { return }
        do throws(PipelineError) {
          try Self.look(properties, topics, callbacks)
        } catch {
          return onUnequal(error)
        }
      }
    }
  }

  public func stop() { worker.stop(withinMilliseconds: 0) }

  /// A client for each look: it is done in a moment, and an idle connection of its own would be for nothing. Brokers
  /// that do not answer say nothing about partitions.
  private static func look(
    _ properties: ClientProperties, _ topics: Preflight.Topics, _ callbacks: ClientCallbacks
  ) throws(PipelineError) {
    var found: [String: TopicDescription] = [:]
    do throws(KafkaError) {
      let admin = try Admin(properties: properties, callbacks: callbacks)
      found = try admin.topics(timeoutMilliseconds: 5_000)
    } catch {
      return
    }
    try Preflight.checkCounts(topics, in: found)
  }
}
