import CRdKafka
import Dispatch
import Glibc
import Pipeline
import Synchronization

/// One line of librdkafka's log.
public struct LogLine: Sendable, Hashable {
  /// As in syslog: 0 emergency to 7 debug.
  public var level: Int
  /// The library's short name for the place, such as `FAIL`.
  public var facility: String
  public var text: String
}

/// What a client tells besides the results of calls. The closures run on librdkafka's threads, several at a
/// time: they must be quick and must not call the client.
public struct ClientCallbacks: Sendable {
  public var log: (@Sendable (LogLine) -> Void)?
  /// The library's statistics as JSON, every `statistics.interval.ms` (set that property too).
  public var statistics: (@Sendable (String) -> Void)?

  public init(
    log: (@Sendable (LogLine) -> Void)? = nil, statistics: (@Sendable (String) -> Void)? = nil
  ) {
    self.log = log
    self.statistics = statistics
  }
}

/// What callbacks leave for the thread that polls.
final class ClientInbox: Sendable {
  /// A rebalance that has been announced and not yet been handed over.
  struct Rebalance: Sendable {
    var assigned: Bool
    var lost: Bool
    var partitions: [TopicPartition]
    /// Of an assignment.
    var membership: Membership?
  }

  struct Contents: Sendable {
    var errors: [KafkaError] = []
    /// Beyond the bound of `errors`; the repeated ones of a long outage.
    var errorsDropped = 0
    /// Why the brokers' certificate was refused last.
    var certificate: String?
    var rebalance: Rebalance?
  }

  static let maximumErrors = 64

  let callbacks: ClientCallbacks
  let security: ClientSecurity
  let tokenFile: TokenFile?
  let contents = Mutex(Contents())

  init(_ callbacks: ClientCallbacks, _ properties: ClientProperties) {
    self.callbacks = callbacks
    security = ClientSecurity(properties)
    tokenFile = properties.tokenFile
  }

  /// Adds what the library says of its connections.
  func add(_ code: KafkaError.Code, cause: String?, class errorClass: KafkaError.Class?) {
    let certificate = contents.withLock(\.certificate)
    add(security.error(code, cause: cause, class: errorClass, certificate: certificate))
  }

  func add(_ error: KafkaError) {
    contents.withLock { contents in
      if contents.errors.count < Self.maximumErrors {
        contents.errors.append(error)
      } else {
        contents.errorsDropped += 1
      }
    }
  }

  func takeErrors() -> [KafkaError] {
    contents.withLock { contents in
      let errors = contents.errors
      contents.errors.removeAll()
      return errors
    }
  }

  static func of(_ opaque: UnsafeMutableRawPointer?) -> ClientInbox? {
    guard let opaque = unsafe opaque else { return nil }
    return unsafe Unmanaged<ClientInbox>.fromOpaque(opaque).takeUnretainedValue()
  }
}

/// Owns one librdkafka client. Whoever holds a queue, a topic or another object of the client holds this too,
/// so that the client goes last; destroying it is bounded in time.
///
/// `@unchecked`: the pointer never changes, and librdkafka's clients may be used from any thread.
@safe final class ClientHandle: @unchecked Sendable {
  /// How long destroying may take before the client is left behind, in seconds. It can block for ever when
  /// a coordinator is gone; the process exits soon after in any case.
  static let destroySeconds = 10

  let pointer: OpaquePointer
  let inbox: ClientInbox
  let kind: ClientKind

  /// - Throws: a property that is not valid, or the reason why the client cannot start.
  init(
    _ kind: ClientKind, properties: ClientProperties, callbacks: ClientCallbacks,
    configure: (OpaquePointer) -> Void = { _ in }
  ) throws(KafkaError) {
    self.kind = kind
    inbox = ClientInbox(callbacks, properties)
    var configuration = Configuration()
    try configuration.set(properties)
    let retained = unsafe Unmanaged.passRetained(inbox).toOpaque()
    unsafe rd_kafka_conf_set_opaque(configuration.pointer, retained)
    unsafe rd_kafka_conf_set_log_cb(configuration.pointer, Self.logged)
    unsafe Self.secure(configuration.pointer, inbox)
    unsafe configure(configuration.pointer!)
    var text = [CChar](repeating: 0, count: 512)
    guard
      let client = unsafe rd_kafka_new(
        kind == .consumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, configuration.pointer, &text, text.count)
    else {
      unsafe Unmanaged<ClientInbox>.fromOpaque(retained).release()
      throw KafkaError(
        code: .invalidArgument, class: .other, message: "the Kafka \(kind.rawValue) cannot be started",
        hint: "correct the Kafka properties that the reason names", cause: text.text)
    }
    configuration.disown()
    unsafe pointer = client
    if inbox.tokenFile != nil { try unsafe Self.startTokens(client) }
  }

