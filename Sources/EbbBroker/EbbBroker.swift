import ArgumentParser
import Glibc
import Kafka
import Synchronization

/// The embedded broker as a process of its own, so that it outlives the daemon under test.
@main
struct EbbBroker: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ebb-broker",
    abstract: "Runs the embedded Kafka broker on the loopback address, for tests.",
    discussion: """
      The first line on standard output is bootstrap=HOST:PORT. It runs until it is interrupted or terminated, or, \
      where standard input is a pipe, until that ends. It keeps 5 MiB and 100,000 batches a partition and drops the \
      oldest beyond that. SIGUSR1 takes all brokers down (clients are disconnected and refused, records stay), SIGUSR2 \
      brings them up again; standard output says when that is done.

      Where standard input is a pipe, each line of it is an order, and standard output repeats it once it is done, or \
      says error: and why not:

      \(Order.help)
      """)

  @Option(help: "How many brokers.")
  var brokers = 1

  @Option(
    name: .customLong("topic"),
    help: ArgumentHelp("A topic to create; repeat for several.", valueName: "name:partitions"))
  var topics: [String] = []

  @Option(
    name: .customLong("round-trip"), help: ArgumentHelp("Delay of every answer.", valueName: "milliseconds"))
  var roundTrip: Int32 = 0

  func validate() throws {
    guard (1...16).contains(brokers) else { throw ValidationError("--brokers must be 1 to 16") }
    guard (0...60_000).contains(roundTrip) else { throw ValidationError("--round-trip must be 0 to 60000") }
    for topic in topics where Self.parse(topic) == nil {
      throw ValidationError("--topic \(topic): expected NAME:PARTITIONS with 1 to 1024 partitions")
    }
  }

  private static func parse(_ text: String) -> (name: String, partitions: Int)? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, let partitions = Int(parts[1]),
      (1...1024).contains(partitions)
    else { return nil }
    return (String(parts[0]), partitions)
  }

  func run() throws {
    // Blocked before any thread starts, so that every thread inherits it and only `sigwait` sees them.
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM] { unsafe sigaddset(&signals, signal) }
    unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)

    let broker = try EmbeddedBroker(brokers: brokers)
    for text in topics {
      guard let topic = Self.parse(text) else { continue }
      try broker.createTopic(topic.name, partitions: topic.partitions)
    }
    if roundTrip > 0 { try broker.setRoundTrip(milliseconds: roundTrip) }
    print("bootstrap=\(broker.bootstrap)")
    fflush(nil)

    Self.listen()
    var signal: Int32 = 0
    while true {
      unsafe sigwait(&signals, &signal)
      switch signal {
      case SIGUSR1:
        try broker.takeDown()
        print("down")
      case SIGUSR2:
        try broker.bringUp()
        print("up")
      case SIGALRM:
        for line in Self.orders.withLock({ lines in
          defer { lines.removeAll() }
          return lines
        }) {
          print(Order.answer(line, broker))
        }
      default: return
      }
      fflush(nil)
    }
  }

  /// Lines of standard input that nobody has seen to yet. The thread that reads them raises SIGALRM, so that one
  /// thread does everything.
  private static let orders = Mutex<[String]>([])

  /// Reads orders if standard input is a pipe, and terminates this process when it ends: then whoever started it is
  /// gone.
  private static func listen() {
    var status = stat()
    guard unsafe fstat(STDIN_FILENO, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else { return }
    var thread = pthread_t()
    unsafe pthread_create(
      &thread, nil,
      { _ in
        // Not `readLine`: it holds the stream's lock while it waits, and `fflush(nil)` wants every stream's.
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while unsafe read(STDIN_FILENO, &byte, 1) > 0 {
          guard byte == UInt8(ascii: "\n") else {
            line.append(byte)
            continue
          }
          EbbBroker.orders.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
          line.removeAll()
          kill(getpid(), SIGALRM)
        }
        kill(getpid(), SIGTERM)
        return nil
      }, nil)
    pthread_detach(thread)
  }
}
