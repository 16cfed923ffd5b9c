/// What may not be passed through to librdkafka, and why. Everything else may.
enum KafkaProperties {
  /// Properties whose values are secrets: never inline.
  static let secretNames = [
    "sasl.oauthbearer.client.secret", "sasl.password", "ssl.key.password", "ssl.key.pem",
    "ssl.keystore.password",
  ]

  static func isSecret(_ name: String) -> Bool {
    secretNames.contains(name)
  }

  static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 100
      && text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || "._".utf8.contains($0) }
  }

  static func inlineSecret(_ name: String) -> String {
    "\(name) is a secret and does not stand in this file; write kafka.secrets: "
      + "{\(name): {file: /path}} or {credential: name}"
  }

  /// A property that is refused whatever its value, or unless `allowed` accepts the value.
  struct Refusal: Sendable {
    let names: [String]
    /// What may be written, for the reference; empty: nothing.
    let unless: String
    let allowed: @Sendable (String) -> Bool
    /// Completes "<property> …".
    let why: String

    init(
      _ names: String..., unless: String = "", why: String,
      allowed: @escaping @Sendable (String) -> Bool = { _ in false }
    ) {
      self.names = names
      self.unless = unless
      self.allowed = allowed
      self.why = why
    }
  }

  /// Completes "<property> …"; nil: may be passed through.
  static func refusal(_ name: String, value: String) -> String? {
    if name.hasSuffix("_cb") || name == "opaque" || name == "default_topic_conf" {
      return "is a pointer in a program and cannot be set from a file; remove it"
    }
    guard let refusal = refusals.first(where: { $0.names.contains(name) }), !refusal.allowed(value) else {
      return nil
    }
    return refusal.unless.isEmpty ? refusal.why : "\(refusal.why); write \(refusal.unless), or remove it"
  }

  private static func number(_ text: String, in range: ClosedRange<Int>) -> Bool {
    Int(text).map(range.contains) ?? false
  }

  static let refusals: [Refusal] = [
    Refusal("bootstrap.servers", "metadata.broker.list", why: "has its own option: write kafka.brokers"),
    Refusal("group.id", why: "has its own option: write kafka.group"),
    Refusal("group.instance.id", why: "has its own option: write kafka.instance"),
    Refusal(
      "enable.auto.commit", "auto.commit.enable", "auto.commit.interval.ms", "enable.auto.offset.store",
      "offset.store.method", "offset.store.path", "offset.store.sync.interval.ms",
      why:
        "would commit offsets before their alerts are acknowledged, and a crash would lose alerts; remove it"),
    Refusal(
      "auto.offset.reset", why: "would skip or repeat records silently; write start and when_offset_lost"),
    Refusal(
      "isolation.level",
      why: "is set by Ebb: records of aborted transactions never happened; remove it"),
    Refusal(
      "enable.partition.eof",
      why: "is set by Ebb: without it a quiet partition cannot be told from a broken one; remove it"),
    Refusal(
      "partition.assignment.strategy", unless: "range or roundrobin",
      why: "may not be cooperative: librdkafka loops, hangs at close or loses assignments with it before 2.10"
    ) { value in
      value.split(separator: ",").map { $0.filter { $0 != " " } }.allSatisfy {
        ["range", "roundrobin"].contains($0)
      } && !value.isEmpty
    },
    Refusal("client.rack", why: "crashes librdkafka before 2.1.1; remove it"),
    Refusal(
      "group.protocol", unless: "classic", why: "changes who assigns partitions, which Ebb does not follow"
    ) { $0 == "classic" },
    Refusal(
      "transactional.id", "transaction.timeout.ms",
      why: "has no effect yet: delivery is at-least-once in this release; remove it"),
    Refusal(
      "enable.idempotence", unless: "true", why: "keeps retries from repeating and reordering alerts"
    ) { ["true", "1", "t", "yes"].contains($0) },
    Refusal(
      "acks", "request.required.acks", unless: "all",
      why: "below all would acknowledge alerts that a broker's crash can lose"
    ) { ["all", "-1"].contains($0) },
    Refusal(
      "max.in.flight.requests.per.connection", "max.in.flight", unless: "1 to 5",
      why: "above 5 cannot be kept in order"
    ) { number($0, in: 1...5) },
    Refusal(
      "message.send.max.retries", "retries", unless: "1 or more",
      why: "is how an alert survives a broker's restart"
    ) { number($0, in: 1...Int(Int32.max)) },
    Refusal(
      "message.timeout.ms", "delivery.timeout.ms", unless: "1000 to 300000",
      why: "decides how long an unreachable broker holds the input back before the process says so and ends"
    ) { number($0, in: 1000...300_000) },
    Refusal(
      "delivery.report.only.error",
      why: "would leave alerts unacknowledged, and their offsets uncommitted; remove it"),
    Refusal(
      "partitioner", unless: "murmur2_random",
      why: "places alerts as the Java client does, so that consumers can join by key"
    ) { $0 == "murmur2_random" },
    Refusal(
      "allow.auto.create.topics", unless: "false",
      why:
        "would create a mistyped topic with the broker's partition count; ebbd topics creates what is needed"
    ) { ["false", "0", "f", "no"].contains($0) },
    Refusal(
      "test.mock.num.brokers", "test.mock.broker.rtt",
      why: "replaces the cluster by an empty one; use ebbd demo"),
  ]
}
