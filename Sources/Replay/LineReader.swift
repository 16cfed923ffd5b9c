import Foundation

/// Reads a file line by line through one buffer; a line is handed over in place.
///
/// A line ends at `\n` (a `\r` before it is not part of it) or at the end of the file. A line longer than the
/// bound is handed over cut off at the bound, and told to be so. A byte order mark that some editors put in front of a
/// file is not part of its first line.
@safe struct LineReader: ~Copyable {
  private let descriptor: Int32
  private let path: String
  private let maximumLineBytes: Int
  /// Filled up to `count`; everything before `start` was handed over.
  private var buffer: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  private var count = 0
  private var start = 0
  private var isAtEnd = false
  /// Lines handed over so far: the number, from 1, of the line in hand.
  private(set) var line = 0
  private(set) var bytesRead: Int64 = 0
  /// Size of the file when it was opened, bytes; 0 where it has none (a pipe).
  let size: Int64

  /// What one read asks for: large enough that reads do not count, small enough to stay in the second cache.
  private static let chunk = 1 << 18

  init(path: String, maximumLineBytes: Int) throws(ReplayError) {
    self.path = path
    self.maximumLineBytes = maximumLineBytes
    var isDirectory: ObjCBool = false
    let exists = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
    guard path == "-" || exists else {
      throw ReplayError(.unreadable, "there is no file '\(path)'", hint: "check the path")
    }
    guard path == "-" || !isDirectory.boolValue else {
      throw ReplayError(.unreadable, "'\(path)' is a directory", hint: "name the files in it")
    }
    let descriptor = path == "-" ? STDIN_FILENO : unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw ReplayError(.unreadable, "'\(path)' cannot be read", hint: "check its permissions")
    }
    self.descriptor = descriptor
    if path == "-" {
      size = 0
    } else {
      let attributes = try? FileManager.default.attributesOfItem(atPath: path)
      size = (attributes?[.size] as? NSNumber)?.int64Value ?? 0
    }
    capacity = 2 * Self.chunk
    unsafe buffer = .allocate(capacity: capacity)
  }

  deinit {
    unsafe buffer.deallocate()
    if descriptor != STDIN_FILENO { close(descriptor) }
  }

  /// Hands the next line to `body`; false at the end of the file.
  @inline(__always)
  mutating func next(_ body: (UnsafeRawBufferPointer, _ isCutOff: Bool) -> Void) throws(ReplayError) -> Bool {
    var searched = start
    while true {
      if let end = newline(from: searched) {
        unsafe hand(upTo: end, body)
        start = end + 1
        return true
      }
      searched = count
      if count - start > maximumLineBytes {
        return try unsafe skipLongLine(body)
      }
      if isAtEnd {
        guard start < count else { return false }
        unsafe hand(upTo: count, body)
        start = count
        return true
      }
      searched -= try refill()
    }
  }

  @inline(__always)
  private func newline(from index: Int) -> Int? {
    guard index < count, let found = unsafe memchr(buffer + index, 0x0A, count - index) else { return nil }
    return unsafe UnsafeRawPointer(found) - UnsafeRawPointer(buffer)
  }

  @inline(__always)
  private mutating func hand(upTo end: Int, _ body: (UnsafeRawBufferPointer, Bool) -> Void) {
    line += 1
    if line == 1, end - start >= 3,
      unsafe buffer[start] == 0xEF && buffer[start + 1] == 0xBB && buffer[start + 2] == 0xBF
    {
      start += 3
    }
    var stop = end
    if stop > start, unsafe buffer[stop - 1] == UInt8(ascii: "\r") { stop -= 1 }
    let isCutOff = stop - start > maximumLineBytes
    unsafe body(
      UnsafeRawBufferPointer(start: buffer + start, count: isCutOff ? maximumLineBytes : stop - start),
      isCutOff)
  }

  /// The line in hand is longer than the bound: hands over its beginning and reads on to its end.
  private mutating func skipLongLine(_ body: (UnsafeRawBufferPointer, Bool) -> Void) throws(ReplayError)
    -> Bool
  {
    unsafe hand(upTo: count, body)
    start = count
    while true {
      if isAtEnd { return true }
      _ = try refill()
      if let end = newline(from: start) {
        start = end + 1
        return true
      }
      start = count
    }
  }

  /// Reads on; returns by how much the buffered bytes moved to the front.
  private mutating func refill() throws(ReplayError) -> Int {
    let moved = start
    unsafe buffer.update(from: buffer + start, count: count - start)
    count -= start
    start = 0
    // A line of the longest length, what may follow it, and a read fit: bounded by the bound of lines.
    if capacity - count < Self.chunk {
      let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity * 2)
      unsafe grown.update(from: buffer, count: count)
      unsafe buffer.deallocate()
      unsafe buffer = grown
      capacity *= 2
    }
    var result: Int
    repeat {
      result = unsafe Foundation.read(descriptor, buffer + count, Self.chunk)
    } while result < 0 && errno == EINTR
    guard result >= 0 else {
      let reason = unsafe String(cString: strerror(errno))
      throw ReplayError(.unreadable, "'\(path)' cannot be read to its end", hint: reason)
    }
    isAtEnd = result == 0
    bytesRead += Int64(result)
    count += result
    return moved
  }
}
