import Admin
import ClusterSupport
import Foundation
import Synchronization
import TestSupport

/// What an operator sees of an instance: what systemd is told, why it is not ready, its log, and its memory.
final class Watch: Sendable {
  /// A datagram, and when it came.
  struct Word: Sendable {
    var instant: ContinuousClock.Instant
    var text: String
  }

  private final class Heard: Sendable {
    let words = Mutex<[Word]>([])
    let isOver = Mutex(false)
  }

  private let socket: NotifySocket
  private let heard = Heard()

  /// Listens on a thread of its own, as systemd does.
  init() throws {
    socket = try NotifySocket()
    Thread { [heard, socket] in
      while !heard.isOver.withLock({ $0 }) {
        guard let text = socket.next(within: 1) else { continue }
        let word = Word(instant: .now, text: text)
        heard.words.withLock { $0.append(word) }
      }
    }.start()
  }

  deinit { heard.isOver.withLock { $0 = true } }

  /// For the process that is watched. The limit is the unit's.
  var environment: [String: String?] {
    ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": nil]
  }

  var words: [Word] { heard.words.withLock { $0 } }

  /// The longest time without a sign of life, from an instant to now.
  func longestSilence(since begin: ContinuousClock.Instant) -> Duration {
    let signs = words.filter { $0.text.contains("WATCHDOG=1") && $0.instant > begin }.map(\.instant)
    return zip([begin] + signs, signs + [.now]).map { $1 - $0 }.max() ?? .zero
  }

  /// Sentences on how things stand, since an instant.
  func sentences(since begin: ContinuousClock.Instant) -> [String] {
    words.filter { $0.instant > begin }
      .flatMap { $0.text.split(separator: "\n") }.filter { $0.hasPrefix("STATUS=") }
      .map { String($0.dropFirst(7)) }
  }
}

extension Instance {
  /// What `/readyz` answers, by a program in the same network as the process.
  func readiness(through wrapper: [String] = []) async throws -> (isReady: Bool, reasons: String) {
    guard let match = log.firstMatch(of: /serving at http:\/\/(127\.0\.0\.1:\d+)\n/) else {
      throw TestSupportError("\(name) does not serve:\n\(log.suffix(2_000))")
    }
    let address = String(match.1)
    if wrapper.isEmpty {
      let parts = address.split(separator: ":")
      let client = AdminClient(host: String(parts[0]), port: Int(parts[1])!)
      let answer = try await client.get("/readyz")
      return (answer.status == 200, answer.body)
    }
    let asked = try await run(
      Binaries.tool(wrapper[0]) ?? wrapper[0],
      wrapper.dropFirst() + [Binaries.path(of: "ebbd"), "status", "--address", address])
    guard asked.status == 0 || asked.status == 3 else { throw TestSupportError("\(asked.error)") }
    return (asked.status == 0, asked.output)
  }

  /// What its present process has in memory, MB.
  var residentMegabytes: Int {
    guard let identifier = processIdentifier,
      let text = try? String(contentsOfFile: "/proc/\(identifier)/status", encoding: .utf8),
      let match = text.firstMatch(of: /VmRSS:\s+(\d+) kB/), let kilobytes = Int(match.1)
    else { return 0 }
    return kilobytes / 1_024
  }

  /// Warnings and worse that its log holds behind so many characters.
  func complaints(after length: Int) -> [String] {
    log.dropFirst(length).split(separator: "\n").map(String.init)
      .filter { line in [" warning ", " error ", " critical "].contains { line.contains($0) } }
  }
}
