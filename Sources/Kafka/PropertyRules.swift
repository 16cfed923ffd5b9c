// Properties that would break delivery, with the reason; and what we set where the operator sets nothing.
extension ClientProperties {
  /// A pass-through property that is refused.
  public struct Refusal: Sendable, Hashable {
    public var property: String
    /// A sentence that says why and what to do instead.
    public var reason: String
  }

  private static let refused: [String: String] = [
    "group.id": "the group has its own option",
    "group.instance.id": "the instance has its own option, and is part of every lane's name",
    "enable.auto.commit": "offsets are committed only after what they cover is acknowledged",
    "auto.commit.interval.ms": "offsets are committed only after what they cover is acknowledged",
    "enable.auto.offset.store": "offsets are committed only after what they cover is acknowledged",
    "auto.offset.reset": "the start position and the policy for a lost offset have their own options",
    "auto.commit.enable": "offsets are committed only after what they cover is acknowledged",
    "enable.partition.eof": "the end of a partition must be seen, or quiet partitions could not tick",
    "isolation.level": "the input is read at one level throughout",
    "client.rack": "librdkafka before 2.1.1 crashes with it",
    "allow.auto.create.topics": "topics are created by `ebbd topics --create`, with the right partitions",
    "enable.idempotence": "without it records could be doubled or reordered",
    "acks": "a record is safe only when all replicas in sync have it",
    "request.required.acks": "a record is safe only when all replicas in sync have it",
    "message.send.max.retries": "a record is sent until it is acknowledged or refused for good",
    "retries": "a record is sent until it is acknowledged or refused for good",
    "message.timeout.ms": "a record is sent until it is acknowledged or refused for good",
    "delivery.timeout.ms": "a record is sent until it is acknowledged or refused for good",
    "transactional.id": "it is made from group, instance and lane",
    "partitioner": "alerts are partitioned as the Java client does, so that consumers can join by key",
    "delivery.report.only.error": "every acknowledgement is counted",
    "test.mock.num.brokers": "it would replace the cluster by an imitation",
    "plugin.library.paths": "it loads foreign code into the daemon",
    "log.queue": "logs are taken from the library directly",
    "internal.termination.signal": "the library stops without it",
  ]

  /// Which of these may not be passed through, in order of name.
  public func refusals() -> [Refusal] {
    var refusals: [Refusal] = []
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      if let reason = Self.refused[name] {
        refusals.append(Refusal(property: name, reason: "\(name) cannot be set: \(reason)"))
      } else if name == "partition.assignment.strategy", value.contains("cooperative") {
        refusals.append(
          Refusal(
            property: name,
            reason: "\(name) cannot be \(value): cooperative assignment loops or loses partitions in "
              + "librdkafka before 2.10; use range or roundrobin"))
      } else if name == "max.in.flight" || name == "max.in.flight.requests.per.connection",
        Int(value).map({ $0 > 5 }) ?? true
      {
        refusals.append(
          Refusal(property: name, reason: "\(name) cannot be above 5: records could be reordered"))
      }
    }
    return refusals
  }

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
    "queued.min.messages": "10000",
    "queued.max.messages.kbytes": "16384",
  ])

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

  static let producerInvariants = ClientProperties([
    "enable.idempotence": "true",
    "acks": "all",
    "partitioner": "murmur2_random",
  ])
}
