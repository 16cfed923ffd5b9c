import Foundation
import Kafka
import TestSupport

/// What stands before an embedded broker and speaks TLS and SASL; see `security-peer.py`.
struct SecurityPeer {
  let process: RunningProcess
  let port: Int

  /// - Parameter options: beside the broker's port.
  init(before bootstrap: String, _ options: [String: Any]) async throws {
    var options = options
    options["upstream"] = Int(bootstrap.split(separator: ",")[0].split(separator: ":").last!)!
    let json = String(decoding: try JSONSerialization.data(withJSONObject: options), as: UTF8.self)
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "security-peer.py").path
    process = try RunningProcess(Binaries.tool("python3")!, [script, json])
    let first = try await process.wait(for: .output) { $0.contains("\n") }
    port = Int(first.prefix { $0 != "\n" })!
  }

  func properties(host: String = "localhost", _ values: [String: String]) -> ClientProperties {
    ClientProperties(bootstrap: "\(host):\(port)", values)
  }
}

/// Certificates made for one test, in a directory that goes with it.
final class Certificates {
  let directory: String
  private let openssl: String

  init(_ openssl: String) throws {
    self.openssl = openssl
    directory = FileManager.default.temporaryDirectory.appending(path: "ebb-tls-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    try makeAuthority("ca")
    try makeAuthority("other")
    try make("server", names: "DNS:localhost,IP:127.0.0.1")
    try make("expired", names: "DNS:localhost,IP:127.0.0.1", days: -1)
    try make("misnamed", names: "DNS:elsewhere.example")
    try make("client", names: "DNS:ebb")
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  func callAsFunction(_ name: String) -> String { "\(directory)/\(name)" }

  private func makeAuthority(_ name: String) throws {
    try call(
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
      self("\(name).key"), "-out", self("\(name).pem"), "-days", "2", "-subj", "/CN=\(name)")
  }

  private func make(_ name: String, names: String, days: Int = 2) throws {
    try call(
      "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
      self("\(name).key"),
      "-out", self("\(name).csr"), "-subj", "/CN=\(name)")
    try Data("subjectAltName=\(names)\n".utf8).write(to: URL(filePath: self("\(name).ext")))
    try call(
      "x509", "-req", "-in", self("\(name).csr"), "-CA", self("ca.pem"), "-CAkey", self("ca.key"),
      "-CAcreateserial",
      "-out", self("\(name).pem"), "-days", "\(days)", "-extfile", self("\(name).ext"))
  }

  private func call(_ arguments: String...) throws {
    guard try runBlocking(openssl, arguments) == 0 else { throw Failed(arguments: arguments) }
  }

  struct Failed: Error { var arguments: [String] }
}

/// A JWT without a signature, as a peer takes it.
func token(sub: String? = "ebb", expiresIn seconds: Double? = 3_600, _ more: [String: Any] = [:]) -> String {
  var claims = more
  if let sub { claims["sub"] = sub }
  if let seconds { claims["exp"] = Int(Date().timeIntervalSince1970 + seconds) }
  func part(_ object: [String: Any]) -> String {
    let data = (try? JSONSerialization.data(withJSONObject: object)) ?? Data()
    return data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing(
      "=", with: "")
  }
  return part(["alg": "none"]) + "." + part(claims) + "."
}
