import Glibc
import Logging

/// A swift-log handler that writes one line a message to stderr.
///
/// On a terminal: `10:42:07 warning  Topic clickstream is missing  partition=3`. For the journal: a priority of
/// sd-daemon(3) in front, no time, since the journal has its own: `<4>Topic clickstream is missing partition=3`.
/// Messages and values pass through `Printable`: no line feed or escape sequence from outside gets through.
public struct LogOutput: LogHandler {
  public enum Format: Sendable, Hashable, CaseIterable {
    case terminal, journal

    /// `journal` if stderr goes to the journal (systemd sets `JOURNAL_STREAM`) and not to a terminal.
    public static func detected() -> Format {
      if isatty(STDERR_FILENO) == 1 { return .terminal }
      return unsafe getenv("JOURNAL_STREAM") == nil ? .terminal : .journal
    }
  }

  /// Longest message and longest metadata value, in characters; the rest is cut off.
  public static let maximumMessage = 2000
  public static let maximumValue = 256

  /// The control's, unless it has been set for this logger alone.
  public var logLevel: Logger.Level {
    get { ownLevel ?? control.level }
    set { ownLevel = newValue }
  }
  public var metadata: Logger.Metadata = [:]
  public var metadataProvider: Logger.MetadataProvider?
  private var ownLevel: Logger.Level?
  private let control: LogControl
  private let write: @Sendable (String) -> Void
  /// Seconds since 1970 UTC.
  private let clock: @Sendable () -> Int

  public init(_ control: LogControl) {
    self.init(control, clock: { time(nil) }, write: Self.writeToStandardError)
  }

  /// - Parameter write: gets each line with its line feed; called from any thread.
  public init(
    _ control: LogControl, clock: @escaping @Sendable () -> Int,
    write: @escaping @Sendable (String) -> Void
  ) {
    self.control = control
    self.clock = clock
    self.write = write
  }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  public func log(event: LogEvent) {
    var all = metadata
    if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
    if let own = event.metadata { all.merge(own) { $1 } }
    if let error = event.error { all["error"] = .string(String(describing: error)) }
    let message = Printable.text(event.message.description, limit: Self.maximumMessage)
    let pairs = all.sorted { $0.key < $1.key }.map { Self.pair($0.key, $0.value) }
    switch control.format {
    case .terminal:
      let level = Self.padded(event.level.rawValue, 8)
      write(([Self.timeOfDay(clock()) + " " + level + " " + message] + pairs).joined(separator: "  ") + "\n")
    case .journal:
      write("<\(Self.priority(event.level))>" + ([message] + pairs).joined(separator: " ") + "\n")
    }
  }

  /// syslog priorities, as sd-daemon(3) lists them.
  private static func priority(_ level: Logger.Level) -> Int {
    switch level {
    case .trace, .debug: 7
    case .info: 6
    case .notice: 5
    case .warning: 4
    case .error: 3
    case .critical: 2
    }
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  /// `key=value`, quoted where the value would otherwise not end where it seems to.
  private static func pair(_ key: String, _ value: Logger.Metadata.Value) -> String {
    let text = Printable.text(value.description, limit: maximumValue)
    let plain = !text.isEmpty && !text.contains { $0 == " " || $0 == "\"" || $0 == "=" || $0 == "\\" }
    let key = Printable.text(key, limit: 64)
    if plain { return "\(key)=\(text)" }
    let escaped = text.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] }
    return "\(key)=\"\(String(escaped))\""
  }

  /// Local time.
  private static func timeOfDay(_ seconds: Int) -> String {
    var moment = unsafe tm()
    var seconds = seconds
    guard unsafe localtime_r(&seconds, &moment) != nil else { return "--:--:--" }
    return unsafe [moment.tm_hour, moment.tm_min, moment.tm_sec]
      .map { ($0 < 10 ? "0" : "") + String($0) }.joined(separator: ":")
  }

  /// One `write` a line, so that the lines of several threads do not mix. A stderr that is gone is nobody's
  /// error to tell.
  private static func writeToStandardError(_ line: String) {
    var line = line
    line.withUTF8 { bytes in
      var done = 0
      while done < bytes.count {
        let written = unsafe Glibc.write(STDERR_FILENO, bytes.baseAddress! + done, bytes.count - done)
        if written < 0 && errno == EINTR { continue }
        guard written > 0 else { return }
        done += written
      }
    }
  }
}
