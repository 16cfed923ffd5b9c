import Admin
import Foundation
import TestSupport
import Testing

/// What a daemon shows of users and secrets to those who watch over it.
@Suite(.timeLimit(.minutes(5)), .daemonLogs) struct `Privacy` {
  private static let key = "correct-horse-battery-staple"
  private static let token = "geheim-geheim-geheim"
  private static let user = "ada-lovelace"
  /// By openssl dgst -sha256 -hmac, the first half.
  private static let name = "hmac:ae75c570e8d986039797507ebd0760db"

  @Test func `With hashed ids no answer and no line names a user, and who knows an id still finds him`()
    async throws
  {
    let cluster = try await Cluster.start(partitions: 1)
    try await withTemporaryDirectory { directory in
      for (file, secret) in [("key", Self.key), ("token", Self.token)] {
        try secret.write(toFile: "\(directory)/\(file)", atomically: true, encoding: .utf8)
      }
      var configuration = TestConfiguration(bootstrap: cluster.bootstrap)
      configuration.lines = [
        "lanes: 1", "log: {level: debug}", "privacy: {user_ids: hashed, key: {file: \(directory)/key}}",
      ]
      configuration.http = "{listen: 127.0.0.1:0, token: {file: \(directory)/token}}"
      let served = try await Served.start(configuration, in: directory)
      _ = try await eventually("it is ready") { try served.get("/readyz").status == 200 ? true : nil }
      try await cluster.send([
        "\(Self.user)\t\(Native.cartAdd(Self.user))", "\(Self.user)\tno event of \(Self.user)",
        "other\t\(Native.view("other", at: 2 * Native.hour))",
      ])
      _ = try await cluster.read(Cluster.cart, count: 1)
      var shown: [String] = []
      for path in [
        "/v1/users/\(Self.user)", "/user?id=\(Self.user)", "/user?id=no-\(Self.user)", "/v1/status", "/",
        "/metrics",
      ] {
        shown.append(try served.get(path, token: Self.token).body)
      }
      for body in [shown[0], shown[1], shown[3], shown[4]] { #expect(body.contains(Self.name), "\(body)") }
      let asked = ["--address", "127.0.0.1:\(served.port)", "--token-file", "\(directory)/token"]
      for command in [["user", Self.user], ["status"]] {
        let finished = try await Daemon.ebbd(command + asked)
        shown += [finished.output, finished.error]
        #expect(finished.output.contains(Self.name))
      }
      let judged = try await Daemon.ebbd(["validate", "--config", "\(directory)/ebbd.yaml"])
      #expect(judged.status == 0)
      shown += [judged.output, judged.error]
      let ended = try await served.daemon.stop()
      #expect(ended.status == 0)
      shown += [ended.output, ended.error]
      for text in shown {
        #expect(!text.contains(Self.user))
        #expect(!text.contains(Self.key) && !text.contains(Self.token))
      }
      // What subscribers get is the data.
      #expect(try await cluster.read(Cluster.cart, count: 1)[0].keyText == Self.user)
    }
  }

  @Test func `A key that could be found by trying is refused`() async throws {
    try await withTemporaryDirectory { directory in
      try "short".write(toFile: "\(directory)/key", atomically: true, encoding: .utf8)
      var configuration = TestConfiguration(bootstrap: "127.0.0.1:1")
      configuration.lines.append("privacy: {user_ids: hashed, key: {file: \(directory)/key}}")
      let finished = try await Daemon.ebbd(["run", "--config", try configuration.write(into: directory)])
      #expect(finished.status == 1)
      #expect(
        finished.error.contains("privacy.key is shorter than 16 bytes; make one by: openssl rand -base64 32"))
    }
  }
}
