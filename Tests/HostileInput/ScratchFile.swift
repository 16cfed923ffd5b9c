import Glibc

/// A small file that is written again for each input, in memory where the machine has a place for that.
final class ScratchFile {
  let path: String
  private let descriptor: Int32

  init(_ name: String) {
    let isInMemory = unsafe access("/dev/shm", W_OK) == 0
    path = "\(isInMemory ? "/dev/shm" : "/tmp")/ebb-fuzz-\(getpid()).\(name)"
    descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
  }

  deinit {
    close(descriptor)
    unsafe unlink(path)
  }

  func write(_ bytes: [UInt8]) throws {
    let written = unsafe bytes.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    guard descriptor >= 0, written == bytes.count || bytes.isEmpty, ftruncate(descriptor, bytes.count) == 0
    else {
      throw HostileFault("\(path) cannot be written: errno \(errno)")
    }
  }
}
