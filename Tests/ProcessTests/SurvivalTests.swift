import Foundation
import TestSupport
import Testing

/// State outlives the process: carts that were opened in one life are told of in another.
@Suite(.serialized, .timeLimit(.minutes(10)), .daemonLogs) struct `What a crash leaves behind` {
  private static let users = 300
  private static let views = 3_000

  /// Carts opened in the first minutes, then views that move time on past their deadlines, a few carts at a time.
  private static let opened = (0..<users).map { ("u\($0)", Native.cartAdd("u\($0)", at: Int64($0) * 1_000)) }
  private static let passing = (0..<views).map {
    ("w\($0 % 40)", Native.view("w\($0 % 40)", at: Native.hour + Int64($0) * 110))
  }

  @Test
  func `Kill -9 again and again under load: no alert is missing, and what comes twice is the same twice`()
    async throws
  {
    let cluster = try await Cluster.start()
    try await withTemporaryDirectory { directory in
      var settings = TestConfiguration(bootstrap: cluster.bootstrap)
      settings.state = "{directory: off, flush_after: 300ms}"
      let configuration = try settings.write(into: directory)
      let expected = try await Self.expected(configuration, directory)
      #expect(expected.count == Self.users)

      var daemon = try Daemon.start(configuration)
      try await cluster.send(Self.opened.map { "\($0)\t\($1)" })
      _ = try await eventually("the carts are open") {
        try await cluster.committed(group: "g") == [Int64(Self.users)] ? true : nil
      }
      let chunk = Self.views / 30
      for (index, start) in stride(from: 0, to: Self.views, by: chunk).enumerated() {
        try await cluster.send(Self.passing[start..<(start + chunk)].map { "\($0)\t\($1)" })
        guard [4, 13, 22].contains(index) else { continue }
        daemon.send(SIGKILL)
        #expect(try await daemon.finish().status == 128 + SIGKILL)
        let committed = try await cluster.committed(group: "g").first ?? -1
        let told = try await cluster.readByPython(Cluster.cart, count: nil).count
        print(
          "killed: \(Self.users + start + chunk - Int(committed)) records not committed, "
            + "\(Self.users - told) carts open and not told of")
        daemon = try Daemon.start(configuration)
        let log = try await daemon.wait(for: .error, containing: "recovered partition 0")
        #expect(!log.contains(": 0 users"), "the state is back")
      }
      _ = try await eventually("everything is committed") {
        try await cluster.committed(group: "g") == [Int64(Self.users + Self.views)] ? true : nil
      }
      #expect(try await daemon.stop().status == 0)

      let alerts = try await cluster.readByPython(Cluster.cart, count: nil)
      let byID = try Dictionary(grouping: alerts) { try AlertFace(line: $0.valueText ?? "").alert_id }
      #expect(Set(byID.keys) == Set(expected.keys))
      for (id, repeats) in byID {
        #expect(Set(repeats.map(\.valueText)) == [expected[id]])
        #expect(Set(repeats.map(\.headers)).count == 1)
      }
      print("\(alerts.count - byID.count) alerts came twice after kill -9")
    }
  }

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

  /// The alerts of the undisturbed run, by id.
  private static func expected(_ configuration: String, _ directory: String) async throws -> [String: String]
  {
    let file = "\(directory)/events.ndjson"
    try (opened + passing).map { $0.1 + "\n" }.joined().write(toFile: file, atomically: true, encoding: .utf8)
    let lines = try await Daemon.replay(["--config", configuration, "--until", "end", file])
    return try Dictionary(uniqueKeysWithValues: lines.map { (try AlertFace(line: $0).alert_id, $0) })
  }
}
