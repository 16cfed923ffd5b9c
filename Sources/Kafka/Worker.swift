import Dispatch
import Synchronization

/// A thread of its own that can be woken and asked to end, and that nobody waits for without a bound.
final class Worker: Sendable {
  private let work = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)
  private let stopping = Atomic(false)

  init() {}

  /// Starts the thread; `body` returns soon after `isStopping` is true.
  func start(_ body: @escaping @Sendable () -> Void) {
    detachThread { [self] in
      body()
      ended.signal()
    }
  }

  var isStopping: Bool { stopping.load(ordering: .acquiring) }

  /// Something has come for the thread.
  func wake() { work.signal() }

  /// On the thread: waits at most so long for a `wake`; nil: until one comes.
  func waitForWork(milliseconds: Int? = nil) {
    if let milliseconds {
      _ = work.wait(timeout: .now() + .milliseconds(milliseconds))
    } else {
      work.wait()
    }
  }

  /// On the thread: lets a little time pass.
  func rest() { pause(milliseconds: 50) }

  /// Asks the thread to end, and waits for that at most so long. After that it is left behind: it can be held up by
  /// brokers that are away, and the process is about to end in any case.
  ///
  /// - Returns: whether it ended in time.
  @discardableResult
  func stop(withinMilliseconds milliseconds: Int) -> Bool {
    stopping.store(true, ordering: .releasing)
    work.signal()
    return ended.wait(timeout: .now() + .milliseconds(milliseconds)) == .success
  }
}
