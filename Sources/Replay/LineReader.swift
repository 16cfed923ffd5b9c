import Foundation

/// Reads a file line by line through one buffer; a line is handed over in place.
///
/// A line ends at `\n` (a `\r` before it is not part of it) or at the end of the file. A line longer than the
/// bound is handed over cut off at the bound, and told to be so. A byte order mark that some editors put in front of a
/// file is not part of its first line.
struct LineReader: ~Copyable {
  private let handle: FileHandle
  private let path: String
  private let maximumLineBytes: Int
  private var buffer: [UInt8] = []
  private var start = 0
  private var isAtEnd = false
  /// Lines handed over so far: the number, from 1, of the line in hand.
  private(set) var line = 0
  private(set) var bytesRead: Int64 = 0
  /// Size of the file when it was opened, bytes; 0 where it has none (a pipe).
  let size: Int64

  private static let chunk = 1 << 20

  init(path: String, maximumLineBytes: Int) throws(ReplayError) {
    self.path = path
    self.maximumLineBytes = maximumLineBytes
    var isDirectory: ObjCBool = false
    let exists = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
    guard path == "-" || exists else {
      throw ReplayError(.unreadable, "there is no file '\(path)'", hint: "check the path")
    }
    guard !isDirectory.boolValue else {
      throw ReplayError(.unreadable, "'\(path)' is a directory", hint: "name the files in it")
    }
    if path == "-" {
      handle = FileHandle.standardInput
      size = 0
      return
    }
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw ReplayError(.unreadable, "'\(path)' cannot be read", hint: "check its permissions")
    }
    self.handle = handle
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    size = (attributes?[.size] as? NSNumber)?.int64Value ?? 0
  }

  /// Hands the next line to `body`; false at the end of the file.
  mutating func next(_ body: (UnsafeRawBufferPointer, _ isCutOff: Bool) -> Void) throws(ReplayError) -> Bool {
    var searched = start
    while true {
      if let end = newline(from: searched) {
        unsafe hand(upTo: end, body)
        start = end + 1
        return true
      }
      searched = buffer.count
      if buffer.count - start > maximumLineBytes {
        return try unsafe skipLongLine(body)
      }
      if isAtEnd {
        guard start < buffer.count else { return false }
        unsafe hand(upTo: buffer.count, body)
        start = buffer.count
        return true
      }
      searched -= try refill()
    }
  }

  private func newline(from index: Int) -> Int? {
    guard index < buffer.count else { return nil }
    return buffer[index...].firstIndex(of: UInt8(ascii: "\n"))
  }

  private mutating func hand(upTo end: Int, _ body: (UnsafeRawBufferPointer, Bool) -> Void) {
    line += 1
    if line == 1, buffer[start..<end].starts(with: [0xEF, 0xBB, 0xBF]) { start += 3 }
    var stop = end
    if stop > start, buffer[stop - 1] == UInt8(ascii: "\r") { stop -= 1 }
    let isCutOff = stop - start > maximumLineBytes
    let range = start..<(isCutOff ? start + maximumLineBytes : stop)
    unsafe buffer.withUnsafeBytes { bytes in
      unsafe body(UnsafeRawBufferPointer(rebasing: bytes[range]), isCutOff)
    }
  }

  /// The line in hand is longer than the bound: hands over its beginning and reads on to its end.
  private mutating func skipLongLine(_ body: (UnsafeRawBufferPointer, Bool) -> Void) throws(ReplayError)
    -> Bool
  {
    unsafe hand(upTo: buffer.count, body)
    start = buffer.count
    while true {
      if isAtEnd { return true }
      _ = try refill()
      if let end = newline(from: start) {
        start = end + 1
        return true
      }
      start = buffer.count
    }
  }

  /// Reads on; returns by how much the buffered bytes moved to the front.
  private mutating func refill() throws(ReplayError) -> Int {
    let moved = start
    buffer.removeSubrange(..<start)
    start = 0
    do {
      guard let data = try handle.read(upToCount: Self.chunk), !data.isEmpty else {
        isAtEnd = true
        return moved
      }
      bytesRead += Int64(data.count)
      buffer.append(contentsOf: data)
    } catch {
      throw ReplayError(.unreadable, "'\(path)' cannot be read to its end", hint: "\(error)")
    }
    return moved
  }
}
