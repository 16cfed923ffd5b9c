import Pipeline

/// How the brokers must keep the topics that state depends on.
enum TopicPolicy {
  /// Anything but compaction loses users, and deletion beside it loses those who are quiet.
  static func checkState(_ topic: String, _ policy: String) throws(PipelineError) {
    guard names(in: policy) != ["compact"] else { return }
    throw PipelineError(
      .configuration,
      "topic \(topic) holds the state and its cleanup.policy is \(policy): users would be lost",
      hint:
        "set its cleanup.policy to exactly compact (kafka-configs.sh --alter --entity-type topics --entity-name "
        + "\(topic) --add-config cleanup.policy=compact)")
  }

  /// What compaction takes out of the input is missing when it is read again.
  static func checkInput(_ topic: String, _ policy: String) throws(PipelineError) {
    guard names(in: policy).contains("compact") else { return }
    throw PipelineError(
      .configuration,
      "topic \(topic) is the input and its cleanup.policy is \(policy): events would be missing",
      hint:
        "set its cleanup.policy to delete, with a retention.ms longer than any outage that is to be survived")
  }

  private static func names(in policy: String) -> [String] {
    policy.split(separator: ",").map { String($0.trimmingSpaces) }
  }
}

extension Substring {
  fileprivate var trimmingSpaces: Substring {
    var text = self
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return text
  }
}

/// What the state topic is created with.
extension NewTopic {
  /// - Parameter partitions: the input's.
  public static func state(_ name: String, partitions: Int, replicas: Int? = nil) -> NewTopic {
    NewTopic(
      name: name, partitions: partitions, replicas: replicas,
      configuration: [
        "cleanup.policy": "compact",
        // Users are written again and again: cleaned soon, in segments small enough to be rewritten often, so that a
        // recovery reads little more than one record a user.
        "min.cleanable.dirty.ratio": "0.3", "segment.bytes": "134217728", "segment.ms": "3600000",
        // A snapshot is good for half of this, since it cannot know of tombstones that are gone.
        "delete.retention.ms": "259200000",
      ])
  }
}
