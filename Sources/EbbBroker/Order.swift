import Kafka

/// What a line of standard input can ask for.
enum Order {
  /// One of each kind.
  static let help = """
    leader TOPIC PARTITION BROKER  moves a partition's leader to a broker (1, 2, …); none: it has none
    coordinator GROUP BROKER       moves the coordinator of a consumer group
    round-trip MILLISECONDS        delays every answer by so much
    refuse REQUEST REASON COUNT    fails the next so many requests of a kind (produce, fetch, offset-commit, join-group,
                                   initialize-producer) for want of a right (topic, group, cluster, transactional-id)
    allow REQUEST                  forgets those that have not been made yet
    """

  private static let requests: [String: EmbeddedBroker.Request] = [
    "produce": .produce, "fetch": .fetch, "offset-commit": .offsetCommit, "join-group": .joinGroup,
    "initialize-producer": .initializeProducer,
  ]

  private static let reasons: [String: KafkaError.Code] = [
    "topic": .topicAuthorizationFailed, "group": .groupAuthorizationFailed,
    "cluster": .clusterAuthorizationFailed, "transactional-id": .transactionalIDAuthorizationFailed,
  ]

  /// Requests that one order may fail.
  private static let mostRefusals = 10_000

  /// Does what a line asks for.
  ///
  /// - Returns: the line when it is done, or why it is not.
  static func answer(_ line: String, _ broker: borrowing EmbeddedBroker) -> String {
    let words = line.split(separator: " ").map(String.init)
    do throws(KafkaError) {
      switch words.first {
      case "leader" where words.count == 4:
        guard let partition = Int32(words[2]), words[3] == "none" || Int32(words[3]) != nil else { break }
        try broker.setLeader(of: TopicPartition(words[1], partition), broker: Int32(words[3]))
        return line
      case "coordinator" where words.count == 3:
        guard let number = Int32(words[2]) else { break }
        try broker.setCoordinator(ofGroup: words[1], broker: number)
        return line
      case "round-trip" where words.count == 2:
        guard let milliseconds = Int32(words[1]), milliseconds >= 0 else { break }
        try broker.setRoundTrip(milliseconds: milliseconds)
        return line
      case "refuse" where words.count == 4:
        guard let request = requests[words[1]], let reason = reasons[words[2]], let count = Int(words[3]),
          (1...mostRefusals).contains(count)
        else { break }
        broker.fail(request, with: Array(repeating: reason, count: count))
        return line
      case "allow" where words.count == 2:
        guard let request = requests[words[1]] else { break }
        broker.clearFailures(of: request)
        return line
      default: break
      }
    } catch {
      return "error: \(line): \(error)"
    }
    return "error: \(line): expected one of\n\(help)"
  }
}
