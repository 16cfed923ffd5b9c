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

  /// What this library is known not to do with such a configuration; one sentence each.
  public func warnings(for properties: ClientProperties) -> [String] {
    var warnings: [String] = []
    let mechanism = properties["sasl.mechanism"] ?? properties["sasl.mechanisms"] ?? ""
    let firstWithScram4 = LibraryVersion(major: 2, minor: 6, revision: 1)
    if mechanism.uppercased().hasPrefix("SCRAM"), number >> 8 < firstWithScram4.number >> 8 {
      warnings.append(
        "librdkafka \(self) cannot sign in to Kafka 4 and newer with \(mechanism): "
          + "install librdkafka 2.6.1 or newer, or use another sasl.mechanism")
    }
    return warnings
  }
}
