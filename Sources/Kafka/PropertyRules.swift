// What we set where the operator sets nothing, and what nobody may set otherwise. The operator is told which
// properties are refused, and why, where the configuration is read.
extension ClientProperties {
  /// For every client. Brokers that vanish without a word are noticed within the socket timeout, which must be
  /// well below the time after which a quiet partition ticks.
  static let forEveryClient = ClientProperties([
    "client.id": "ebbd",
    "socket.nagle.disable": "true",
    "socket.keepalive.enable": "true",
    "socket.timeout.ms": "10000",
    "socket.connection.setup.timeout.ms": "10000",
    "reconnect.backoff.ms": "100",
    "reconnect.backoff.max.ms": "5000",
    "log.connection.close": "false",
    "topic.metadata.refresh.interval.ms": "60000",
  ])

  /// What an operator may change.
  static let consumerDefaults = ClientProperties([
    "partition.assignment.strategy": "range",
    "session.timeout.ms": "45000",
    "max.poll.interval.ms": "300000",
    // About 1 MB instead of 50: half the CPU per message, since the pages of a fetch are used again.
    "fetch.max.bytes": "1048576",
    "max.partition.fetch.bytes": "1048576",
    "fetch.wait.max.ms": "100",
    // Below 2.2.0 a partition with more waiting than this is not asked for again for up to a second: with 10,000 a
    // lane that catches up stood still most of the time. What bounds the memory is the number of bytes.
    "queued.min.messages": "1000000",
    "queued.max.messages.kbytes": "16384",
  ])

  /// How much a consumer may hold ready, of a process that has so much memory: a sixty-fourth of it for all of them, since
  /// the client takes some 400 bytes for a record beside what is counted here, four times as much as a small record; and
  /// 16 MiB each at most, which is as fast as any more. A partition brings a sixteenth of that at a time: brokers look at
  /// the bound of a whole answer only between partitions, if at all. To be overridden by what the operator says.
  public static func queue(ofMemory bytes: Int64, consumers: Int) -> ClientProperties {
    let kibibytes = min(max(bytes / Int64(64 * max(consumers, 1)) / 1_024, 1_024), 16_384)
    return ClientProperties([
      "queued.max.messages.kbytes": "\(kibibytes)",
      "max.partition.fetch.bytes": "\(kibibytes * 1_024 / 16)",
    ])
  }

  /// How soon a full queue is looked at again, where the library lets that be said; below it `FetchNudge` serves.
  static func fetching(with version: LibraryVersion) -> ClientProperties {
    version < LibraryVersion(major: 2, minor: 2, revision: 0)
      ? ClientProperties([:]) : ClientProperties(["fetch.queue.backoff.ms": "20"])
  }

  /// What nobody may change.
  static let consumerInvariants = ClientProperties([
    "enable.auto.commit": "false",
    "enable.auto.offset.store": "false",
    "auto.offset.reset": "error",
    "enable.partition.eof": "true",
    "allow.auto.create.topics": "false",
    "isolation.level": "read_committed",
  ])

  static let producerDefaults = ClientProperties([
    "linger.ms": "5",
    // The one codec that every client reads without a further library: alerts are for whoever subscribes.
    "compression.type": "gzip",
    "retry.backoff.ms": "10",
    // More than a consumer takes (receive.message.max.bytes): what could be read can be written as a dead letter.
    // What the topic takes is the brokers' to say.
    "message.max.bytes": "134217728",
  ])

  /// Of the state topic, which nobody but us reads: half the processor time of flushing everybody, which gzip takes
  /// most of. An operator's own `compression.type` stands for all topics.
  static let stateCompression = "lz4"

  static let producerInvariants = ClientProperties([
    "enable.idempotence": "true",
    "acks": "all",
    "partitioner": "murmur2_random",
  ])
}
