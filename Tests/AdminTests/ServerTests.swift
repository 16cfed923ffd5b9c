import Foundation
import Logging
import TestSupport
import Testing
import Triggers

@testable import Admin

/// The server on a socket, asked by our client and by connections that misbehave.
@Suite(.serialized, .timeLimit(.minutes(2))) struct `The endpoint on a socket` {
  private static func serve<Result>(
    _ source: StandIn = StandIn(), token: String? = nil, _ body: (AdminServer) throws -> Result
  ) throws -> Result {
    let server = try AdminServer.start(
      AdminServer.Options(host: "127.0.0.1", port: 0, token: token), source: source,
      log: Logger(label: "test"))
    defer { server.stop() }
    return try body(server)
  }

  @Test func `It answers our client, with a token if it wants one`() throws {
    try Self.serve(StandIn(users: ["a/ü": [Fact("user", .text("a/ü"))]]), token: "s3cret") { server in
      let client = AdminClient(host: "127.0.0.1", port: server.port, token: "s3cret")
      let found = try client.wait(for: "/v1/users/" + AdminClient.encoded("a/ü"))
      #expect(found.status == 200)
      #expect(found.body == "{\"user\":\"a/ü\"}\n")
      #expect(try AdminClient(host: "127.0.0.1", port: server.port).wait(for: "/metrics").status == 401)
      #expect(try AdminClient(host: "127.0.0.1", port: server.port).wait(for: "/healthz").status == 200)
    }
  }

  @Test func `A browser is told to trust nothing but the page itself`() throws {
    try Self.serve { server in
      let answer = try Connection(server.port).exchange("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
      for header in [
        "content-security-policy: default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
          + "frame-ancestors 'none'", "x-content-type-options: nosniff", "cache-control: no-store",
        "referrer-policy: no-referrer", "connection: close",
      ] {
        #expect(answer.lowercased().contains("\r\n\(header)\r\n"), "\(header)")
      }
      #expect(!answer.lowercased().contains("access-control-"))
      #expect(!answer.contains("<script"))
    }
  }

  @Test(arguments: [
    "\u{16}\u{3}\u{1}garbage\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nX: \(String(repeating: "a", count: 100_000))\r\n\r\n",
    "GET / HTTP/1.1\r\n" + String(repeating: "X: y\r\n", count: 5_000) + "\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: nonsense\r\n\r\n",
  ])
  func `What is no request, or too much of one, is refused`(bytes: String) throws {
    try Self.serve { server in
      let answer = try Connection(server.port).exchange(bytes)
      #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 400 "), "\(answer.prefix(80))")
      #expect(try AdminClient(host: "127.0.0.1", port: server.port).wait(for: "/healthz").status == 200)
    }
  }

  @Test func `Who dribbles is cut off, and so is who asks again on the same connection`() throws {
    try Self.serve { server in
      let two = try Connection(server.port).exchange(
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(two.components(separatedBy: "HTTP/1.1 200").count == 2)
      let connection = try Connection(server.port)
      let began = ContinuousClock.now
      #expect(connection.send("GET / HTTP/1.1\r\nX: "))
      for _ in 0..<60 {
        guard connection.send("a") else { break }
        Thread.sleep(forTimeInterval: 0.25)
      }
      let took = ContinuousClock.now - began
      #expect(took >= .seconds(AdminServer.connectionSeconds - 1) && took < .seconds(14), "\(took)")
    }
  }

  @Test func `Many who hold on keep nobody out for longer than a connection lasts`() throws {
    try Self.serve { server in
      let idle = try (0..<100).map { _ in try Connection(server.port) }
      let client = AdminClient(host: "127.0.0.1", port: server.port, seconds: 30)
      #expect(try client.wait(for: "/healthz").status == 200)
      _ = idle.count
    }
  }

  @Test func `An address that is taken is refused with what helps`() throws {
    try Self.serve { server in
      let error = #expect(throws: AdminError.self) {
        try AdminServer.start(
          AdminServer.Options(host: "127.0.0.1", port: server.port), source: StandIn(),
          log: Logger(label: "test"))
      }
      #expect(error?.code == .listen)
      let told = try #require(error).description
      #expect(told.hasPrefix("http.listen: cannot listen at 127.0.0.1 port \(server.port): "))
      #expect(told.hasSuffix("write a free address of this machine, or http.listen: off"))
    }
  }

  @Test func `Our client says it when nobody answers, or something else does`() throws {
    let closed = try LoopbackPort()
    let error = #expect(throws: AdminError.self) {
      _ = try AdminClient(host: "127.0.0.1", port: closed.number, seconds: 5).wait(for: "/")
    }
    #expect(error?.code == .unreachable)
  }
}

/// A plain TCP connection.
private final class Connection {
  private let descriptor: Int32

  init(_ port: Int) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let status = unsafe withUnsafePointer(to: &address) { address in
      unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(status == 0)
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  /// Whether it was taken.
  func send(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    var done = 0
    while done < bytes.count {
      let rest = Array(bytes[done...])
      let sent = unsafe Glibc.send(descriptor, rest, rest.count, Int32(MSG_NOSIGNAL))
      if sent <= 0 { return false }
      done += sent
    }
    return true
  }

  /// Everything that comes back, until the other end closes.
  func exchange(_ text: String) throws -> String {
    _ = send(text)
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    while true {
      let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
      if count <= 0 { break }
      answer += buffer[..<count]
    }
    return String(decoding: answer, as: UTF8.self)
  }
}
