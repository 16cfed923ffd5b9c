import ArgumentParser
import Foundation
import Glibc
import Telemetry

/// What commands say to the person in front of them. Results go to standard output, everything else here.
enum Console {
  /// Whether standard error, or standard output, is a terminal.
  static let isTerminal = isatty(2) == 1
  static let isOutputTerminal = isatty(1) == 1

  /// A line on standard error.
  static func say(_ line: String) {
    write(line + "\n")
  }

  /// A line that the next one overwrites. Only on a terminal.
  static func progress(_ line: String) {
    guard isTerminal else { return }
    write("\r\u{1B}[2K" + line)
  }

  /// Takes the overwritten line away.
  static func endProgress() {
    guard isTerminal else { return }
    write("\r\u{1B}[2K")
  }

  /// The sentence that ends a command, and its exit code.
  static func failure(_ command: String, _ error: some Error, code: Int32 = 1) -> ExitCode {
    endProgress()
    say("ebbd \(command): \(error)")
    return ExitCode(code)
  }

  private static func write(_ text: String) {
    // Whoever reads standard error may have gone; there is nobody left to tell.
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }

  /// `1234567` as `1 234 567`.
  static func grouped(_ number: Int64) -> String {
    var digits = String(abs(number))
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    groups.insert(digits, at: 0)
    return (number < 0 ? "-" : "") + groups.joined(separator: " ")
  }
}

/// Standard output in large pieces: one alert a line must not be one system call each. Owned by one thread.
final class OutputLines {
  private var buffer: [UInt8] = []
  /// The system's number for why nothing can be written any more.
  private var trouble: Int32?

  init() { buffer.reserveCapacity(1 << 17) }

  func write(_ line: [UInt8]) {
    buffer.append(contentsOf: line)
    buffer.append(UInt8(ascii: "\n"))
    if buffer.count >= 1 << 16 { flush() }
  }

  func write(_ line: String) { write(Array(line.utf8)) }

  /// Writes what is left; to be called once, at the end.
  /// - Throws: the command's end if not everything could be written. A reader that has left, such as `head`, wanted
  ///   no more: that is none.
  func finish(_ command: String) throws {
    flush()
    guard let trouble, trouble != EPIPE else { return }
    let cause = unsafe String(cString: strerror(trouble))
    Console.endProgress()
    Console.say(
      "ebbd \(command): standard output cannot be written (\(cause)), what it holds is incomplete; make room or "
        + "write elsewhere, and run it again")
    throw ExitCode.failure
  }

  private func flush() {
    if trouble == nil { trouble = Self.write(all: buffer) }
    buffer.removeAll(keepingCapacity: true)
  }

  /// nil, or why not all was written.
  private static func write(all bytes: [UInt8]) -> Int32? {
    unsafe bytes.withUnsafeBytes { bytes in
      var rest = unsafe bytes[...]
      while unsafe !rest.isEmpty {
        let count = unsafe Glibc.write(1, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count >= 0 {
          unsafe rest = rest.dropFirst(count)
        } else if errno != EINTR {
          return errno
        }
      }
      return nil
    }
  }
}
