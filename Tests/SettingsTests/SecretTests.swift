import Foundation
import TestSupport
import Testing

@testable import Settings

@Suite struct SecretTests {
  static let password = "correct-horse"

  @Test(arguments: [
    "kafka: {properties: {sasl.password: correct-horse}}",
    "kafka: {properties: {ssl.key.password: correct-horse}}",
    "kafka: {properties: {sasl.oauthbearer.client.secret: correct-horse}}",
    "kafka: {properties: {ssl.key.pem: correct-horse}}",
    "kafka: {properties: {SASL.PASSWORD: correct-horse}}",
    "kafka: {secrets: {sasl.password: correct-horse}}",
    "kafka: {secrets: {sasl.password: {value: correct-horse}}}",
    "kafka: {secrets: {sasl.password: {file: correct-horse}}}",
    "kafka: {secrets: {sasl.password: [correct-horse]}}",
    "kafka: {sasl.password: correct-horse}",
  ])
  func `A secret in the file is refused, with the remedy and without the secret`(text: String) {
    let (configuration, findings) = Configuration.parse(text: text, file: "f")
    #expect(configuration == nil)
    let told = findings.map(\.description).joined(separator: "\n")
    #expect(!told.contains(Self.password))
    #expect(told.contains("error"))
  }

  @Test func `The remedy names the property`() {
    let (_, findings) = Configuration.parse(
      text: "kafka: {properties: {sasl.password: x}}", file: "f")
    #expect(
      findings.first { $0.severity == .error }?.description
        == "f:1:22: error: sasl.password is a secret and does not stand in this file; write kafka.secrets: "
        + "{sasl.password: {file: /path}} or {credential: name}")
  }

  @Test func `A secret is never shown`() {
    let secret = Secret(Self.password)
    #expect("\(secret)" == "<secret>")
    #expect(String(reflecting: secret) == "<secret>")
    #expect(!"\([secret])\(["a": secret])\(String(describing: Optional(secret)))".contains(Self.password))
    var dumped = ""
    dump(secret, to: &dumped)
    #expect(!dumped.contains(Self.password))
  }

  @Test func `A secret is read from its file or its credential, without the line break at the end`() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "ebb-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let file = directory.appending(path: "password").path
    for (content, value) in [("a b\n", "a b"), ("a\r\n", "a"), ("a", "a"), ("a\n\n", "a\n")] {
      try Data(content.utf8).write(to: URL(filePath: file))
      #expect(try SecretSource.file(file).read(credentials: nil).value == value)
      #expect(try SecretSource.credential("password").read(credentials: directory.path).value == value)
    }
    try Data("\n".utf8).write(to: URL(filePath: file))
    #expect(throws: SettingsError.self) { try SecretSource.file(file).read(credentials: nil) }
    #expect(throws: SettingsError.self) { try SecretSource.credential("password").read(credentials: nil) }
    let error = #expect(throws: SettingsError.self) {
      try SecretSource.file(file + "x").read(credentials: nil)
    }
    #expect(error?.description == "there is no file \(file)x; check the path")
  }

  @Test func `A file of secrets that anyone may read is told of`() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "ebb-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    try Data("x".utf8).write(to: URL(filePath: file))
    let text =
      "kafka:\n  properties: {security.protocol: sasl_ssl, sasl.mechanism: PLAIN, sasl.username: ebb}\n  secrets: {sasl.password: {file: \(file)}}\n"
    func told() -> [String] {
      var examination = Examination(text: text, file: "f")
      examination.lookForSecrets()
      return examination.findings.filter { $0.severity != .note }.map(\.description)
    }
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
    #expect(
      told() == ["f:3:28: warning: kafka.secrets.sasl.password: anyone may read \(file); chmod 0640 it"])
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
    #expect(told().isEmpty)
    try FileManager.default.removeItem(atPath: file)
    #expect(told().count == 1)
  }

  @Test(arguments: [
    ("enable.auto.commit", "false"), ("enable.auto.offset.store", "true"), ("auto.offset.reset", "latest"),
    ("group.id", "x"), ("group.instance.id", "x"), ("bootstrap.servers", "x:1"), ("client.rack", "a"),
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("partition.assignment.strategy", "range,cooperative-sticky"),
    ("isolation.level", "read_uncommitted"), ("transactional.id", "x"), ("transaction.timeout.ms", "1000"),
    ("enable.idempotence", "false"),
    ("acks", "1"), ("request.required.acks", "0"), ("message.timeout.ms", "600000"), ("retries", "0"),
    ("max.in.flight", "6"), ("enable.partition.eof", "false"), ("partitioner", "random"),
    ("allow.auto.create.topics", "true"), ("delivery.report.only.error", "true"), ("log_cb", "x"),
    ("test.mock.num.brokers", "3"), ("plugin.library.paths", "x"),
  ])
  func `A property that would break delivery is refused with the reason`(name: String, value: String) throws {
    let text = "kafka:\n  properties:\n    \(name): \(value)\n"
    let (configuration, findings) = Configuration.parse(text: text, file: "f")
    #expect(configuration == nil)
    let error = try #require(findings.first { $0.severity == .error })
    #expect(error.line == 3 && error.column == 5)
    #expect(error.message.hasPrefix("kafka.properties: \(name) "))
    #expect(["remove it", "write ", "use "].contains { error.message.contains($0) }, "\(error.message)")
  }

  @Test(arguments: [
    ("partition.assignment.strategy", "roundrobin"), ("max.in.flight", "5"), ("fetch.max.bytes", "2000000"),
    ("security.protocol", "ssl"), ("linger.ms", "20"), ("session.timeout.ms", "30000"),
  ])
  func `Any other property passes through as it is written`(name: String, value: String) {
    let (configuration, _) = Configuration.parse(text: "kafka: {properties: {\(name): \(value)}}", file: "f")
    #expect(configuration?.kafka.properties == [name: value])
  }

  @Test func `A user without a password, and a password without SASL, are told of`() {
    let user = "kafka: {properties: {security.protocol: sasl_ssl, sasl.mechanism: PLAIN, sasl.username: ebb}}"
    #expect(
      Configuration.parse(text: user, file: "f").1.contains {
        $0.severity == .warning && $0.message.hasPrefix("sasl.username has no password; write kafka.secrets")
      })
    let password = "kafka: {secrets: {sasl.password: {file: /p}}}"
    #expect(
      Configuration.parse(text: password, file: "f").1.contains {
        $0.severity == .warning && $0.message.hasPrefix("sasl.password is not used without SASL")
      })
  }
}
