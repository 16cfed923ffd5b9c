import CRdKafka

/// librdkafka properties by name. Any can be passed through; TLS and SASL are configured in this way.
///
/// Values may be secrets: `description` does not show them, and neither does any error.
public struct ClientProperties: Sendable, Hashable, CustomStringConvertible {
  public private(set) var values: [String: String]
  /// Where the token is to sign in with (SASL OAUTHBEARER).
  public var tokenFile: TokenFile?

  public init(_ values: [String: String] = [:]) { self.values = values }

  /// - Parameter bootstrap: `host:port`, several separated by commas.
  public init(bootstrap: String, _ values: [String: String] = [:]) {
    self.values = values
    self.values["bootstrap.servers"] = bootstrap
  }

  public subscript(name: String) -> String? {
    get { values[name] }
    set { values[name] = newValue }
  }

  /// Properties with two names; the library takes whichever is set last.
  private static let aliases = [
    ("acks", "request.required.acks"), ("bootstrap.servers", "metadata.broker.list"),
    ("compression.codec", "compression.type"), ("delivery.timeout.ms", "message.timeout.ms"),
    ("fetch.message.max.bytes", "max.partition.fetch.bytes"), ("linger.ms", "queue.buffering.max.ms"),
    ("max.in.flight", "max.in.flight.requests.per.connection"), ("message.send.max.retries", "retries"),
    ("sasl.mechanism", "sasl.mechanisms"),
  ]

  /// These, with the others' values where both have one, be it under another name.
  public func overridden(by others: ClientProperties) -> ClientProperties {
    var properties = ClientProperties(values.merging(others.values) { $1 })
    for (one, other) in Self.aliases {
      if others.values[one] != nil, others.values[other] == nil { properties.values[other] = nil }
      if others.values[other] != nil, others.values[one] == nil { properties.values[one] = nil }
    }
    properties.tokenFile = others.tokenFile ?? tokenFile
    return properties
  }

  /// These, without those that only the other kind of client knows, so that one set can serve both.
  func relevant(to kind: ClientKind) -> ClientProperties {
    var properties = ClientProperties(values.filter { kind.knows($0.key) })
    properties.tokenFile = tokenFile
    return properties
  }

  /// The names; never the values.
  public var description: String { "properties " + values.keys.sorted().joined(separator: ", ") }

  /// Whether a property's value must never be shown.
  public static func isSecret(_ name: String) -> Bool {
    let name = name.lowercased()
    return name.contains("password") || name.contains("secret") || name.contains("key.pem")
      || name.contains("jaas") || name.hasSuffix(".token") || name == "sasl.oauthbearer.config"
  }

  /// Checks every property against the library, without a broker.
  ///
  /// - Returns: one error for each property that it does not know or accept, in order of name.
  public func findings() -> [KafkaError] {
    var findings: [KafkaError] = []
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      do throws(KafkaError) {
        var configuration = Configuration()
        try configuration.set(name, value)
      } catch {
        findings.append(error)
      }
    }
    return findings
  }
}

/// What a client is for.
public enum ClientKind: String, Sendable, Hashable, CaseIterable {
  case consumer, producer

  // The properties that CONFIGURATION.md marks C or P alone and that people are likely to set for all clients.
  private static let consumerOnly: Set<String> = [
    "group.id", "group.instance.id", "partition.assignment.strategy", "session.timeout.ms",
    "heartbeat.interval.ms", "group.protocol.type", "coordinator.query.interval.ms", "max.poll.interval.ms",
    "enable.auto.commit", "auto.commit.interval.ms", "enable.auto.offset.store", "queued.min.messages",
    "queued.max.messages.kbytes", "fetch.wait.max.ms", "fetch.queue.backoff.ms", "fetch.message.max.bytes",
    "max.partition.fetch.bytes", "fetch.max.bytes", "fetch.min.bytes", "fetch.error.backoff.ms",
    "isolation.level", "enable.partition.eof", "check.crcs", "auto.offset.reset",
    "consume.callback.max.messages",
    "allow.auto.create.topics", "client.rack",
  ]
  private static let producerOnly: Set<String> = [
    "transactional.id", "transaction.timeout.ms", "enable.idempotence", "enable.gapless.guarantee",
    "queue.buffering.max.messages", "queue.buffering.max.kbytes", "queue.buffering.max.ms", "linger.ms",
    "message.send.max.retries", "retries", "retry.backoff.ms", "queue.buffering.backpressure.threshold",
    "compression.codec", "compression.type", "batch.num.messages", "batch.size", "delivery.report.only.error",
    "sticky.partitioning.linger.ms", "request.required.acks", "acks", "request.timeout.ms",
    "message.timeout.ms",
    "delivery.timeout.ms", "queuing.strategy", "partitioner", "compression.level",
    // Of a consumer it would have to be below fetch.max.bytes.
    "message.max.bytes",
  ]

  func knows(_ property: String) -> Bool {
    switch self {
    case .consumer: !Self.producerOnly.contains(property)
    case .producer: !Self.consumerOnly.contains(property)
    }
  }
}

/// Owns a configuration of the library until a client takes it.
@safe struct Configuration: ~Copyable {
  private var conf: OpaquePointer?

  init() { unsafe conf = rd_kafka_conf_new() }

  deinit {
    if let conf = unsafe conf { unsafe rd_kafka_conf_destroy(conf) }
  }

  mutating func set(_ name: String, _ value: String) throws(KafkaError) {
    var text = [CChar](repeating: 0, count: 512)
    let result = unsafe rd_kafka_conf_set(conf, name, value, &text, text.count)
    guard result != RD_KAFKA_CONF_OK else { return }
    let unknown = result == RD_KAFKA_CONF_UNKNOWN
    // The library repeats the value in its message.
    let cause = ClientProperties.isSecret(name) ? "its value is not accepted" : text.text
    throw KafkaError(
      code: .invalidArgument, class: .other,
      message: unknown
        ? "Kafka property \(name) is unknown to librdkafka \(LibraryVersion.current)"
        : "Kafka property \(name) is not valid",
      hint: unknown
        ? "check its spelling against librdkafka's CONFIGURATION.md, or remove it" : "correct it",
      cause: unknown ? nil : cause)
  }

  mutating func set(_ properties: ClientProperties) throws(KafkaError) {
    for (name, value) in properties.values.sorted(by: { $0.key < $1.key }) { try set(name, value) }
  }

  /// For the callbacks to be set; still owned here.
  var pointer: OpaquePointer? { unsafe conf }

  /// The client has taken it.
  mutating func disown() { unsafe conf = nil }
}

extension [CChar] {
  /// A C string in a buffer.
  var text: String {
    String(decoding: prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
