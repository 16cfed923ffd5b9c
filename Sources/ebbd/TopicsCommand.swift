import ArgumentParser
import Kafka
import Settings

/// `ebbd topics`: checks the topics that a configuration needs, and creates what is missing if asked to.
struct TopicsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "topics",
    abstract: "Checks the topics that Ebb reads and writes, and creates those that are missing.",
    discussion: """
      One line a topic: what it is for, its name, and what it has. The state topic is created compacted, with as many \
      partitions as the input has. The exit code is 0 if all are there or have been \
      created, and 1 otherwise.
      """)

  @ArgumentParser.Option(name: .shortAndLong, help: "The configuration file.")
  var config = Settings.Configuration.defaultPath

  @Flag(help: "Create the topics that are missing.")
  var create = false

  @ArgumentParser.Option(
    help:
      "Partitions of topics to create. The input's bound how many lanes can share the work; they should not change later."
  )
  var partitions = 6

  @ArgumentParser.Option(help: "Replicas of topics to create; the brokers' default if not given.")
  var replicas: Int?

  @ArgumentParser.Option(help: "How long to wait for the brokers, seconds.")
  var timeout = 10

  func validate() throws {
    guard (1...100_000).contains(partitions) else {
      throw ValidationError("--partitions must be 1 to 100000")
    }
    if let replicas, !(1...100).contains(replicas) { throw ValidationError("--replicas must be 1 to 100") }
    guard (1...600).contains(timeout) else { throw ValidationError("--timeout must be 1 to 600 seconds") }
  }

  func run() throws {
    let loaded = try LoadedConfiguration(path: config, command: "topics")
    do {
      let properties = try loaded.clientProperties()
      let admin = try Admin(properties: properties)
      let milliseconds = Int32(timeout) * 1_000
      let there = try admin.topics(timeoutMilliseconds: milliseconds)
      var created: [String: KafkaError?] = [:]
      let needed = Self.needed(loaded.configuration.topics)
      if create {
        let missing = Set(needed.map(\.name)).filter { there[$0] == nil }.sorted()
        created = try admin.create(
          missing.map { topic($0, loaded.configuration.topics, there) }, timeoutMilliseconds: milliseconds)
      }
      var complete = true
      for topic in needed {
        var (line, good) = report(topic, there: there[topic.name], created: created[topic.name])
        if topic.name == loaded.configuration.topics.state, let state = there[topic.name],
          let input = there[loaded.configuration.topics.input], state.partitions != input.partitions
        {
          line +=
            "; the input has \(input.partitions): the numbers must be equal, so give it another name, or "
            + "delete it and create it anew"
          good = false
        }
        print(line)
        complete = complete && good
      }
      if !complete { throw ExitCode.failure }
    } catch let error as ExitCode {
      throw error
    } catch {
      throw Console.failure("topics", error)
    }
  }

  private static func needed(_ topics: TopicSettings) -> [(purpose: String, name: String)] {
    [
      ("input", topics.input), ("cart alerts", topics.cartAlerts), ("churn alerts", topics.churnAlerts),
      ("dead letters", topics.deadLetters), ("state", topics.state),
    ]
  }

  /// A topic as it is to be created. The state topic has the input's partitions, whatever those are.
  private func topic(
    _ name: String, _ topics: TopicSettings, _ there: [String: TopicDescription]
  ) -> NewTopic {
    guard name == topics.state else {
      return NewTopic(name: name, partitions: partitions, replicas: replicas)
    }
    return .state(name, partitions: there[topics.input]?.partitions ?? partitions, replicas: replicas)
  }

  /// The line for one topic, and whether all is well with it.
  private func report(
    _ topic: (purpose: String, name: String), there: TopicDescription?, created: KafkaError??
  ) -> (String, Bool) {
    let head = "\(topic.purpose): \(topic.name): "
    if let there {
      let size = "\(there.partitions) partitions, \(there.replicas) replicas"
      guard there.leaderless.isEmpty else {
        let list = there.leaderless.map(String.init).joined(separator: ", ")
        return (head + "\(size); without a leader: \(list): bring their brokers back", false)
      }
      return (head + size, true)
    }
    switch created {
    case .none:
      return (head + "missing, or not visible to this user; ebbd topics --create creates it", false)
    case .some(.none): return (head + "created", true)
    // Somebody else was faster.
    case .some(.some(let error)) where error.code == .topicExists: return (head + "exists", true)
    case .some(.some(let error)): return (head + "\(error)", false)
    }
  }
}
