import Events

extension OptionTable {
  private static func option<Value: Sendable>(
    _ path: String, _ field: WritableKeyPath<Configuration, Value> & Sendable, _ kind: Kind<Value>,
    _ application: Option.Application, decidesResults: Bool = false, _ reason: String
  ) -> Option {
    Option(path, field, kind, application, decidesResults: decidesResults, reason)
  }

  private static let second = Milliseconds.second

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
        + "without a rebalance. auto takes the host's name, and under ebbd@.service the instance's with "
        + "it; two other processes on one host need a name each."),
    option(
      "kafka.transaction_timeout", \.kafka.transactionTimeoutMilliseconds,
      .duration(5 * second...60 * second),
      .restart,
      "After this the brokers abort a transaction whose writer has gone. Readers with read_committed, and whoever "
        + "takes its partitions over, wait as long at most; a restart under the same instance does not wait."),
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
      "kafka.token", \.kafka.token, .orOff(.tokenFile), .restart,
      "For sasl.mechanism OAUTHBEARER: {file: /run/ebb/token}, a JWT that something else renews there. Read at start "
        + "and again before it runs out; while it is missing or has run out, ebbd says so and goes on trying."
    ),

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
      "topics.state", \.topics.state, .topic, .restart,
      "Where users' state is kept, keyed by user. cleanup.policy must be exactly compact, and the number of "
        + "partitions the input's."),

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
      "delivery", \.delivery, .choice(), .restart,
      "exactly-once writes alerts, state and offsets in transactions, so that consumers with read_committed "
        + "see every alert once; it needs a cluster with transactions and the state topic. at-least-once "
        + "writes in the same order without them: after a crash an alert can come twice, with the same id; "
        + "none is lost."),
    option(
      "commit.min_interval", \.commit.minIntervalMilliseconds, .duration(1...Milliseconds.second), .reload,
      "An alert that waits closes a cut at once, but no sooner than this after the last one, so that the brokers "
        + "are not asked to commit for every alert."),
    option(
      "commit.max_interval", \.commit.maxIntervalMilliseconds,
      .duration(10...Milliseconds.minute), .reload,
      "A cut closes at least this often while records come in, with or without alerts, so that little is read "
        + "again after a crash."),
    option(
      "commit.max_bytes", \.commit.maxBytes, .integer(64 << 10...64 << 20, unit: "bytes"), .reload,
      "A cut closes when what it writes has reached this, so that no transaction is long and the memory for it "
        + "is bounded."),
  ]

  /// What the program says of alerts and of itself.
  static let outputOptions: [Option] = [
    option(
      "memory.max", \.memory.maxBytes, .or("auto", .integer(64 << 20...1 << 50, unit: "bytes")), .reload,
      "At 70 % of it a warning is logged, from 80 % on input is held back, and from 90 % on nothing is read, until there "
        + "is room again; no user is dropped. auto is nine tenths of what the control group allows (MemoryMax= of the "
        + "unit), and three quarters of the machine's memory at most."),
    option(
      "http.listen", \.http.listen, .orOff(.listenAddress), .restart,
      "Where it is served. Whoever reaches it can look at every user, so by default only this machine can; another "
        + "address wants a token, or a proxy that asks for one. Two instances on one machine need a port each; port 0 "
        + "takes any, and the log tells which."),
    option(
      "http.token", \.http.token, .orOff(.secretSource), .restart,
      "What requests must bring as Authorization: Bearer, {file: /etc/ebb/http-token} or {credential: name}; "
        + "/healthz and /readyz need none. Read at start, never printed."),
    option(
      "http.names", \.http.names, .list(.hostName, count: 0...20), .restart,
      "Names by which it is asked for, beside localhost and addresses: a request for any other is refused, so that no "
        + "web page can have a browser here read it (DNS rebinding)."),
    option(
      "http.ready_lag", \.http.readyLag, .integer(1...1_000_000_000, unit: "records"), .restart,
      "/readyz says no while a partition is further behind than this."),
    option(
      "log.level", \.log.level, .choice(), .reload,
      "The least important line that is written."),
    option(
      "log.format", \.log.format, .choice(), .reload,
      "auto writes for the journal if that is where stderr goes, else for people, with the time."),
    option(
      "privacy.user_ids", \.privacy.userIDs, .choice(), .restart,
      "hashed names users in the log, on HTTP and in ebbd's own output by a keyed hash (HMAC-SHA-256) of their ids; "
        + "whoever knows an id can still look it up. Alerts, dead letters and state carry ids as they are."),
    option(
      "privacy.key", \.privacy.key, .orOff(.secretSource), .restart,
      "The key of the hash, {file: /etc/ebb/privacy-key} or {credential: name}, at least 16 bytes; under another key "
        + "every user gets another name. Read at start, never printed."),
  ]
}
