import Dispatch
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Asks the endpoint of a daemon.
public struct AdminClient: Sendable {
  /// What came back.
  public struct Answer: Sendable {
    public let status: Int
    public let body: String
  }

  /// A longer answer is refused, bytes.
  public static let mostBytes = 16 << 20

  private let host: String
  private let port: Int
  private let token: String?
  private let seconds: Int64

  /// - Parameter seconds: how long an answer may take.
  public init(host: String, port: Int, token: String? = nil, seconds: Int64 = 10) {
    self.host = host
    self.port = port
    self.token = token
    self.seconds = seconds
  }

  /// As `get`, blocking; not to be called from a task.
  public func wait(for path: String) throws(AdminError) -> Answer {
    let outcome = Mutex<Result<Answer, AdminError>?>(nil)
    let done = DispatchSemaphore(value: 0)
    Task.detached {
      let result: Result<Answer, AdminError>
      do throws(AdminError) {
        result = .success(try await get(path))
      } catch {
        result = .failure(error)
      }
      outcome.withLock { $0 = result }
      done.signal()
    }
    done.wait()
    return try outcome.withLock { $0 }!.get()
  }

  /// - Parameter path: percent-encoded, with the slash before it.
  public func get(_ path: String) async throws(AdminError) -> Answer {
    do {
      let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connectTimeout(.seconds(seconds))
        .connect(host: host, port: port) { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHTTPClientHandlers()
            return try NIOAsyncChannel(
              wrappingChannelSynchronously: channel,
              configuration: .init(
                inboundType: HTTPClientResponsePart.self, outboundType: HTTPClientRequestPart.self))
          }
        }
      let end = channel.channel.eventLoop.scheduleTask(in: .seconds(seconds)) {
        channel.channel.close(promise: nil)
      }
      defer { end.cancel() }
      return try await exchange(path, channel)
    } catch let error as AdminError {
      throw error
    } catch {
      throw AdminError(
        .unreachable, "nobody answers at \(host) port \(port): \(error)",
        hint: "see whether ebbd runs (systemctl status ebbd) and what its http.listen says")
    }
  }

  private func exchange(
    _ path: String, _ channel: NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>
  ) async throws -> Answer {
    var headers = HTTPHeaders([("Host", host.contains(":") ? "[\(host)]" : host), ("Connection", "close")])
    if let token { headers.add(name: "Authorization", value: "Bearer \(token)") }
    let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: headers)
    return try await channel.executeThenClose { inbound, outbound in
      // In one piece: who refuses by the head alone answers and closes before a second could be written.
      try await outbound.write(contentsOf: [.head(head), .end(nil)])
      var status: Int?
      var body = ByteBuffer()
      for try await part in inbound {
        switch part {
        case .head(let head): status = Int(head.status.code)
        case .body(var bytes):
          guard body.readableBytes + bytes.readableBytes <= Self.mostBytes else {
            throw AdminError(
              .answer, "\(host) port \(port) answers more than \(Self.mostBytes) bytes",
              hint: "see whether that is ebbd")
          }
          body.writeBuffer(&bytes)
        case .end:
          guard let status else { break }
          return Answer(status: status, body: String(buffer: body))
        }
      }
      throw AdminError(
        .answer, "\(host) port \(port) ended the connection without an answer",
        hint: "it may be busy or stopping; try again")
    }
  }
}

extension AdminClient {
  /// A text as one component of a path.
  public static func encoded(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
      let isPlain =
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        || "-._~".utf8.contains(byte)
      if isPlain {
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        encoded += "%" + (digits.count == 1 ? "0" : "") + digits
      }
    }
    return encoded
  }
}
