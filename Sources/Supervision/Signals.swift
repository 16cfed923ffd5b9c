import Glibc
import Synchronization

/// A request to the process from outside.
public enum ProcessSignal: Sendable, Hashable, CaseIterable {
  /// SIGTERM: end, as systemd and container runtimes ask.
  case terminate
  /// SIGINT: end, as Ctrl-C asks.
  case interrupt
  /// SIGHUP: read the configuration again.
  case hangUp

  /// The system's number.
  public var number: Int32 {
    switch self {
    case .terminate: SIGTERM
    case .interrupt: SIGINT
    case .hangUp: SIGHUP
    }
  }

  /// Whether it asks the process to end.
  public var isStop: Bool { self != .hangUp }

  /// What a shell reports for a process that it ended: 128 + number.
  public var exitCode: Int32 { 128 + number }
}

/// The signals of the process.
///
/// A handler in the sense of sigaction(2) writes one byte to a pipe; a thread reads it and calls back. Unlike a
/// signal mask for sigwait(3) that works whichever threads there are already, and children inherit nothing.
public enum Signals {
  /// Calls `handler` for each signal, one after the other, on a thread of its own, for the rest of the process's
  /// life. The second SIGTERM or SIGINT does not get there: it ends the process with 128 + its number, at once,
  /// with nothing flushed. Called again, the new handler takes the old one's place.
  ///
  /// - Throws: `SupervisionError` if the system grants no pipe or no thread.
  public static func watch(
    _ handler: @escaping @Sendable (ProcessSignal) -> Void
  ) throws(SupervisionError) {
    current.withLock { $0 = handler }
    // Every global that the signal handler touches is initialised here: it must not be the one to do so.
    _ = stopRequests.load(ordering: .relaxed)
    _ = pipeEnd.load(ordering: .relaxed)
    // Taken while it is held, so that two callers do not start two threads.
    do {
      try isRunning.withLock { running throws(SupervisionError) in
        guard !running else { return }
        try start()
        running = true
      }
    }
    for signal in ProcessSignal.allCases { install(signal.number) }
  }

  /// The same as a sequence. It never ends by itself and holds at most 16 signals that nobody has taken yet.
  public static func stream() throws(SupervisionError) -> AsyncStream<ProcessSignal> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: ProcessSignal.self, bufferingPolicy: .bufferingNewest(16))
    try watch { continuation.yield($0) }
    return stream
  }

  /// A pipe whose reader has gone (`ebbd replay … | head`) is an error of the write from now on, not the end of
  /// the process.
  public static func ignoreBrokenPipes() {
    _ = signal(SIGPIPE, SIG_IGN)
  }

  private static let current = Mutex<(@Sendable (ProcessSignal) -> Void)?>(nil)
  private static let isRunning = Mutex(false)

  private static func start() throws(SupervisionError) {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { throw refused("no pipe") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    // A full pipe must not hold up whatever thread the signal interrupted.
    _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
    pipeEnd.store(ends[1], ordering: .releasing)
    readEnd.store(ends[0], ordering: .releasing)
    var thread = pthread_t()
    let status = unsafe pthread_create(
      &thread, nil,
      { _ in
        Signals.unblock()
        Signals.deliver(from: readEnd.load(ordering: .acquiring))
        return nil
      }, nil)
    guard status == 0 else {
      pipeEnd.store(-1, ordering: .releasing)
      close(ends[0])
      close(ends[1])
      errno = status
      throw refused("no thread")
    }
    pthread_detach(thread)
  }

  /// Lets the signals through to this thread. Whoever started the process may have blocked them (the worker threads of
  /// libdispatch do), and a mask is inherited: without this such a process could not be asked to end.
  private static func unblock() {
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    for signal in ProcessSignal.allCases { unsafe sigaddset(&signals, signal.number) }
    unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  private static func refused(_ what: String) -> SupervisionError {
    let cause = unsafe String(cString: strerror(errno))
    return SupervisionError(
      .signals, "The system grants \(what) to receive signals with",
      hint: "raise the limits on open files and processes (ulimit -n, ulimit -u)", cause: cause)
  }

  private static func deliver(from descriptor: Int32) {
    var byte: UInt8 = 0
    while true {
      let count = unsafe read(descriptor, &byte, 1)
      if count == 1 {
        guard let signal = ProcessSignal.allCases.first(where: { $0.number == Int32(byte) }) else { continue }
        let handler = current.withLock { $0 }
        handler?(signal)
      } else if count == 0 || errno != EINTR {
        return
      }
    }
  }

  private static func install(_ number: Int32) {
    var action = sigaction()
    unsafe action.__sigaction_handler.sa_handler = handleSignal
    // Reads and writes that the signal interrupts go on by themselves.
    action.sa_flags = SA_RESTART
    unsafe sigemptyset(&action.sa_mask)
    unsafe sigaction(number, &action, nil)
  }
}

/// Stop signals so far.
private let stopRequests = Atomic<Int>(0)
/// The ends of the pipe; −1: none.
private let readEnd = Atomic<Int32>(-1)
private let pipeEnd = Atomic<Int32>(-1)

/// Runs in whatever thread the signal interrupts: only what signal-safety(7) allows, and atomics.
private func handleSignal(_ number: Int32) {
  let interrupted = errno
  if number == SIGTERM || number == SIGINT {
    if stopRequests.wrappingAdd(1, ordering: .relaxed).oldValue > 0 { _exit(128 + number) }
  }
  var byte = UInt8(truncatingIfNeeded: number)
  _ = unsafe write(pipeEnd.load(ordering: .relaxed), &byte, 1)
  errno = interrupted
}