  deinit {
    // On a thread of its own, since there is no other way to give up waiting. What it still needs stays alive
    // through the retained inbox, which that thread releases when it is done.
    let work = unsafe DestroyWork(pointer: pointer, kind: kind, inbox: inbox)
    let done = work.done
    detachThread { work.run() }
    if done.wait(timeout: .now() + .seconds(Self.destroySeconds)) == .timedOut {
      inbox.callbacks.log?(
        LogLine(
          level: 4, facility: "DESTROY",
          text: "a Kafka \(kind.rawValue) did not end within \(Self.destroySeconds) s and is left behind"))
    }
  }

  private static let logged:
    @convention(c) (
      OpaquePointer?, Int32, UnsafePointer<CChar>?, UnsafePointer<CChar>?
    ) -> Void = { client, level, facility, text in
      guard let client = unsafe client, let inbox = unsafe ClientInbox.of(rd_kafka_opaque(client)),
        let log = inbox.callbacks.log
      else { return }
      log(
        LogLine(
          level: Int(level), facility: unsafe facility.map { unsafe String(cString: $0) } ?? "",
          text: unsafe text.map { unsafe String(cString: $0) } ?? ""))
    }

  /// Error callback for clients that are polled by callbacks.
  static let failed:
    @convention(c) (
      OpaquePointer?, Int32, UnsafePointer<CChar>?, UnsafeMutableRawPointer?
    ) -> Void = { client, code, reason, opaque in
      guard let inbox = unsafe ClientInbox.of(opaque) else { return }
      var text = unsafe reason.map { unsafe String(cString: $0) }
      var code = KafkaError.Code(rawValue: code)
      var errorClass: KafkaError.Class?
      if code == .fatal {
        var buffer = [CChar](repeating: 0, count: 512)
        code = unsafe KafkaError.Code(rd_kafka_fatal_error(client, &buffer, buffer.count))
        text = buffer.text
        errorClass = .fatal
      }
      inbox.add(code, cause: text, class: errorClass)
    }

  /// Statistics callback; 0: the library keeps the text.
  static let measured:
    @convention(c) (
      OpaquePointer?, UnsafeMutablePointer<CChar>?, Int, UnsafeMutableRawPointer?
    ) -> Int32 = { _, text, length, opaque in
      guard let text = unsafe text, let statistics = unsafe ClientInbox.of(opaque)?.callbacks.statistics
      else { return 0 }
      let bytes = unsafe UnsafeRawBufferPointer(start: text, count: length)
      unsafe statistics(String(decoding: bytes, as: UTF8.self))
      return 0
    }
}

/// Destroys a client. `@unchecked`: made on one thread, run on one other.
@safe private final class DestroyWork: @unchecked Sendable {
  let pointer: OpaquePointer
  let kind: ClientKind
  let inbox: ClientInbox
  let done = DispatchSemaphore(value: 0)

  init(pointer: OpaquePointer, kind: ClientKind, inbox: ClientInbox) {
    unsafe self.pointer = unsafe pointer
    self.kind = kind
    self.inbox = inbox
  }

  func run() {
    // A consumer that was to leave its group has been closed by now; one that was not stays a member until its
    // session ends.
    unsafe rd_kafka_destroy_flags(pointer, kind == .consumer ? RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE : 0)
    unsafe Unmanaged.passUnretained(inbox).release()
    done.signal()
  }
}

/// Runs a closure on a detached thread of its own. Traps if the system has no more threads.
func detachThread(_ body: @escaping @Sendable () -> Void) {
  final class Box {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  let argument = unsafe Unmanaged.passRetained(Box(body)).toOpaque()
  var thread = pthread_t()
  let result = unsafe pthread_create(
    &thread, nil,
    { argument in
      unsafe Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
      return nil
    }, argument)
  precondition(result == 0, "no thread can be started: error \(result)")
  pthread_detach(thread)
}
