import Glibc
import Supervision
import Synchronization
import Testing

/// Signals belong to the whole process, so each case has one of its own, which an alarm ends if it hangs. A signal
/// is sent again only once the first has been seen: the system keeps equal ones that are pending as one.
@Suite struct SignalTests {
  @Test func `A hang-up is handed over, and the process lives on`() async {
    await #expect(processExitsWith: .exitCode(7)) {
      alarm(100)
      let signals = try Signals.stream()
      kill(getpid(), SIGHUP)
      var seen = 0
      for await signal in signals {
        guard signal == .hangUp else { exit(1) }
        seen += 1
        if seen == 2 { exit(7) }
        kill(getpid(), SIGHUP)
      }
    }
  }

  @Test func `The first request to end is handed over, so that the end can be clean`() async {
    await #expect(processExitsWith: .exitCode(8)) {
      alarm(100)
      let signals = try Signals.stream()
      kill(getpid(), SIGTERM)
      for await signal in signals { exit(signal == .terminate && signal.isStop ? 8 : 1) }
    }
  }

  @Test func `A second request to end ends at once, though the first is never answered`() async {
    await #expect(processExitsWith: .exitCode(130)) {
      alarm(100)
      let first = Flag()
      try Signals.watch { _ in
        first.raise()
        while true { sleep(60) }
      }
      kill(getpid(), SIGTERM)
      while !first.isRaised { usleep(1_000) }
      kill(getpid(), SIGINT)
      while true { sleep(60) }
    }
  }

  @Test func `A new watcher takes the old one's place`() async {
    await #expect(processExitsWith: .exitCode(9)) {
      alarm(100)
      try Signals.watch { _ in exit(1) }
      try Signals.watch { signal in exit(signal == .interrupt ? 9 : 1) }
      kill(getpid(), SIGINT)
      while true { sleep(60) }
    }
  }

  @Test func `Signals that the parent has left blocked arrive`() async {
    await #expect(processExitsWith: .exitCode(10)) {
      alarm(100)
      var signals = sigset_t()
      unsafe sigfillset(&signals)
      unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
      // To this thread, as if there were no other; the watcher's is the one that inherits the mask.
      try Signals.watch { signal in exit(signal == .terminate ? 10 : 1) }
      kill(getpid(), SIGTERM)
      while true { sleep(60) }
    }
  }

  @Test func `A broken pipe is an error and not the end`() async {
    await #expect(processExitsWith: .success) {
      Signals.ignoreBrokenPipes()
      var ends: [Int32] = [0, 0]
      guard unsafe pipe(&ends) == 0 else { exit(1) }
      close(ends[0])
      var byte: UInt8 = 1
      let written = unsafe write(ends[1], &byte, 1)
      exit(written == -1 && errno == EPIPE ? 0 : 1)
    }
  }

  @Test(arguments: [(ProcessSignal.terminate, Int32(143)), (.interrupt, 130), (.hangUp, 129)])
  func `A signal's exit code is the shell's`(signal: ProcessSignal, code: Int32) {
    #expect(signal.exitCode == code)
  }
}

/// Told by one thread, seen by another.
private final class Flag: Sendable {
  private let state = Atomic(false)
  var isRaised: Bool { state.load(ordering: .acquiring) }
  func raise() { state.store(true, ordering: .releasing) }
}
