import Foundation
import TestSupport
import Testing

@testable import Kafka

/// Encrypted connections and signing in, against a peer that stands before the embedded broker.
@Suite(.timeLimit(.minutes(5)), .serialized) struct `Security` {
  private static let secret = "correct-horse"

  /// nil, aloud: what the tests need is not on this machine.
  private static func tools() -> String? {
    guard Binaries.tool("python3") != nil, let openssl = Binaries.tool("openssl") else {
      print("SKIPPED: security: python3 or openssl is not on this machine")
      return nil
    }
    return openssl
  }

  /// What an operator is told; nil: the topics came.
  private static func told(_ properties: ClientProperties, seconds: Int32 = 20) throws -> String? {
    let admin = try Admin(properties: properties)
    do throws(KafkaError) {
      _ = try admin.topics(timeoutMilliseconds: seconds * 1_000)
      return nil
    } catch {
      #expect(!"\(error)".contains(secret))
      return "\(error)"
    }
  }

  @Test func `TLS: the authority, the name, the time and the client's certificate are each told of`()
    async throws
  {
    guard let openssl = Self.tools() else { return }
    let made = try Certificates(openssl)
    let broker = try cluster()
    let bootstrap = broker.bootstrap
    let ssl = ["security.protocol": "ssl", "ssl.ca.location": made("ca.pem")]
    func peer(_ name: String, clients: Bool = false) async throws -> SecurityPeer {
      var options: [String: Any] = ["certificate": made("\(name).pem"), "key": made("\(name).key")]
      if clients { options["clients"] = made("ca.pem") }
      return try await SecurityPeer(before: bootstrap, options)
    }
    let server = try await peer("server")
    #expect(try Self.told(server.properties(ssl)) == nil)
    let foreign = try #require(
      try Self.told(server.properties(ssl.merging(["ssl.ca.location": made("other.pem")]) { $1 })))
    #expect(
      foreign.hasPrefix("the brokers' certificate is refused: no authority in ssl.ca.location has issued it"))
    let expiredPeer = try await peer("expired")
    let expired = try #require(try Self.told(expiredPeer.properties(ssl)))
    #expect(expiredPeer.process.isRunning)
    #expect(expired.hasPrefix("the brokers' certificate is refused: it ran out"), "\(expired)")
    let misnamedPeer = try await peer("misnamed")
    let misnamed = try #require(try Self.told(misnamedPeer.properties(ssl)))
    #expect(misnamedPeer.process.isRunning)
    #expect(
      misnamed.hasPrefix("the brokers' certificate is refused: it is for another name or address"),
      "\(misnamed)")

    let strict = try await peer("server", clients: true)
    let missing = try #require(try Self.told(strict.properties(ssl)))
    #expect(
      missing.hasPrefix("the brokers ask for a client's certificate, and none is configured"), "\(missing)")
    let own = ["ssl.certificate.location": made("client.pem"), "ssl.key.location": made("client.key")]
    #expect(try Self.told(strict.properties(ssl.merging(own) { $1 })) == nil)
    broker.stays()
  }

  @Test(arguments: ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
  func `A password lets in, a wrong one is told of and never shown`(mechanism: String) async throws {
    guard Self.tools() != nil else { return }
    let broker = try cluster()
    let bootstrap = broker.bootstrap
    let peer = try await SecurityPeer(before: bootstrap, ["mechanism": mechanism, "password": Self.secret])
    var properties = peer.properties([
      "security.protocol": "sasl_plaintext", "sasl.mechanism": mechanism, "sasl.username": "ebb",
      "sasl.password": Self.secret,
    ])
    #expect(try Self.told(properties) == nil)
    properties["sasl.password"] = "wrong-" + Self.secret
    let refused = try #require(try Self.told(properties))
    #expect(refused.hasPrefix("the brokers refuse this user's name or password"), "\(refused)")
    #expect(
      refused.contains("check sasl.username and sasl.password")
        || refused.contains("check sasl.username, sasl"))
    broker.stays()
  }

  @Test
  func `Brokers that check SCRAM strictly: librdkafka before 2.6.1 is named as the cause, with the remedy`()
    async throws
  {
    guard Self.tools() != nil else { return }
    let broker = try cluster()
    let bootstrap = broker.bootstrap
    let peer = try await SecurityPeer(
      before: bootstrap, ["mechanism": "SCRAM-SHA-256", "password": Self.secret, "strict": true])
    let properties = peer.properties([
      "security.protocol": "sasl_plaintext", "sasl.mechanism": "SCRAM-SHA-256", "sasl.username": "ebb",
      "sasl.password": Self.secret,
    ])
    let answer = try Self.told(properties)
    if LibraryVersion.current.isBeforeStrictScram {
      #expect(try #require(answer).contains("for Kafka 4 and newer install librdkafka 2.6.1 or newer"))
      #expect(LibraryVersion.current.warnings(for: properties).count == 1)
    } else {
      #expect(answer == nil)
      #expect(LibraryVersion.current.warnings(for: properties).isEmpty)
    }
    broker.stays()
  }

  @Test func `A token: missing, run out, refused, and renewed while the client runs`() async throws {
    guard Self.tools() != nil else { return }
    let broker = try cluster()
    let bootstrap = broker.bootstrap
    let peer = try await SecurityPeer(before: bootstrap, ["mechanism": "OAUTHBEARER"])
    let path = FileManager.default.temporaryDirectory.appending(path: "ebb-token-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    func write(_ token: String) throws {
      try Data(token.utf8).write(to: URL(filePath: path), options: .atomic)
    }
    var properties = peer.properties(["security.protocol": "sasl_plaintext", "sasl.mechanism": "OAUTHBEARER"])
    properties.tokenFile = TokenFile(path)

    // One client: it starts without a token, and signs in when there is one.
    let admin = try Admin(properties: properties)
    let error = #expect(throws: KafkaError.self) { try admin.topics(timeoutMilliseconds: 5_000) }
    #expect(error?.class == .retriable)
    #expect(error?.description.contains("there is no file \(path)") == true, "\(String(describing: error))")
    try write(token(expiresIn: -90))
    let late = try #require(try Self.told(properties))
    #expect(late.contains("ran out 9"), "\(late)")
    try write(token(expiresIn: 25, ["jti": "first"]))
    _ = try eventually(within: 60, "signing in with the token") {
      try? admin.topics(timeoutMilliseconds: 2_000)
    }
    // At four fifths of its time the file is read again.
    try write(token(["jti": "second"]))
    let expiry = try #require(properties.tokenFile?.standing.expiresAt)
    _ = try eventually(within: 60, "the renewed token read") {
      properties.tokenFile.flatMap { ($0.standing.expiresAt ?? 0) > expiry ? true : nil }
    }
    #expect(try Self.told(properties) == nil)
    #expect(peer.process.text(.output).contains("signed in second"))
    try write(token(["foreign": true]))
    let refused = try #require(try Self.told(properties))
    #expect(refused.hasPrefix("the brokers refuse the token"), "\(refused)")
    broker.stays()
  }

  @Test(arguments: [
    ("", "is empty"), ("one.two", "holds no JWT"), ("a.b.c.d", "holds no JWT"), ("a.!!.c", "holds no JWT"),
    ("e30.e30.", "names nobody"), ("e30.W10.", "no readable claims"), ("e30._w.", "no readable claims"),
    (token(sub: ""), "names nobody"), (token(sub: "a\nb"), "names nobody"),
    (token(expiresIn: nil), "when it runs out"),
    (token(expiresIn: -10), "ran out"), (token(sub: nil), "names nobody"),
  ])
  func `A file that holds no token is told of without what it holds`(content: String, told: String) {
    let error = #expect(throws: TokenFile.Unusable.self) {
      try TokenFile.parse(bytes(content), "/run/token", now: Int64(Date().timeIntervalSince1970 * 1_000))
    }
    #expect(error?.description.contains(told) == true, "\(String(describing: error))")
    #expect(error?.description.contains("/run/token") == true)
    if content.count > 3 { #expect(error?.description.contains(content) == false) }
  }

  @Test func `Any bytes are a token or an error`() {
    var generator = SystemRandomNumberGenerator()
    let good = bytes(token())
    for _ in 0..<20_000 {
      var content = good
      for _ in 0..<Int.random(in: 0...4, using: &generator) {
        content[Int.random(in: content.indices, using: &generator)] = .random(in: 0...255, using: &generator)
      }
      _ = try? TokenFile.parse(content, "f", now: 0)
    }
    #expect(throws: Never.self) { try TokenFile.parse(good + bytes("\r\n"), "f", now: 0) }
  }

  @Test func `What a library was built without is told of`() {
    let properties = ClientProperties(["security.protocol": "sasl_ssl", "sasl.mechanism": "SCRAM-SHA-512"])
    #expect(LibraryVersion.lacks(for: properties, features: ["ssl", "sasl_scram"]).isEmpty)
    let told = LibraryVersion.lacks(for: properties, features: ["sasl_plain"])
    #expect(told.count == 2 && told[1].contains("without SCRAM-SHA-512"), "\(told)")
    #expect(LibraryVersion.features.contains("ssl"))
  }
}

extension EmbeddedBroker {
  /// Called last, it keeps the broker until then.
  fileprivate borrowing func stays() {}
}
