import Glibc

/// A TCP port of 127.0.0.1, held for as long as this object lives. Without a backlog nobody answers there: it is not
/// listened on, and nobody else can take it meanwhile.
public final class LoopbackPort: Sendable {
  public let number: Int
  /// To accept connections from.
  public let descriptor: Int32

  /// - Parameter backlog: connections that may wait to be accepted; nil: nobody listens.
  public init(backlog: Int32? = nil) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw TestSupportError("no socket: errno \(errno)") }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    // The socket calls take a `sockaddr`, which every kind of address begins with.
    let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        guard unsafe bind(descriptor, generic, length) == 0 else { return Int32(-1) }
        if let backlog, listen(descriptor, backlog) != 0 { return -1 }
        return unsafe getsockname(descriptor, generic, &length)
      }
    }
    number = Int(UInt16(bigEndian: address.sin_port))
    guard status == 0 else { throw TestSupportError("no free port: errno \(errno)") }
  }

  deinit { close(descriptor) }
}
