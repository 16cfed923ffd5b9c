import Events

extension OptionTable {
  private static func option<Value: Sendable>(
    _ path: String, _ field: WritableKeyPath<Configuration, Value> & Sendable, _ kind: Kind<Value>,
    _ application: Option.Application, decidesResults: Bool = false, _ reason: String
  ) -> Option {
    Option(path, field, kind, application, decidesResults: decidesResults, reason)
  }

  /// The cluster, its topics, and how they are read.
  static let serviceOptions: [Option] = [
    option(
      "kafka.brokers", \.kafka.brokers, .list(.broker, count: 1...100), .restart,
      "Where to ask for the cluster first; two or three are enough, the rest is learned from them."),
    option(
      "kafka.group", \.kafka.group, .identifier, .restart,
      "Consumer group. Processes with the same group share the partitions; another group reads all again."),
    option(
      "kafka.instance", \.kafka.instance, .or("auto", .identifier), .restart,
      "Name of this process within the group (group.instance.id), so that a restart gets its partitions back "
        + "without a rebalance. auto takes the host's name; two processes on one host need a name each."),
    option(
      "kafka.properties", \.kafka.properties, .kafkaProperties, .restart,
      "Any librdkafka property, such as security.protocol, sasl.mechanism, sasl.username or ssl.ca.location. "
        + "Those that would break delivery are refused with the reason."),
    option(
      "kafka.secrets", \.kafka.secrets, .secrets, .restart,
      "Properties that are secret, such as sasl.password: {file: /etc/ebb/sasl-password}, or {credential: "
        + "name} "
        + "for a systemd credential. Read at start, never printed."),

    option(
      "topics.input", \.topics.input, .topic, .restart,
      "The clickstream. Must be partitioned by user: a user's events in one partition."),
    option(
      "topics.cart_alerts", \.topics.cartAlerts, .topic, .restart,
      "Where cart alerts go, keyed by user."),
    option(
      "topics.churn_alerts", \.topics.churnAlerts, .topic, .restart,
      "Where churn alerts go, keyed by user."),
    option(
      "topics.dead_letters", \.topics.deadLetters, .topic, .restart,
      "Where records go that cannot be read, unchanged, with the reason in their headers."),

    option(
      "input.mapping", \.input.mapping, .mapping, .reload, decidesResults: true,
      "How records become events: the name of a preset, or the path of a mapping file, relative to this "
        + "one."),
    option(
      "input.max_record_bytes", \.input.maxRecordBytes, .integer(1024...64 << 20, unit: "bytes"), .reload,
      decidesResults: true,
      "A larger record is a dead letter before it is parsed, so that one of them cannot hold up the rest."),

    option(
      "start", \.start, .startPosition, .restart,
      "Where a group without committed offsets begins. earliest builds portraits from what the topic keeps; "
        + "alerts.max_age keeps that history from being mailed."),
    option(
      "when_offset_lost", \.whenOffsetLost, .choice(), .restart,
      "What to do when the committed offset is no longer in the topic. stop ends the process and says so, "
        + "since "
        + "events are gone; earliest goes on from the oldest record, latest skips what is there."),
    option(
      "lanes", \.lanes, .lanes, .restart,
      "Threads that each read their own partitions. auto is one a core; more than partitions have nothing "
        + "to do."
    ),
    option(
      "delivery", \.delivery,
      .choice(hints: ["exactly-once": "exactly-once is the next release's; write at-least-once"]), .restart,
      "After a crash an alert can come twice, with the same id; none is lost."),
    option(
      "commit.min_interval", \.commit.minIntervalMilliseconds, .duration(1...Milliseconds.second), .reload,
      "Offsets are committed no more often than this, so that the broker is not asked for every record."),
    option(
      "commit.max_interval", \.commit.maxIntervalMilliseconds,
      .duration(10...Milliseconds.minute), .reload,
      "Offsets are committed at least this often while records come in: about what a crash repeats."),
  ]

  /// What the program says of alerts and of itself.
  static let outputOptions: [Option] = [
    option(
      "log.level", \.log.level, .choice(), .reload,
      "The least important line that is written."),
    option(
      "log.format", \.log.format, .choice(), .reload,
      "auto writes for the journal if that is where stderr goes, else for people, with the time."),
  ]
}
