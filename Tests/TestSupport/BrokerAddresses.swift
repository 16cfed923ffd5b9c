/// Puts the proxy's addresses into brokers' answers, in the place of their own and as long: int16 9, nine bytes of host,
/// int32 port; newer answers have the length plus one in one byte.
struct BrokerAddresses: Sendable {
  static let hosts = ["127.0.0.1", "localhost"]
  static let hostLength = 9
  /// Answers in which brokers tell addresses: Metadata and FindCoordinator.
  static let requests: Set<Int16> = [3, 10]

  private let host: [UInt8]
  private let ports: [Int: Int]

  /// - Parameter ports: the proxy's, by the brokers'.
  init(host: String, ports: [Int: Int]) {
    self.host = Array(host.utf8)
    self.ports = ports
  }

  /// A frame with the addresses replaced.
  func replaced(in frame: [UInt8]) -> [UInt8] {
    var frame = frame
    for name in Self.hosts.map({ Array($0.utf8) }) {
      var place = 1
      while place + name.count + 4 <= frame.count {
        defer { place += 1 }
        // Most places fail at the first byte.
        guard frame[place] == name[0], Array(frame[place..<place + name.count]) == name else { continue }
        let isPlain = frame[place - 1] == UInt8(name.count)
        guard isPlain || frame[place - 1] == UInt8(name.count + 1) else { continue }
        let end = place + name.count
        let port = frame[end..<end + 4].reduce(0) { $0 << 8 | Int($1) }
        guard let ours = ports[port] else { continue }
        frame.replaceSubrange(place..<end, with: host)
        for index in 0..<4 { frame[end + index] = UInt8(truncatingIfNeeded: ours >> (8 * (3 - index))) }
      }
    }
    return frame
  }
}
