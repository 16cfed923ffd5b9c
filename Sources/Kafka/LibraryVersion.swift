import CRdKafka

/// The librdkafka in use, which may be newer than the one that this was built against.
public struct LibraryVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// 0xMMmmrrxx, as the library tells it.
  public var number: Int32

  public init(number: Int32) { self.number = number }

  /// From its parts.
  public init(major: Int32, minor: Int32, revision: Int32) {
    number = major << 24 | minor << 16 | revision << 8 | 0xff
  }

  /// The library that this process runs on.
  public static var current: LibraryVersion { LibraryVersion(number: rd_kafka_version()) }

  public static func < (left: Self, right: Self) -> Bool { left.number < right.number }

  public var description: String {
    "\(number >> 24 & 0xff).\(number >> 16 & 0xff).\(number >> 8 & 0xff)"
  }

  /// What this library was built with, such as `ssl` and `sasl_scram`.
  public static var features: Set<String> {
    let conf = unsafe rd_kafka_conf_new()
    defer { unsafe rd_kafka_conf_destroy(conf) }
    var text = [CChar](repeating: 0, count: 1_024)
    var size = text.count
    guard unsafe rd_kafka_conf_get(conf, "builtin.features", &text, &size) == RD_KAFKA_CONF_OK else {
      return []
    }
    return Set(text.text.split(separator: ",").map(String.init))
  }

  /// Before 2.6.1 the client's nonce was sent twice, which Kafka 4 refuses (librdkafka's change 4895).
  var isBeforeStrictScram: Bool {
    number >> 8 < LibraryVersion(major: 2, minor: 6, revision: 1).number >> 8
  }

  /// What this library is known not to do with such a configuration; one sentence each. Warnings, since brokers before
  /// Kafka 4 let it in all the same.
  public func warnings(for properties: ClientProperties) -> [String] {
    let mechanism = (properties["sasl.mechanism"] ?? properties["sasl.mechanisms"] ?? "").uppercased()
    guard mechanism.hasPrefix("SCRAM"), isBeforeStrictScram else { return [] }
    return [
      "librdkafka \(self) cannot sign in to Kafka 4 and newer with \(mechanism), only to older brokers: "
        + "install librdkafka 2.6.1 or newer, or use another sasl.mechanism"
    ]
  }

  /// What the library in use was built without and `properties` want; one sentence each.
  public static func lacks(
    for properties: ClientProperties, features: Set<String> = LibraryVersion.features
  ) -> [String] {
    let mechanism = (properties["sasl.mechanism"] ?? properties["sasl.mechanisms"] ?? "").uppercased()
    let needs = [
      ("ssl", properties["security.protocol"]?.lowercased().hasSuffix("ssl") ?? false, "TLS"),
      ("sasl_plain", mechanism == "PLAIN", "PLAIN"), ("sasl_scram", mechanism.hasPrefix("SCRAM"), mechanism),
      ("sasl_oauthbearer", mechanism == "OAUTHBEARER", mechanism),
      ("sasl_gssapi", mechanism == "GSSAPI", mechanism),
    ]
    return needs.filter { $0.1 && !features.contains($0.0) }.map { feature, _, name in
      "librdkafka \(current) on this machine was built without \(name) (\(feature)): install one that has it"
    }
  }
}
