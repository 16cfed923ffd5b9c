import Admin
import Foundation
import Glibc
import Telemetry
import TestSupport

/// What `ebbd status` and `ebbd user` are answered, by whoever listens there.
enum AnswerTarget {
  static let target = HostileTarget(
    "answers", "answers to ebbd status and ebbd user, over connections", share: 10,
    pieces: [
      "HTTP/1.1 200 OK\r\n", "HTTP/1.0 500 \r\n", "HTTP/1.1 100 Continue\r\n\r\n",
      "HTTP/1.1 204 No Content\r\n", "\r\n",
      "\r\n\r\n", "Content-Length: 5\r\n", "Content-Length: 99999999999999999999\r\n",
      "Content-Length: -1\r\n",
      "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip, chunked\r\n", "5\r\nabcde\r\n", "0\r\n\r\n",
      "FFFFFFFFFFFFFFFF\r\n", "Connection: Upgrade\r\nUpgrade: websocket\r\n",
      "X: " + String(repeating: "y", count: 9_000),
      "\u{1B}[2J", "\u{7}", "\u{9B}",
    ],
    seeds: {
      [
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\nConnection: close\r\n\r\nstate: ready",
        "HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n3;x=y\r\nfgh\r\n0\r\nA: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nuntil the end of the connection",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
      ].map { Array($0.utf8) }
    },
    makeCheck: { try Answers() })

  private final class Answers: HostileCheck {
    private let port: LoopbackPort
    private let client: AdminClient

    init() throws {
      port = try LoopbackPort(backlog: 8)
      client = AdminClient(host: "127.0.0.1", port: port.number, token: "s3cret", seconds: 5)
    }

    func take(_ input: [UInt8]) throws -> Bool {
      let listener = port.descriptor
      let server = Thread { Self.answer(listener, input) }
      server.start()
      switch Result(catching: { () throws(AdminError) in try client.wait(for: "/v1/status") }) {
      case .failure(let error):
        try promise(!error.cause.isEmpty && !error.hint.isEmpty, "a refusal without cause or remedy")
        return false
      case .success(let answer):
        try promise((0...999).contains(answer.status), "status \(answer.status)")
        // A byte that is no text becomes a character of three.
        try promise(answer.body.utf8.count <= 3 * input.count, "more came than was sent")
        let shown = Printable.lines(answer.body)
        try promise(
          shown.unicodeScalars.allSatisfy {
            $0 == "\n" || $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value)
          },
          "what is shown moves the terminal")
        return true
      }
    }

    /// Takes one connection, reads what is asked, answers, and closes.
    private static func answer(_ listener: Int32, _ bytes: [UInt8]) {
      let connection = accept(listener, nil, nil)
      guard connection >= 0 else { return }
      var asked: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 4_096)
      while !asked.ends(with: "\r\n\r\n".utf8) {
        let count = unsafe recv(connection, &buffer, buffer.count, 0)
        if count <= 0 { break }
        asked += buffer[..<count]
      }
      unsafe bytes.withUnsafeBytes {
        _ = unsafe send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      close(connection)
    }
  }
}

extension [UInt8] {
  fileprivate func ends(with other: some Collection<UInt8>) -> Bool {
    count >= other.count && self[(count - other.count)...].elementsEqual(other)
  }
}
