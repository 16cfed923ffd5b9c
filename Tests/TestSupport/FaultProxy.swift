// A TCP proxy between Kafka's clients and brokers that makes bad weather: delays, narrow lines, connections that are
// reset or cut in mid-answer, that fall silent, that answer rubbish.
//
// A `FaultProxy` listens once for each broker and runs one thread. What comes in is taken apart into the protocol's
// frames (`ProxyConnection`), so that a blow falls into the midst of an answer and not between two, and so that the
// brokers' own addresses in answers become the proxy's (`BrokerAddresses`).

import Glibc
import Synchronization

/// What the way between clients and brokers is like.
public struct Weather: Sendable {
  /// What happens to an answer.
  public enum Blow: Sendable, Hashable {
    /// Half of it arrives, then the connection is reset.
    case reset
    /// Half of it arrives, then the connection ends in good order.
    case cut
    /// Nothing goes through its connection any more, either way, and nobody ends it.
    case silence
    /// These bytes stand in its place.
    case garbage([UInt8])
  }

  /// Of everything, each way, milliseconds.
  public var delayMilliseconds = 0
  /// Of a connection, each way; nil: as much as there is.
  public var bytesPerSecond: Int?
  /// Nothing goes through any connection, and new ones are accepted and not served. Connections of that time stay silent
  /// when it is over, as those of a peer that has vanished.
  public var isSilent = false
  /// They fall one after the other, each on every so-manieth answer; none: none.
  public var blows: [Blow] = []
  public var everyAnswers = 1

  public init() {}

  public init(delayMilliseconds: Int) { self.delayMilliseconds = delayMilliseconds }

  public init(_ blows: [Blow], everyAnswers: Int) {
    self.blows = blows
    self.everyAnswers = everyAnswers
  }
}

/// The proxy; gone with this object.
public final class FaultProxy: Sendable {
  /// What its thread and its owner share.
  final class Shared: Sendable {
    struct State {
      var weather = Weather()
      var isStopped = false
      var hits = 0
      var answers = 0
      var newcomers = 0
    }
    let state = Mutex(State())
  }

  /// Where clients begin, `host:port`, several separated by commas.
  public let bootstrap: String
  private let shared = Shared()

  /// Starts one before these brokers.
  ///
  /// - Parameters:
  ///   - brokers: `host:port`, several separated by commas; hosts are `127.0.0.1` or `localhost`, as the brokers
  ///     themselves must give them to their clients.
  ///   - host: where it listens, an IPv4 address of nine characters, as long as those it takes the place of.
  public init(to brokers: String, listeningAt host: String = "127.0.0.1") throws {
    guard host.utf8.count == BrokerAddresses.hostLength else {
      throw TestSupportError("the proxy's address \(host) must be as long as 127.0.0.1")
    }
    var doors: [ProxyDoor] = []
    var ports: [Int: Int] = [:]
    for broker in brokers.split(separator: ",") {
      let parts = broker.split(separator: ":")
      guard parts.count == 2, BrokerAddresses.hosts.contains(String(parts[0])), let port = Int(parts[1])
      else {
        throw TestSupportError("the proxy needs brokers at 127.0.0.1 or localhost, not at \(broker)")
      }
      let door = try ProxyDoor(host: host, target: port)
      doors.append(door)
      ports[port] = door.port
    }
    bootstrap = doors.map { "\(host):\($0.port)" }.joined(separator: ",")
    // One sees a client's end that is gone as an error of `write`, not as a signal.
    signal(SIGPIPE, SIG_IGN)
    let loop = ProxyLoop(doors, BrokerAddresses(host: host, ports: ports), shared)
    try loop.start()
  }

  deinit { shared.state.withLock { $0.isStopped = true } }

  /// What it is like from now on.
  public func set(_ weather: Weather) { shared.state.withLock { $0.weather = weather } }

  /// Blows that have fallen so far.
  public var hits: Int { shared.state.withLock { $0.hits } }
  /// Answers that have gone through or been hit so far.
  public var answers: Int { shared.state.withLock { $0.answers } }
  /// Connections that have been made so far.
  public var newcomers: Int { shared.state.withLock { $0.newcomers } }
}

/// A listening socket, and the port behind it on 127.0.0.1.
final class ProxyDoor: Sendable {
  let descriptor: Int32
  let port: Int
  let target: Int

  init(host: String, target: Int) throws {
    self.target = target
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw TestSupportError("no socket: errno \(errno)") }
    var address = SocketAddress.of(host, port: 0)
    let descriptor = descriptor
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = unsafe SocketAddress.with(&address) { pointer in
      guard unsafe bind(descriptor, pointer, length) == 0, listen(descriptor, 128) == 0 else {
        return Int32(-1)
      }
      return unsafe getsockname(descriptor, pointer, &length)
    }
    port = Int(UInt16(bigEndian: address.sin_port))
    guard status == 0 else { throw TestSupportError("the proxy cannot listen at \(host): errno \(errno)") }
    SocketAddress.unblock(descriptor)
  }

  deinit { close(descriptor) }

  /// A connection to the broker; nil: it takes none.
  func connectToBroker() -> Int32? {
    let broker = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard broker >= 0 else { return nil }
    var address = SocketAddress.of("127.0.0.1", port: target)
    let status = unsafe SocketAddress.with(&address) {
      unsafe connect(broker, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
    guard status == 0 else {
      close(broker)
      return nil
    }
    SocketAddress.unblock(broker)
    return broker
  }
}

/// IPv4 addresses as the socket calls want them.
enum SocketAddress {
  static func of(_ host: String, port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    unsafe inet_pton(AF_INET, host, &address.sin_addr)
    return address
  }

  /// The socket calls take a `sockaddr`, which every kind of address begins with.
  static func with<Result>(
    _ address: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>) -> Result
  ) -> Result {
    unsafe withUnsafeMutablePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0) }
    }
  }

  static func unblock(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    var on: Int32 = 1
    // Small frames, at once: what is slow here is to be slow on purpose.
    unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
  }
}
