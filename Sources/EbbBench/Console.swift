import Foundation
import Measuring

/// What is said, and what is under way.
enum Console {
  private static let isTerminal = isatty(2) == 1

  /// Tells a person who watches what is under way; nil: nothing any more.
  static func note(_ text: String?) {
    guard isTerminal else { return }
    FileHandle.standardError.write(Data("\r\u{1B}[K\(text ?? "")".utf8))
  }

  static func say(_ text: String) {
    FileHandle.standardOutput.write(Data((text + "\n").utf8))
  }

  /// What every table begins with.
  static func printMachine() {
    say("Machine: \(Machine.description)")
  }
}

/// This program, started again: what must not share a process with anything is measured there.
enum Myself {
  static let path: String = {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
  }()

  /// Standard output of this program with these arguments.
  static func output(_ arguments: [String]) throws -> String {
    try output(of: path, arguments)
  }

  /// Standard output of a program that ends well.
  static func output(
    of executable: String, _ arguments: [String], environment: [String: String] = [:]
  ) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let pipe = Pipe()
    let errors = Pipe()
    process.standardOutput = pipe
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let collected = Collected()
    let reader = Thread { collected.set(errors.fileHandleForReading.readDataToEndOfFile()) }
    reader.start()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let text = String(decoding: collected.wait().suffix(2_000), as: UTF8.self)
      throw BenchError("\(executable) \(arguments.joined(separator: " ")) failed:\n\(text)")
    }
    return String(decoding: data, as: UTF8.self)
  }

  private final class Collected: @unchecked Sendable {
    // The condition guards the data: one thread sets it, another waits for it.
    private let condition = NSCondition()
    private var data: Data?

    func set(_ data: Data) {
      condition.withLock {
        self.data = data
        condition.signal()
      }
    }

    func wait() -> Data {
      condition.withLock {
        while data == nil { condition.wait() }
        return data!
      }
    }
  }
}
