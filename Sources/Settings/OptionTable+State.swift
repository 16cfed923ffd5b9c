import Events

extension OptionTable {
  private static func option<Value: Sendable>(
    _ path: String, _ field: WritableKeyPath<Configuration, Value> & Sendable, _ kind: Kind<Value>,
    _ application: Option.Application, _ reason: String
  ) -> Option {
    Option(path, field, kind, application, decidesResults: false, reason)
  }

  private static let second = Milliseconds.second
  private static let minute = Milliseconds.minute
  private static let hour = Milliseconds.hour
  private static let day = Milliseconds.day

  /// What is remembered of users, and how it survives.
  static let stateOptions: [Option] = [
    Option(
      "state.forget_after", \.rules.state.forgetAfterMilliseconds, .duration(day...1100 * day), .reload,
      decidesResults: true,
      "A user without activity for this long is forgotten. No shorter than any window or limit needs."),
    option(
      "state.flush_after", \.state.flushAfterMilliseconds, .duration(100...hour), .reload,
      "A changed user is written to the state topic after this. Longer writes less, since many changes become "
        + "one record; what is not yet written is read again from the input after a crash."),
    option(
      "state.max_replay", \.state.maxReplayRecords, .integer(1000...100_000_000, unit: "records"), .reload,
      "How much input of a partition a recovery reads again at most; beyond it users are written sooner, and "
        + "input waits for them."),
    option(
      "state.directory", \.state.directory, .orOff(.directory), .restart,
      "Where each partition's state is also kept on this machine, so that a restart reads only what has come "
        + "since. Never needed: what is missing or in doubt there is read from the state topic. off keeps "
        + "nothing."),
    option(
      "state.snapshot_every", \.state.snapshotEveryMilliseconds, .duration(10 * second...day), .reload,
      "How often a partition's state is written there. More often shortens a restart and writes more."),
    option(
      "state.format", \.state.format, .stateFormat, .restart,
      "The format that state is written in. A release also reads the previous one's, and writing that one until "
        + "every process runs the new release keeps the way back open."),
  ]
}
