import Foundation

/// Stands in for systemd: a datagram socket whose name goes into `NOTIFY_SOCKET`.
public final class NotifySocket: Sendable {
  /// As `NOTIFY_SOCKET` wants it.
  public let name: String
  private let descriptor: Int32

  public init(isAbstract: Bool = false) throws {
    let unique = UUID().uuidString.lowercased()
    name =
      isAbstract
      ? "@ebb-notify-\(unique)" : FileManager.default.temporaryDirectory.path + "/n-\(unique.prefix(8))"
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(name.utf8)
    if isAbstract { bytes[0] = 0 }
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    let length = MemoryLayout<sa_family_t>.size + bytes.count + (isAbstract ? 0 : 1)
    let status = unsafe withUnsafePointer(to: &address) { address in
      unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(descriptor, $0, socklen_t(length))
      }
    }
    guard descriptor >= 0, status == 0 else {
      throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: name])
    }
  }

  deinit {
    close(descriptor)
    if !name.hasPrefix("@") { unsafe unlink(name) }
  }

  /// The next datagram; nil: none came in time.
  public func next(within seconds: Int = 5) -> String? {
    var limit = timeval(tv_sec: seconds, tv_usec: 0)
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var buffer = [UInt8](repeating: 0, count: 4_096)
    let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
    return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
  }
}
