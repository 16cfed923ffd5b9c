import ClusterSupport
import Foundation
import TestSupport
import Testing

/// Rights that are taken away from a running daemon, and given back.
@Suite(.serialized, .timeLimit(.minutes(10)), .daemonLogs) struct `Rights are taken away` {
  /// A right, as the embedded broker refuses it.
  struct Right: Sendable {
    var name: String
    /// `refuse` and `allow` of the broker's orders.
    var request: String
    var reason: String
    /// What its last words must say: what it is about, what cannot be done, and the remedy.
    var says: [String]
  }

  static let rights = [
    Right(
      name: "Write on an output topic", request: "produce", reason: "topic",
      says: ["trial.", "may not write", "grant", "Write"]),
    Right(
      name: "Read on the input topic", request: "fetch", reason: "topic",
      says: ["topic trial.", "may not read", "grant", "Read"]),
    Right(
      name: "Read on the group, when offsets are committed", request: "offset-commit", reason: "group",
      says: ["group trial", "grant", "Read"]),
    Right(
      name: "Read on the group, when it is joined", request: "join-group", reason: "group",
      says: ["group trial", "grant", "Read"]),
  ]

  @Test func `It ends with a sentence that says who may not do what, and goes on when the right is back`()
    async throws
  {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for right in Self.rights { group.addTask { try await Self.take(right) } }
      try await group.waitForAll()
    }
  }

  private static func take(_ right: Right) async throws {
    var plan = Trial.Plan(eventsPerSecond: 150)
    plan.mayEnd = true
    try await Trial.play("taken away: \(right.name)", plan) { trial, rows in
      let instance = trial.instances[0]
      // The broker refuses whoever comes: nobody else is to ask.
      try await trial.feeder.pause()
      try await trial.cluster.order("refuse \(right.request) \(right.reason) 10000")
      if right.request == "join-group" {
        // Whoever is a member is asked for nothing: until it starts anew.
        instance.kill9()
        try instance.start()
      } else if right.request != "fetch" {
        // Something to write, with nobody writing: what was read last is flushed.
        try await Task.sleep(for: .milliseconds(500))
      }
      let took = try await trial.until("it has ended for want of the right, twice", within: .seconds(60)) {
        instance.endings.count >= 2
      }
      let endings = instance.endings
      for ending in endings {
        for words in right.says { #expect(ending.contains(words), "\(right.name): \(ending)") }
      }
      try await trial.cluster.order("allow \(right.request)")
      await trial.feeder.resume()
      let ends = try await trial.witness.edges().map(\.high)
      let back = try await trial.until("what was written by then is committed") {
        zip(try await trial.witness.committed(), ends).allSatisfy { $0.nextOffset >= $1 }
      }
      try await Task.sleep(for: .seconds(1))
      rows += [
        ["ended twice within", "\(took.milliseconds) ms"], ["last words", endings[0]],
        ["committing again", "\(back.milliseconds) ms after the right was given back"],
      ]
    }
  }

  @Test func `Without the right to its transactional id it ends before it has read anything`() async throws {
    let cluster = try await Cluster.start()
    try await withTemporaryDirectory { directory in
      var configuration = TestConfiguration(bootstrap: cluster.bootstrap).text
      configuration = configuration.replacingOccurrences(
        of: "delivery: at-least-once", with: "delivery: exactly-once")
      let path = "\(directory)/ebbd.yaml"
      try configuration.write(toFile: path, atomically: true, encoding: .utf8)
      try await cluster.order("refuse initialize-producer transactional-id 100")
      try await cluster.send(["u\t" + Native.cartAdd("u")])
      let finished = try await Daemon.start(path).finish()
      #expect(finished.status == 1)
      let last = try #require(finished.error.split(separator: "\n").last)
      for words in ["transactional id g-one-0", "grant", "Write", "Describe"] {
        #expect(last.contains(words), "\(last)")
      }
      #expect(try await cluster.committed(group: "g") == [-1])
    }
  }
}
