import Glibc

/// Tells the service manager how the process is, by the protocol of sd_notify(3): datagrams to the socket that
/// `NOTIFY_SOCKET` names.
///
/// What is told must not hold the process up: a send waits for a second at most, and what cannot be sent is lost.
public final class ServiceManager: Sendable {
  /// What can be told.
  public enum Message: Sendable, Hashable {
    /// The service does its work from now on, or again after `reloading`.
    case ready
    /// A new configuration is being read. `ready` ends it.
    case reloading
    /// The service ends.
    case stopping
    /// One sentence for people, as `systemctl status` shows it.
    case status(String)
    /// All is well; to be told at least every `watchdogMilliseconds`.
    case alive
    /// Starting or stopping takes longer: the time limit is so many milliseconds from now, or what it was if that is
    /// later.
    case moreTime(milliseconds: Int)
  }

  /// How long the service manager waits for `alive`, milliseconds; nil: it does not.
  public let watchdogMilliseconds: Int?
  private let descriptor: Int32

  private init(descriptor: Int32, watchdogMilliseconds: Int?) {
    self.descriptor = descriptor
    self.watchdogMilliseconds = watchdogMilliseconds
  }

  deinit { close(descriptor) }

  /// The service manager that the environment names; nil: nobody listens.
  ///
  /// - Parameter environment: `NOTIFY_SOCKET`, the path of a socket or the name of an abstract one after `@`;
  ///   `WATCHDOG_USEC`, microseconds, which counts unless `WATCHDOG_PID` is another process's.
  /// - Throws: `SupervisionError` if there is somebody who listens and cannot be reached.
  public static func named(in environment: [String: String]) throws(SupervisionError) -> ServiceManager? {
    guard let place = environment["NOTIFY_SOCKET"], !place.isEmpty else { return nil }
    let descriptor = try connect(to: place)
    return ServiceManager(descriptor: descriptor, watchdogMilliseconds: watchdog(in: environment))
  }

  private static func watchdog(in environment: [String: String]) -> Int? {
    if let other = environment["WATCHDOG_PID"], other != String(getpid()) { return nil }
    guard let limit = environment["WATCHDOG_USEC"].flatMap(Int.init), limit > 0 else { return nil }
    return max(1, limit / 1_000)
  }

  private static func connect(to place: String) throws(SupervisionError) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(place.utf8)
    let isAbstract = bytes[0] == UInt8(ascii: "@")
    guard isAbstract || bytes[0] == UInt8(ascii: "/") else {
      throw refused(place, "it is neither a path nor an abstract name")
    }
    if isAbstract { bytes[0] = 0 }
    let capacity = MemoryLayout.size(ofValue: address.sun_path)
    // A path ends with a zero byte.
    guard bytes.count < capacity else { throw refused(place, "it is longer than \(capacity - 1) bytes") }
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    let length = MemoryLayout<sa_family_t>.size + bytes.count + (isAbstract ? 0 : 1)
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw refused(place, unsafe String(cString: strerror(errno))) }
    var limit = timeval(tv_sec: 1, tv_usec: 0)
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    let status = unsafe withUnsafePointer(to: &address) { address in
      unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe Glibc.connect(descriptor, $0, socklen_t(length))
      }
    }
    guard status == 0 else {
      let cause = unsafe String(cString: strerror(errno))
      close(descriptor)
      throw refused(place, cause)
    }
    return descriptor
  }

  private static func refused(_ place: String, _ cause: String) -> SupervisionError {
    SupervisionError(
      .notification, "The service manager cannot be told anything at NOTIFY_SOCKET '\(place)'",
      hint: "unset NOTIFY_SOCKET, or start the service by systemd, which sets it", cause: cause)
  }

  /// Tells all of it in one datagram.
  ///
  /// - Returns: whether it was sent.
  @discardableResult
  public func tell(_ messages: Message...) -> Bool {
    let text = Array(messages.flatMap(Self.lines).joined(separator: "\n").utf8)
    while true {
      let sent = unsafe send(descriptor, text, text.count, Int32(MSG_NOSIGNAL))
      if sent >= 0 { return true }
      if errno != EINTR { return false }
    }
  }

  private static func lines(_ message: Message) -> [String] {
    switch message {
    case .ready: ["READY=1"]
    case .reloading: ["RELOADING=1", "MONOTONIC_USEC=\(monotonicMicroseconds)"]
    case .stopping: ["STOPPING=1"]
    case .status(let sentence):
      ["STATUS=\(sentence.split(whereSeparator: \.isNewline).joined(separator: " "))"]
    case .alive: ["WATCHDOG=1"]
    case .moreTime(let milliseconds): ["EXTEND_TIMEOUT_USEC=\(milliseconds * 1_000)"]
    }
  }

  private static var monotonicMicroseconds: Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
  }
}
