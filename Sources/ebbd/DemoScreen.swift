import Foundation
import Synchronization

/// Alert lines on standard output, above one status line on standard error that stays at the bottom of a
/// terminal; elsewhere the status is a line now and then.
final class DemoScreen: Sendable {
  private struct State {
    var alerts: Int64 = 0
    var status = ""
  }

  private let state = Mutex(State())

  private static let plainEverySeconds = 5

  /// Alerts shown.
  var alerts: Int64 { state.withLock { $0.alerts } }

  func alert(_ line: String) {
    state.withLock { state in
      state.alerts += 1
      Console.endProgress()
      try? FileHandle.standardOutput.write(contentsOf: Data((line + "\n").utf8))
      if !state.status.isEmpty { Console.progress(state.status) }
    }
  }

  /// A line for the operator.
  func line(_ line: String) {
    state.withLock { state in
      Console.endProgress()
      Console.say(line)
      if !state.status.isEmpty { Console.progress(state.status) }
    }
  }

  func status(_ text: String, second: Int) {
    state.withLock { state in
      if Console.isTerminal {
        state.status = text
        Console.progress(text)
      } else if second % Self.plainEverySeconds == 0 {
        Console.say(text)
      }
    }
  }

  func endStatus() {
    state.withLock { state in
      state.status = ""
      Console.endProgress()
    }
  }
}
