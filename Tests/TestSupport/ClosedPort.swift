import Glibc

/// A TCP port of 127.0.0.1 on which nobody answers for as long as this object lives: it is held without being listened
/// on, so that nobody else can take it meanwhile.
public final class ClosedPort: Sendable {
  public let number: Int
  private let descriptor: Int32

  public init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw TestSupportError("no socket: errno \(errno)") }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    // The socket calls take a `sockaddr`, which every kind of address begins with.
    let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        let bound = unsafe bind(descriptor, generic, length)
        return bound == 0 ? unsafe getsockname(descriptor, generic, &length) : bound
      }
    }
    number = Int(UInt16(bigEndian: address.sin_port))
    guard status == 0 else { throw TestSupportError("no free port: errno \(errno)") }
  }

  deinit { close(descriptor) }
}
