import Admin
import Glibc
import Logging
import Triggers

/// What the daemon serves on HTTP, over real connections.
enum HTTPTarget {
  static let target = HostileTarget(
    "http", "requests to the HTTP endpoint, over connections",
    pieces: [
      "GET ", "POST ", "HEAD ", " HTTP/1.1\r\n", " HTTP/1.0\r\n", " HTTP/9.9\r\n", "\r\n", "\r\n\r\n", "\n",
      "Host: ",
      "Host: localhost\r\n", "Host: evil.example\r\n", "Content-Length: 5\r\n", "Content-Length: -1\r\n",
      "Transfer-Encoding: chunked\r\n", "Connection: keep-alive\r\n", "Upgrade: websocket\r\n",
      "Expect: 100-continue\r\n",
      "Authorization: Bearer s3cret\r\n", "/v1/users/", "/v1/status", "/metrics", "/readyz", "/../",
      "%2e%2e/", "%00", "%",
      "%zz", "?a=b&&=", "#", "//", "http://evil/", "5\r\nabcde\r\n0\r\n\r\n",
      "X: " + String(repeating: "y", count: 9_000),
      "<script>", "\u{1F6D2}",
    ],
    seeds: {
      [
        "GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer s3cret\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:9322\r\nAuthorization: Bearer s3cret\r\n\r\n",
        "GET /v1/users/u%201 HTTP/1.1\r\nHost: [::1]:9322\r\nAuthorization: Bearer s3cret\r\nAccept: text/html\r\n\r\n",
        "GET /v1/status?x=1 HTTP/1.0\r\nHost: localhost\r\nAuthorization: bearer s3cret\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST /v1/status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
      ].map { Array($0.utf8) }
    },
    makeCheck: { try Requests() })

  /// A service with a user whose name is written as markup.
  private struct Source: AdminSource {
    func metrics() -> String { "ebb_users 7\n" }
    func ailments() -> [String] { [] }
    func obstacles() -> [String] { ["<nothing & nobody>"] }
    func status() -> [Fact] { [Fact("state", .text("<b>ready</b>"))] }
    func user(_ key: String) async -> UserLookup {
      key.utf8.count % 2 == 0 ? .unknown : .found([Fact("user", .text(key)), Fact("seen", .number(7))])
    }
  }

  private final class Requests: HostileCheck {
    private let server: AdminServer
    private var taken = 0
    private var answer = [UInt8](repeating: 0, count: 1 << 18)

    init() throws {
      server = try AdminServer.start(
        AdminServer.Options(host: "127.0.0.1", port: 0, token: "s3cret"), source: Source(),
        log: Logger(label: "fuzz"))
    }

    deinit { server.stop() }

    func take(_ input: [UInt8]) throws -> Bool {
      taken += 1
      let text = try exchange(input)
      if taken % 500 == 0 {
        let health = try exchange(
          Array("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8))
        try promise(health.hasPrefix("HTTP/1.1 200"), "it is not alive any more: \(health.prefix(80))")
      }
      // Whoever says nothing that is HTTP may be left without an answer.
      guard !text.isEmpty else { return false }
      try promise(text.hasPrefix("HTTP/1."), "an answer that is not HTTP: \(text.prefix(40))")
      let status = Int(text.dropFirst(9).prefix(3)) ?? 0
      try promise(
        [200, 400, 401, 403, 404, 405, 408, 413, 414, 417, 421, 431, 501, 503, 505].contains(status),
        "status \(status)")
      // Names from the request come back escaped, if at all, wherever a browser would read markup.
      let head = text.prefix(2_000).lowercased()
      let isPage =
        !head.contains("content-type: application/json") && !head.contains("content-type: text/plain")
      try promise(
        !isPage || !text.contains("<script>"), "markup of the request in the answer: \(text.prefix(600))")
      return status == 200
    }

    /// Sends all of it, says that nothing more comes, and reads to the end.
    private func exchange(_ input: [UInt8]) throws -> String {
      let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      guard connection >= 0 else { throw HostileFault("no socket: \(errno)") }
      defer { close(connection) }
      var limit = timeval(tv_sec: 12, tv_usec: 0)
      unsafe setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
      // Gone at once when it is closed: a hundred thousand of them wait for nothing.
      var linger = linger(l_onoff: 1, l_linger: 0)
      unsafe setsockopt(connection, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = in_port_t(server.port).bigEndian
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      let connected = unsafe withUnsafePointer(to: &address) { address in
        unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      guard connected == 0 else { throw HostileFault("nobody listens any more: errno \(errno)") }
      unsafe input.withUnsafeBytes {
        _ = unsafe send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      shutdown(connection, Int32(SHUT_WR))
      var count = 0
      while count < answer.count {
        let room = answer.count - count
        let read = unsafe answer.withUnsafeMutableBytes {
          unsafe recv(connection, $0.baseAddress! + count, room, 0)
        }
        if read < 0, errno == EAGAIN { throw HostileFault("no end of the answer within 12 s") }
        if read <= 0 { break }
        count += read
      }
      return String(decoding: answer[..<count], as: UTF8.self)
    }
  }
}
