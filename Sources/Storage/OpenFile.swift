import Glibc
import Pipeline

/// An open file or directory of this machine.
struct OpenFile: ~Copyable {
  let descriptor: Int32

  /// - Throws: in plain words, without the path.
  init(_ path: String, _ flags: Int32, mode: mode_t = 0o600) throws(SnapshotError) {
    while true {
      let result = unsafe open(path, flags | O_CLOEXEC, mode)
      if result >= 0 {
        descriptor = result
        return
      }
      if errno != EINTR { throw SnapshotError(Self.sentence(errno)) }
    }
  }

  /// nil: there is no such file.
  static func ifThere(_ path: String, _ flags: Int32) throws(SnapshotError) -> OpenFile? {
    let result = unsafe open(path, flags | O_CLOEXEC)
    if result < 0, errno == ENOENT { return nil }
    if result < 0 { throw SnapshotError(sentence(errno)) }
    return OpenFile(descriptor: result)
  }

  private init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { _ = close(descriptor) }

  func status() throws(SnapshotError) -> stat {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw SnapshotError(Self.sentence(errno)) }
    return status
  }

  /// Reads until the buffer is full.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(SnapshotError) {
    var done = 0
    while done < buffer.count {
      let count = unsafe Glibc.read(descriptor, buffer.baseAddress! + done, buffer.count - done)
      if count == 0 { throw .truncated }
      if count < 0 {
        if errno == EINTR { continue }
        throw SnapshotError(Self.sentence(errno))
      }
      done += count
    }
  }

  func write(_ bytes: [UInt8]) throws(SnapshotError) {
    var done = 0
    while done < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.write(descriptor, buffer.baseAddress! + done, buffer.count - done)
      }
      if count < 0 {
        if errno == EINTR { continue }
        throw SnapshotError(Self.sentence(errno))
      }
      done += count
    }
  }

  /// Waits until what was written is safe.
  func synchronize() throws(SnapshotError) {
    guard fsync(descriptor) == 0 else { throw SnapshotError(Self.sentence(errno)) }
  }

  /// The system's words for an error.
  static func sentence(_ number: Int32) -> String {
    if number == ELOOP { return "it is a symbolic link" }
    guard let text = unsafe strerror(number) else { return "error \(number) of the system" }
    return unsafe "the system says: \(String(cString: text))"
  }
}

extension SnapshotError {
  static let truncated = SnapshotError("it is cut off")
}
