import Foundation
import TestSupport
import Testing

@testable import Settings

/// How the brokers are reached and signed in to: what cannot be as it is written.
@Suite struct SecurityContradictionTests {
  private static func findings(_ lines: String) -> [String] {
    let (_, findings) = Configuration.parse(text: "kafka:\n\(lines)\n", file: "f")
    return findings.filter { $0.severity != .note }.map(\.description)
  }

  @Test(arguments: [
    (
      "  properties: {sasl.mechanism: PLAIN}",
      "f:2:32: error: sasl.mechanism is not used without SASL: security.protocol is plaintext; write "
    ),
    (
      "  properties: {security.protocol: sasl_ssl}",
      "f:2:35: error: security.protocol sasl_ssl needs sasl.mechanism; write one of PLAIN, SCRAM-SHA-256"
    ),
    (
      "  properties: {security.protocol: sasl_ssl, sasl.mechanism: SCRAM-SHA-1, sasl.username: a}",
      "f:2:61: error: sasl.mechanism 'SCRAM-SHA-1' is not known; write one of PLAIN"
    ),
    (
      "  properties: {security.protocol: sasl_ssl, sasl.mechanism: SCRAM-SHA-512}",
      "f:2:61: error: sasl.mechanism SCRAM-SHA-512 needs a user; write sasl.username"
    ),
    (
      "  properties: {security.protocol: sasl_plaintext, sasl.mechanism: PLAIN, sasl.username: a}",
      "f:2:67: warning: sasl_plaintext with PLAIN sends the password in the clear; write security.protocol: sasl_ssl"
    ),
    (
      "  properties: {security.protocol: sasl_ssl, sasl.mechanism: OAUTHBEARER}",
      "f:2:61: error: sasl.mechanism OAUTHBEARER needs a token; write kafka.token: {file: /path}"
    ),
    ("  token: {file: /t}", "f:2:10: error: kafka.token is not used without SASL; write "),
    ("  token: {credential: t}", "f:2:10: error: kafka.token takes {file: /absolute/path}"),
    ("  token: eyJhbGciOi", "f:2:10: error: kafka.token takes {file: /absolute/path}"),
    (
      "  properties: {ssl.ca.location: /ca.pem}",
      "f:2:33: error: ssl.ca.location is not used: security.protocol is plaintext, which encrypts nothing; write "
    ),
    (
      "  properties: {security.protocol: ssl, ssl.certificate.location: /c.pem}",
      "f:2:66: error: ssl.certificate.location has no key; write ssl.key.location"
    ),
    (
      "  properties: {security.protocol: ssl, ssl.key.location: /c.pem}",
      "f:2:58: error: the key has no certificate; write ssl.certificate.location"
    ),
    (
      "  properties: {security.protocol: ssl, enable.ssl.certificate.verification: false}",
      "f:2:77: warning: enable.ssl.certificate.verification is off: anyone in between can be the brokers; remove it"
    ),
    (
      "  properties: {security.protocol: ssl, ssl.endpoint.identification.algorithm: none}",
      "f:2:79: warning: ssl.endpoint.identification.algorithm none takes any certificate of the authority"
    ),
  ])
  func `A contradiction is told with its place and its remedy`(lines: String, told: String) {
    let findings = Self.findings(lines)
    #expect(findings.contains { $0.hasPrefix(told) }, "\(findings)")
  }

  @Test(arguments: [
    "  properties: {security.protocol: ssl, ssl.ca.location: /ca.pem}",
    "  properties: {security.protocol: SSL, ssl.certificate.location: /c.pem, ssl.key.location: /k.pem}",
    "  properties: {security.protocol: ssl, ssl.certificate.location: /c}\n  secrets: {ssl.key.pem: {file: /k}}",
    "  properties: {security.protocol: sasl_ssl, sasl.mechanism: SCRAM-SHA-512, sasl.username: a}\n"
      + "  secrets: {sasl.password: {file: /p}}",
    "  properties: {security.protocol: sasl_ssl, sasl.mechanism: OAUTHBEARER}\n  token: {file: /run/ebb/token}",
  ])
  func `A sound configuration is told nothing`(lines: String) {
    #expect(Self.findings(lines).isEmpty, "\(Self.findings(lines))")
  }

  @Test func `Files that are missing, not what they should be or open to all are told of`() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "ebb-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try Data("hello\n".utf8).write(to: URL(filePath: "\(directory)/ca.pem"))
    try Data("-----BEGIN PRIVATE KEY-----\n".utf8).write(to: URL(filePath: "\(directory)/key.pem"))
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: "\(directory)/key.pem")
    let text = """
      kafka:
        properties:
          security.protocol: ssl
          ssl.ca.location: \(directory)/ca.pem
          ssl.certificate.location: \(directory)/none.pem
          ssl.key.location: \(directory)/key.pem

      """
    var examination = Examination(text: text, file: "f")
    examination.lookForCertificates()
    let told = examination.findings.filter { $0.severity != .note }.map(\.description)
    #expect(
      told == [
        "f:4:22: error: kafka.properties.ssl.ca.location: \(directory)/ca.pem holds no certificate in PEM "
          + "(-----BEGIN ...); convert it by openssl",
        "f:5:31: warning: kafka.properties.ssl.certificate.location: \(directory)/none.pem is not to be seen from here; "
          + "ebbd run will need it",
        "f:6:23: warning: kafka.properties.ssl.key.location: anyone may read \(directory)/key.pem; chmod 0640 it",
      ])
  }

  @Test func `Hashed user ids need a key`() {
    func told(_ text: String) -> [String] {
      Configuration.parse(text: text, file: "f").1.filter { $0.severity != .note }.map(\.description)
    }
    #expect(
      told("privacy:\n  user_ids: hashed\n") == [
        "f:2:13: error: privacy.user_ids hashed needs a key; write privacy.key: {file: /path} or {credential: name}"
      ])
    #expect(told("privacy: {user_ids: hashed, key: {file: /k}}\n").isEmpty)
    #expect(told("privacy: {key: {file: /k}}\n").count == 1)
    #expect(told("privacy: {user_ids: hashed, key: abcdefgh}\n").allSatisfy { !$0.contains("abcdefgh") })
  }
}

/// What the page on security shows can be copied.
@Suite struct `Examples of the security page` {
  @Test func `Every configuration on it is accepted`() throws {
    let page = try String(contentsOfFile: Binaries.packageRoot + "/docs/security.md", encoding: .utf8)
    let examples = page.components(separatedBy: "```yaml\n").dropFirst().map {
      $0.components(separatedBy: "```")[0]
    }
    #expect(examples.count >= 4)
    for example in examples {
      let (configuration, findings) = Configuration.parse(text: example, file: "f")
      #expect(configuration != nil, "\(example)\n\(findings)")
    }
  }
}
