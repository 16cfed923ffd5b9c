import Kafka
import Pipeline
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct `Brokers that refuse` {
  /// A broker that speaks just enough of the protocol to refuse every password: ApiVersions, SaslHandshake,
  /// SaslAuthenticate (error 58).
  private static let refusingBroker = """
    import socket, struct, threading
    server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen(8)
    print(server.getsockname()[1], flush=True)
    def read(peer, count):
        data = b""
        while len(data) < count:
            part = peer.recv(count - len(data))
            if not part: raise EOFError
            data += part
        return data
    def serve(peer):
        try:
            while True:
                request = read(peer, struct.unpack(">i", read(peer, 4))[0])
                api, version, correlation = struct.unpack(">hhi", request[:8])
                if api == 18 and version > 0:
                    body = struct.pack(">hihhh", 35, 1, 18, 0, 0)
                elif api == 18:
                    known = [(18, 0, 0), (17, 0, 1), (36, 0, 1), (3, 0, 2)]
                    body = struct.pack(">hi", 0, len(known)) + b"".join(struct.pack(">hhh", *k) for k in known)
                elif api == 17:
                    body = struct.pack(">hih", 0, 1, 5) + b"PLAIN"
                else:
                    reason = b"Authentication failed: Invalid username or password"
                    body = struct.pack(">hh", 58, len(reason)) + reason + struct.pack(">iq", 0, 0)
                answer = struct.pack(">i", correlation) + body
                peer.sendall(struct.pack(">i", len(answer)) + answer)
        except (EOFError, OSError): peer.close()
    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
    """

  @Test func `A wrong password is told at once, in a sentence that does not show it`() async throws {
    let process = try RunningProcess(Binaries.python, ["-c", Self.refusingBroker])
    let port = try await process.wait(for: .output) { $0.hasSuffix("\n") }.dropLast()
    let properties = ClientProperties(
      bootstrap: "127.0.0.1:\(port)",
      [
        "security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN", "sasl.username": "shop",
        "sasl.password": "hunter2",
      ])
    let began = ContinuousClock.now
    var ended: PipelineError?
    do {
      _ = try Preflight.run(properties: properties, topics: ["clicks"], notice: { _ in })
    } catch {
      ended = error
    }
    let error = try #require(ended)
    #expect(ContinuousClock.now - began < promised(.seconds(5)))
    #expect(error.message.contains("refuse this user's name or password"), "\(error)")
    #expect(error.hint.contains("sasl.password"))
    #expect(!"\(error)".contains("hunter2"))
  }
}
