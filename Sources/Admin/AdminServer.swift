import Dispatch
import Glibc
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes
import NIOPosix
import Synchronization

/// The endpoint of a daemon.
///
/// | path | |
/// |---|---|
/// | `/metrics` | Prometheus |
/// | `/healthz`, `/readyz` | 200, or 503 with the reasons, a line each; no token is asked for |
/// | `/v1/status`, `/v1/users/{id}` | JSON |
/// | `/`, `/user?id=` | the same for people |
public final class AdminServer: Sendable {
  public struct Options: Sendable {
    /// A name or an address.
    public var host: String
    /// 0: any that is free.
    public var port: Int
    /// What requests must bring; nil: nothing.
    public var token: String?
    /// Names by which it may be asked for, beside `localhost` and addresses.
    public var names: [String]

    public init(host: String, port: Int, token: String? = nil, names: [String] = []) {
      self.host = host
      self.port = port
      self.token = token
      self.names = names
    }
  }

  /// Connections at a time; others wait.
  public static let mostConnections = 64
  /// From a connection's beginning to its end, seconds.
  public static let connectionSeconds: Int64 = 10
  /// All headers of a request together, bytes.
  public static let mostHeaderBytes = 16 << 10

  /// Where it listens.
  public let port: Int
  private let task: Task<Void, Never>

  private init(port: Int, task: Task<Void, Never>) {
    self.port = port
    self.task = task
  }

  /// Listens, and answers from then on.
  ///
  /// Blocks until it listens or cannot; not to be called from a task.
  public static func start(
    _ options: Options, source: any AdminSource, log: Logger
  ) throws(AdminError) -> AdminServer {
    let outcome = Mutex<Result<Int, AdminError>?>(nil)
    let known = DispatchSemaphore(value: 0)
    let settle: @Sendable (Result<Int, AdminError>) -> Void = { result in
      let isFirst = outcome.withLock { outcome in
        defer { if outcome == nil { outcome = result } }
        return outcome == nil
      }
      if isFirst { known.signal() }
    }
    var quiet = log
    // Its own lines are about connections, and its errors about those that it ends.
    quiet.logLevel = .critical
    let application = Application(
      responder: responder(options, source), server: .http1(configuration: channelConfiguration),
      configuration: ApplicationConfiguration(
        address: .hostname(options.host, port: options.port), backlog: 64,
        availableConnectionsDelegate: .maximum(mostConnections, logger: quiet)),
      onServerRunning: { settle(.success($0.localAddress?.port ?? options.port)) }, logger: quiet)
    let task = Task.detached {
      do {
        try await application.run()
        settle(.failure(refusal(options, "it was closed")))
      } catch {
        settle(.failure(refusal(options, cause(of: error))))
      }
    }
    known.wait()
    switch outcome.withLock({ $0 })! {
    case .success(let port): return AdminServer(port: port, task: task)
    case .failure(let error): throw error
    }
  }

  /// Ends it, without waiting.
  public func stop() { task.cancel() }

  private static func cause(of error: any Error) -> String {
    guard let error = error as? IOError else { return "\(error)" }
    return unsafe String(cString: strerror(error.errnoCode))
  }

  private static let referrerPolicy = HTTPField.Name("Referrer-Policy")!

  private static func refusal(_ options: Options, _ cause: String) -> AdminError {
    AdminError(
      .listen, "http.listen: cannot listen at \(options.host) port \(options.port): \(cause)",
      hint: "write a free address of this machine, or http.listen: off")
  }

  private static var channelConfiguration: HTTP1Channel.Configuration {
    HTTP1Channel.Configuration(
      additionalChannelHandlers: [OneRequest(limit: .seconds(connectionSeconds))],
      httpDecoderConfiguration: .init(
        maxHeaderFieldSize: mostHeaderBytes, maxHeaderListSize: mostHeaderBytes, maxHeaderFieldCount: 100))
  }

  private static func responder(
    _ options: Options, _ source: any AdminSource
  ) -> CallbackResponder<BasicRequestContext> {
    let answers = AdminAnswers(
      source: source, admission: Admission(token: options.token, names: options.names))
    return CallbackResponder { request, _ in
      let answer = await answers.answer(
        AdminAnswers.Question(
          method: request.method.rawValue, path: request.uri.path,
          host: request.head.authority ?? "", authorization: request.headers[.authorization],
          query: request.uri.query ?? ""))
      var headers: HTTPFields = [
        .contentType: answer.type, .connection: "close", .cacheControl: "no-store",
        .contentSecurityPolicy:
          "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        .xContentTypeOptions: "nosniff",
      ]
      headers[referrerPolicy] = "no-referrer"
      if answer.status == 401 { headers[.wwwAuthenticate] = "Bearer" }
      if answer.status == 405 { headers[.allow] = "GET" }
      return Response(
        status: HTTPResponse.Status(code: answer.status), headers: headers,
        body: ResponseBody(byteBuffer: ByteBuffer(string: answer.body)))
    }
  }
}
