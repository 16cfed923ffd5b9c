import Foundation
import TestSupport
import Testing

/// What other clients write comes out as alerts that other clients read.
@Suite(.timeLimit(.minutes(10)), .daemonLogs) struct `From a foreign producer to a foreign consumer` {
  @Test func `A cart that kcat fills is told of, and kcat reads the alert that a replay tells of too`()
    async throws
  {
    let cluster = try await Cluster.start()
    try await withTemporaryDirectory { directory in
      let configuration = try TestConfiguration(bootstrap: cluster.bootstrap).write(into: directory)
      let daemon = try Daemon.start(configuration)
      let events = [
        ("u1", Native.cartAdd("u1")), ("u2", Native.cartAdd("u2", at: 1000)),
        ("u2", #"{"type":"purchase","ts":\#(Native.start + 60_000),"user_id":"u2","item_id":"i1"}"#),
        ("u3", Native.view("u3", at: 2 * Native.hour)),
      ]
      try await cluster.send(events.map { "\($0)\t\($1)" })

      let alerts = try await cluster.read(Cluster.cart, count: 1)
      let alert = try #require(alerts.first)
      let stopped = try await daemon.stop()
      #expect(stopped.status == 0)

      let file = "\(directory)/events.ndjson"
      try events.map { $0.1 + "\n" }.joined().write(toFile: file, atomically: true, encoding: .utf8)
      let replayed = try await Daemon.replay(["--config", configuration, "--until", "end", file])
      #expect(replayed == [alert.valueText])

      let face = try AlertFace(line: alert.valueText ?? "")
      #expect(alert.keyText == "u1")
      #expect(face.user_id == "u1" && face.step == 1)
      #expect(face.fired_at == "2020-01-01T11:00:00.000Z")
      #expect(
        alert.headers == [
          "ce_specversion": "1.0", "ce_id": face.alert_id, "ce_source": "/ebb",
          "ce_type": "ebb.cart.abandoned",
          "ce_time": face.fired_at, "ce_dataschema": "urn:ebb:schema:cart.abandoned:1", "ce_subject": "u1",
          "content-type": "application/json",
        ])
      // Who bought before the deadline is left alone.
      #expect(try await cluster.readAll(Cluster.cart).count == 1)
      #expect(try await cluster.readAll(Cluster.deadLetters).isEmpty)
    }
  }

  @Test func `Real traffic by way of the broker gives the alerts of its replay`() async throws {
    guard
      let path = SharedData.file("rees46-2019-oct-sample.csv", for: "the real file through the broker")
    else { return }
    let rows = try String(contentsOfFile: path, encoding: .utf8).split(whereSeparator: \.isNewline)
      .dropFirst()
    let cluster = try await Cluster.start()
    try await withTemporaryDirectory { directory in
      var settings = TestConfiguration(bootstrap: cluster.bootstrap)
      settings.time = "{tick_for: off}"
      // The file spans less than three hours: steps that come due within it.
      settings.lines += ["input: {mapping: rees46}", "cart: {steps: [10m, 30m, 1h]}"]
      let configuration = try settings.write(into: directory)
      let replayed = try await Daemon.replay(["--config", configuration, "--until", "end", path])
      #expect(replayed.count > 20)

      let daemon = try Daemon.start(configuration)
      try await cluster.send(
        rows.map { row in
          let columns = row.split(separator: ",", omittingEmptySubsequences: false)
          return "\(columns[7])\t\(row)"
        })
      // The last row is cut off: when it is in the dead letters, everything before it has been decided.
      let letter = try #require(try await cluster.read(Cluster.deadLetters, count: 1).first)
      _ = try await cluster.read(Cluster.cart, count: replayed.count)
      #expect(try await daemon.stop().status == 0)

      let alerts = try await cluster.readAll(Cluster.cart)
      #expect(Self.ids(alerts) == Set(try replayed.map { try AlertFace(line: $0).alert_id }))
      #expect(alerts.count == replayed.count)
      #expect(alerts.map(\.valueText) == replayed)
      let byPython = try await cluster.readByPython(Cluster.cart, count: nil)
      #expect(byPython.map(\.value) == alerts.map(\.value))
      #expect(byPython.map(\.key) == alerts.map(\.key))
      #expect(byPython.map(\.headers) == alerts.map(\.headers))

      #expect(letter.valueText == rows.last.map(String.init))
      #expect(letter.headers["ebb_reason"] == "too_few_columns")
      #expect(letter.headers["ebb_topic"] == Cluster.input)
      #expect(letter.headers["ebb_partition"] == "0")
      #expect(letter.headers["ebb_offset"] == "\(rows.count - 1)")
      #expect(letter.headers["ebb_place"]?.contains("column 8") == true)
      #expect(try await cluster.readAll(Cluster.deadLetters).count == 1)
    }
  }

  private static func ids(_ alerts: [ForeignRecord]) -> Set<String> {
    Set(alerts.compactMap { $0.headers["ce_id"] })
  }
}
