import Foundation
import Synchronization

/// A process that a test started, with what it has written so far.
///
/// Output is read on threads of its own, so that a chatty process never blocks, and kept up to
/// `maximumOutputBytes` a stream; what is beyond is dropped and `Finished.truncated` says so. Whatever happens
/// to the test, the process does not outlive this object.
public final class RunningProcess: Sendable {
  /// One of the process's two streams.
  public enum Stream: Sendable { case output, error }

  /// What is known of the process. The threads that read hold this and not the process itself, so that
  /// dropping the process ends it.
  private final class Record: Sendable {
    struct State {
      var output = Data()
      var error = Data()
      var truncated = false
      var openStreams = 2
      /// Exit status, or 128 + signal as shells tell it.
      var status: Int32?
    }

    private let state = Mutex(State())

    func withLock<Result>(_ body: (inout State) -> Result) -> Result {
      state.withLock { body(&$0) }
    }

    func read(_ handle: FileHandle, _ stream: Stream) {
      while case let chunk = handle.availableData, !chunk.isEmpty {
        withLock { state in
          let kept = stream == .output ? state.output.count : state.error.count
          let room = RunningProcess.maximumOutputBytes - kept
          if chunk.count > room { state.truncated = true }
          switch stream {
          case .output: state.output.append(chunk.prefix(room))
          case .error: state.error.append(chunk.prefix(room))
          }
        }
      }
      withLock { $0.openStreams -= 1 }
    }
  }

  /// What is kept of each stream, bytes.
  public static let maximumOutputBytes = 64 << 20

  public let name: String
  public let processIdentifier: Int32
  private let state = Record()
  private let started = ContinuousClock.now
  /// The process's standard input, if it is kept open.
  private let inlet: Mutex<Unshared<FileHandle>?>

  /// Starts a process.
  /// - Parameters:
  ///   - environment: set over this process's own; nil removes one.
  ///   - input: what it reads on its standard input, which then ends.
  ///   - keepsInputOpen: its standard input is a pipe that `write` writes to, and that ends with this object.
  public init(
    _ executable: String, _ arguments: [String] = [], environment: [String: String?] = [:],
    directory: String? = nil, input: Data? = nil, keepsInputOpen: Bool = false
  ) throws {
    precondition(input == nil || !keepsInputOpen, "what is given at once, or what is written later")
    name = URL(fileURLWithPath: executable).lastPathComponent
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
    var variables = ProcessInfo.processInfo.environment
    for (variable, value) in environment { variables[variable] = value }
    process.environment = variables
    let output = Pipe()
    let error = Pipe()
    let feed = input != nil || keepsInputOpen ? Pipe() : nil
    process.standardOutput = output
    process.standardError = error
    if let feed { process.standardInput = feed } else { process.standardInput = FileHandle.nullDevice }
    // Not `waitUntilExit`: on a thread without a run loop it spins.
    process.terminationHandler = { [state] process in
      let signal: Int32 = process.terminationReason == .uncaughtSignal ? 128 : 0
      let status = process.terminationStatus + signal
      state.withLock { $0.status = status }
    }
    inlet = Mutex(
      keepsInputOpen ? feed.map { Unshared($0.fileHandleForWriting) } : nil)
    do {
      try process.run()
    } catch {
      throw TestSupportError("\(executable) does not start: \(error)")
    }
    processIdentifier = process.processIdentifier
    Self.remember(([name] + arguments.prefix(1)).joined(separator: " "), process.processIdentifier, state)
    Self.detach { [state, handle = Unshared(output.fileHandleForReading)] in state.read(handle.value, .output)
    }
    Self.detach { [state, handle = Unshared(error.fileHandleForReading)] in state.read(handle.value, .error) }
    if let feed, let input {
      // A process that ends early closes its end; that is its right, not our error.
      signal(SIGPIPE, SIG_IGN)
      let handle = Unshared(feed.fileHandleForWriting)
      Self.detach {
        try? handle.value.write(contentsOf: input)
        try? handle.value.close()
      }
    }
  }

  deinit {
    if state.withLock({ $0.status }) == nil { kill(processIdentifier, SIGKILL) }
  }

  /// The latest processes, whether they have ended or not, for `recentErrors`.
  private static let latest = Mutex<[(command: String, identifier: Int32, state: Record)]>([])

  private static func remember(_ command: String, _ identifier: Int32, _ state: Record) {
    latest.withLock { latest in
      latest.append((command, identifier, state))
      if latest.count > 32 { latest.removeFirst() }
    }
  }

  /// The ends of what the latest processes whose command begins so have written to standard error, for messages.
  public static func recentErrors(of command: String, count: Int = 4) -> String {
    latest.withLock { $0.filter { $0.command.hasPrefix(command) } }.suffix(count).map { entry in
      let (status, error) = entry.state.withLock { ($0.status, $0.error.suffix(2_000)) }
      return
        "--- \(entry.command), process \(entry.identifier), \(status.map { "ended with \($0)" } ?? "running"):\n"
        + String(decoding: error, as: UTF8.self)
    }.joined(separator: "\n")
  }

