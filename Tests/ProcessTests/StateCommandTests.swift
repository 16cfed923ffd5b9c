import Foundation
import TestSupport
import Testing

/// What is stored of users, looked at from outside.
@Suite(.serialized, .timeLimit(.minutes(10)), .daemonLogs) struct `Stored state is looked at` {
  @Test func `A stopped daemon's topic and snapshot are whole, and tell the same of a user`() async throws {
    let cluster = try await Cluster.start()
    try await withTemporaryDirectory { directory in
      let snapshots = directory + "/snapshots"
      var settings = TestConfiguration(bootstrap: cluster.bootstrap)
      settings.state = "{directory: \"\(snapshots)\", flush_after: 1s}"
      let configuration = try settings.write(into: directory)
      try await cluster.send(["u1\t" + Native.cartAdd("u1"), "u2\t" + Native.cartAdd("u2", at: 60_000)])
      let daemon = try Daemon.start(configuration)
      _ = try await eventually("everything is committed") {
        try await cluster.committed(group: "g") == [2] ? true : nil
      }
      #expect(try await daemon.stop().status == 0)

      let topic = try await Daemon.ebbd(["state", "verify", "--config", configuration])
      #expect(topic.status == 0, "\(topic.output) \(topic.error)")
      #expect(topic.output.contains("2 users, 0 markers, 1 epochs") && topic.output.contains("no problems"))
      let names = try FileManager.default.contentsOfDirectory(atPath: snapshots)
      #expect(names == ["g~clickstream~0.ebbsnap"])
      let file = "\(snapshots)/\(try #require(names.first))"
      let snapshot = try await Daemon.ebbd(["state", "verify", "--snapshot", file])
      #expect(snapshot.status == 0 && snapshot.output.contains("2 users, 0 markers, 1 epochs"))

      var told: [NSDictionary] = []
      for place in [["--config", configuration], ["--snapshot", file]] {
        let found = try await Daemon.ebbd(["state", "inspect", "u2", "--json"] + place)
        #expect(found.status == 0, "\(found.error)")
        var facts = try #require(
          try JSONSerialization.jsonObject(with: Data(found.output.utf8)) as? [String: Any])
        facts["found_in"] = nil
        told.append(facts as NSDictionary)
      }
      #expect(told[0] == told[1])
      let missing = try await Daemon.ebbd(["state", "inspect", "nobody", "--config", configuration])
      #expect(missing.status == 1 && missing.error.contains("no such user in topic ebb.state, partitions 0"))

      var bytes = [UInt8](try #require(FileManager.default.contents(atPath: file)))
      bytes[bytes.count / 2] ^= 1
      try Data(bytes).write(to: URL(fileURLWithPath: file))
      let damaged = try await Daemon.ebbd(["state", "verify", "--snapshot", file])
      #expect(damaged.status == 1 && damaged.error.contains("is damaged"))
      // A restart passes over it and reads the topic.
      let next = try Daemon.start(configuration)
      try await cluster.send(["u1\t" + Native.cartAdd("u1", at: 120_000)])
      _ = try await eventually("it goes on") { try await cluster.committed(group: "g") == [3] ? true : nil }
      let stopped = try await next.stop()
      #expect(stopped.status == 0 && stopped.error.contains("is damaged"), "\(stopped.error)")
    }
  }
}
