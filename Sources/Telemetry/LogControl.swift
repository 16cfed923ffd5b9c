import Logging
import Synchronization

/// What all log lines of the process go by, and can be changed while it runs.
public final class LogControl: Sendable {
  private let state: Mutex<(level: Logger.Level, format: LogOutput.Format)>

  public init(level: Logger.Level, format: LogOutput.Format) {
    state = Mutex((level, format))
  }

  /// The least important line that is written.
  public var level: Logger.Level {
    get { state.withLock { $0.level } }
    set { state.withLock { $0.level = newValue } }
  }

  public var format: LogOutput.Format {
    get { state.withLock { $0.format } }
    set { state.withLock { $0.format = newValue } }
  }
}