  /// Foundation's handles are not marked Sendable; each of these is given to one thread and used by no other.
  private struct Unshared<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
  }

  private static func detach(_ body: @escaping @Sendable () -> Void) {
    Thread(block: body).start()
  }
}

extension RunningProcess {
  /// How a process ended, and what it wrote.
  public struct Finished: Sendable {
    /// Exit status, or 128 + signal as shells tell it.
    public var status: Int32
    public var output: String
    public var error: String
    /// Whether a stream was longer than `maximumOutputBytes`.
    public var truncated: Bool
    public var elapsed: Duration
  }

  /// Whether it has not ended yet.
  public var isRunning: Bool { state.withLock { $0.status == nil } }

  /// What it has written so far; bytes that are not UTF-8 are replaced.
  public func text(_ stream: Stream) -> String {
    let bytes = state.withLock { stream == .output ? $0.output : $0.error }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Complete lines written so far, without line ends.
  public func lines(_ stream: Stream) -> [String] {
    text(stream).split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
  }

  /// Writes a line to its standard input, which `init` was told to keep open.
  public func write(_ line: String) throws {
    // A process that has ended closed its end; that is told as an error and not by a signal.
    signal(SIGPIPE, SIG_IGN)
    try inlet.withLock { inlet in
      guard let inlet else { throw TestSupportError("\(name)'s standard input is not kept open") }
      try inlet.value.write(contentsOf: Data((line + "\n").utf8))
    }
  }

  /// Sends a signal. A process that has ended gets none.
  public func send(_ signal: Int32) {
    if isRunning { kill(processIdentifier, signal) }
  }

  /// Waits until what was written satisfies `condition`; throws, with the end of both streams, when the process
  /// ends first or the time is over.
  @discardableResult public func wait(
    for stream: Stream, within limit: Duration = .seconds(90), until condition: (String) -> Bool
  ) async throws -> String {
    let deadline = ContinuousClock.now + limit
    while true {
      // Ended is read first: what it wrote before it ended is then complete.
      let ended = state.withLock { $0.status != nil && $0.openStreams == 0 }
      let text = text(stream)
      if condition(text) { return text }
      if ended { throw TestSupportError("\(name) ended before it wrote what was awaited\n\(tail)") }
      if ContinuousClock.now >= deadline {
        throw TestSupportError("\(name) did not write within \(limit) what was awaited\n\(tail)")
      }
      try await Task.sleep(for: .milliseconds(10))
    }
  }

  /// As `wait(for:within:until:)`, until the stream contains `text`.
  @discardableResult public func wait(
    for stream: Stream, containing text: String, within limit: Duration = .seconds(90)
  ) async throws -> String {
    try await wait(for: stream, within: limit) { $0.contains(text) }
  }

  /// Waits for its end, and for that of what it has started and left running. When the time is over it is
  /// killed, and this throws with the end of both streams.
  public func finish(within limit: Duration = .seconds(120)) async throws -> Finished {
    let deadline = ContinuousClock.now + limit
    while true {
      let finished = state.withLock { state -> Finished? in
        guard let status = state.status, state.openStreams == 0 else { return nil }
        return Finished(
          status: status, output: String(decoding: state.output, as: UTF8.self),
          error: String(decoding: state.error, as: UTF8.self), truncated: state.truncated,
          elapsed: ContinuousClock.now - started)
      }
      if let finished { return finished }
      if ContinuousClock.now >= deadline {
        send(SIGKILL)
        throw TestSupportError("\(name) did not end within \(limit) and was killed\n\(tail)")
      }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  /// Asks it to end (SIGTERM) and waits for that as `finish(within:)` does.
  @discardableResult public func stop(within limit: Duration = .seconds(90)) async throws -> Finished {
    send(SIGTERM)
    return try await finish(within: limit)
  }

  /// The last of both streams, for messages.
  private var tail: String {
    "--- its standard output ends:\n\(text(.output).suffix(2_000))\n--- its standard error ends:\n"
      + "\(text(.error).suffix(2_000))"
  }
}

/// Runs a process to its end. Throws only if it does not start or not end in time; its status is the caller's.
public func run(
  _ executable: String, _ arguments: [String] = [], environment: [String: String?] = [:],
  directory: String? = nil, input: Data? = nil, within limit: Duration = .seconds(120)
) async throws -> RunningProcess.Finished {
  try await RunningProcess(
    executable, arguments, environment: environment, directory: directory, input: input
  ).finish(within: limit)
}

/// As above, with text as input.
public func run(
  _ executable: String, _ arguments: [String] = [], environment: [String: String?] = [:],
  directory: String? = nil, input: String, within limit: Duration = .seconds(120)
) async throws -> RunningProcess.Finished {
  try await run(
    executable, arguments, environment: environment, directory: directory, input: Data(input.utf8),
    within: limit)
}
