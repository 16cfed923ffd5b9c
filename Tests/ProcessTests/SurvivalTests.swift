import Foundation
import TestSupport
import Testing

/// State outlives the process: carts that were opened in one life are told of in another.
@Suite(.serialized, .timeLimit(.minutes(10)), .daemonLogs) struct `What a crash leaves behind` {
  private static let users = 300

  /// Carts opened in the first minutes.
  private static let opened = (0..<users).map { ("u\($0)", Native.cartAdd("u\($0)", at: Int64($0) * 1_000)) }

  @Test func `A clean stop leaves nothing to be read again, and other windows take the state over`()
    async throws
  {
    let cluster = try await Cluster.start()
    try await withTemporaryDirectory { directory in
      var settings = TestConfiguration(bootstrap: cluster.bootstrap)
      let first = try Daemon.start(settings.write(into: directory))
      try await cluster.send(Self.opened.map { "\($0)\t\($1)" })
      _ = try await eventually("the carts are open") {
        try await cluster.committed(group: "g") == [Int64(Self.users)] ? true : nil
      }
      #expect(try await first.stop().status == 0)

      settings.lines.append("cart: {steps: [2h]}")
      let second = try Daemon.start(settings.write(into: directory, as: "other.yaml"))
      let log = try await second.wait(for: .error, containing: "recovered partition 0")
      #expect(log.contains("\(Self.users) users") && log.contains("replayed_records=0"))
      try await cluster.send(["w\t" + Native.view("w", at: 3 * Native.hour)])
      let alerts = try await cluster.readByPython(Cluster.cart, count: Self.users)
      let faces = try alerts.map { try AlertFace(line: $0.valueText ?? "") }
      #expect(Set(faces.map(\.user_id)).count == Self.users)
      #expect(faces.contains { $0.fired_at == "2020-01-01T12:00:00.000Z" })
      #expect(try await second.stop().status == 0)
    }
  }
}
