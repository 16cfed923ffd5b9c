import Kafka

/// What a line of standard input can ask for.
enum Order {
  /// One of each kind.
  static let help = """
    leader TOPIC PARTITION BROKER  moves a partition's leader to a broker (1, 2, …); none: it has none
    coordinator GROUP BROKER       moves the coordinator of a consumer group
    round-trip MILLISECONDS        delays every answer by so much
    """

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
      default: break
      }
    } catch {
      return "error: \(line): \(error)"
    }
    return "error: \(line): expected one of\n\(help)"
  }
}
