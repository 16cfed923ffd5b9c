import ArgumentParser

@main
struct Ebbd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ebbd",
    abstract: "Watches a shop's clickstream in Kafka and warns of abandoned carts and drifting customers.",
    version: "0.1.0",
    subcommands: [
      RunCommand.self, DemoCommand.self, ReplayCommand.self, ValidateCommand.self, ReferenceCommand.self,
      TopicsCommand.self, StatusCommand.self, UserCommand.self, StateCommand.self, BenchReplayCommand.self,
    ])
}
