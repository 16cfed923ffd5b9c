/// What may not be passed through to librdkafka, and why. Everything else may.
enum KafkaProperties {
  /// The usual properties whose values are secrets, for messages; `isSecret` is what decides.
  static let secretNames = [
    "sasl.oauthbearer.client.secret", "sasl.password", "ssl.key.password", "ssl.key.pem",
    "ssl.keystore.password",
  ]

  /// Whether a property's value must not stand in the file.
  static func isSecret(_ name: String) -> Bool {
    let name = name.lowercased()
    return ["password", "secret", "key.pem", "jaas"].contains { name.contains($0) }
      || name.hasSuffix(".token")
      || name == "sasl.oauthbearer.config"
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
        "would commit offsets before their alerts are acknowledged, and a crash would lose alerts; remove "
        + "it"),
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
    Refusal("transaction.timeout.ms", why: "has its own option: write kafka.transaction_timeout"),
    Refusal(
      "transactional.id",
      why:
        "is made from group, instance and lane, so that a restart ends what its predecessor left open; remove "
        + "it"),
    Refusal(
      "enable.idempotence",
      why: "is always on: without it retries could repeat and reorder alerts; remove it"),
    Refusal(
      "acks", "request.required.acks",
      why: "is always all: an alert is safe only when every replica in sync has it; remove it"),
    Refusal(
      "max.in.flight.requests.per.connection", "max.in.flight", unless: "1 to 5",
      why: "above 5 cannot be kept in order"
    ) { number($0, in: 1...5) },
    Refusal(
      "message.timeout.ms", "delivery.timeout.ms",
      why:
        "is set by Ebb: a record is sent for as long as its transaction may last, or without transactions until "
        + "it is acknowledged; write kafka.transaction_timeout"),
    Refusal(
      "message.send.max.retries", "retries",
      why: "is set by Ebb: an alert is sent until it is acknowledged or refused for good; remove it"),
    Refusal(
      "delivery.report.only.error",
      why: "would leave alerts unacknowledged, and their offsets uncommitted; remove it"),
    Refusal(
      "partitioner",
      why: "is always murmur2_random, as the Java client's, so that consumers can join by key; remove it"),
    Refusal(
      "allow.auto.create.topics",
      why: "would create a mistyped topic; ebbd topics creates what is needed, so remove it"),
    Refusal(
      "test.mock.num.brokers", "test.mock.broker.rtt",
      why: "replaces the cluster by an imitation; use ebbd demo"),
    Refusal("plugin.library.paths", why: "loads foreign code into the daemon; remove it"),
    Refusal(
      "log.queue", "internal.termination.signal", why: "is set by Ebb; remove it"),
  ]
}
