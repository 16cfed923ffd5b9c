import ClusterSupport
import Foundation
import TestSupport
import Testing

/// The wall clock is set while the daemon runs, forward and back, by an hour and by a day: by a library of our own that
/// is preloaded into it (`FalseClock`).
@Suite(.serialized, .timeLimit(.minutes(10)), .daemonLogs) struct `The clock is set` {
  /// A clock that a test sets for one process.
  struct Clock: Sendable {
    let library: String
    let path: String

    init(in directory: String) throws {
      library = try Binaries.path(of: "libebb-false-clock.so")
      path = "\(directory)/clock"
      try set(0)
    }

    /// Wrong by so many seconds from now on.
    func set(_ seconds: Int) throws {
      let bytes = unsafe withUnsafeBytes(of: Int64(seconds)) { unsafe Data($0) }
      guard let file = FileHandle(forUpdatingAtPath: path) else {
        return try bytes.write(to: URL(fileURLWithPath: path))
      }
      // The same file, which the process has mapped; eight bytes are written in one step.
      try file.write(contentsOf: bytes)
      try file.close()
    }

    /// Only the wall clock is wrong.
    var environment: [String: String?] {
      ["LD_PRELOAD": library, "EBB_FALSE_CLOCK": path]
    }
  }

  private static func now() -> Int64 { Int64(Date().timeIntervalSince1970 * 1_000) }

  private static func event(_ type: String, _ user: String, at time: Int64) -> String {
    let item = type == "cart_add" ? #","item_id":"i1","price_minor":1999,"currency":"EUR""# : ""
    return user + "\t" + #"{"type":"\#(type)","ts":\#(time),"user_id":"\#(user)"\#(item)}"#
  }

  /// Users whose carts come due while the test runs, by the true clock.
  private static let dueUsers = 9
  /// And those whose do not: by the wrong clocks, all of them would.
  private static let laterUsers = 40
  private static let jumps = [3_600, -3_600, 86_400, -86_400]

  @Test
  func `An hour and a day forward and back, no alert is early, lost or doubled, and nobody else's comes`()
    async throws
  {
    let cluster = try await Cluster.start(partitions: 2)
    try await withTemporaryDirectory { directory in
      let clock = try Clock(in: directory)
      let watch = try Watch()
      var configuration = TestConfiguration(bootstrap: cluster.bootstrap)
      configuration.time = "{allowed_lateness: 2s, idle_after: 1s}"
      configuration.alerts = "{max_age: 24h}"
      configuration.lines = ["lanes: 1", "cart: {steps: [1h]}"]
      let daemon = try RunningProcess(
        Binaries.path(of: "ebbd"), ["run", "--config", configuration.write(into: directory)],
        environment: clock.environment.merging(watch.environment) { $1 })
      try await daemon.wait(for: .error, containing: "recovered partition 1")

      let began = Self.now()
      var due: [String: Int64] = [:]
      for number in 0..<Self.dueUsers { due["due-\(number)"] = began - 3_600_000 + Int64(number) * 4_000 }
      let later = (0..<Self.laterUsers).map { ("later-\($0)", began - 3_000_000 + Int64($0) * 60_000) }
      // A partition that is quiet from now on: only the clock can make anybody due there.
      try await cluster.send(
        due.sorted { $0.value < $1.value }.map { Self.event("cart_add", $0.key, at: $0.value) }
          + later.map { Self.event("cart_add", $0.0, at: $0.1) }, partition: 0)
      _ = try await cluster.read(Cluster.cart, count: 1)

      for (number, jump) in Self.jumps.enumerated() {
        try clock.set(jump)
        try await daemon.wait(for: .error, within: .seconds(20)) {
          $0.components(separatedBy: "the wall clock was moved by ").count == number + 2
        }
        // Where there are events, time goes on by theirs, whatever the clock says.
        let (user, time) = ("moved-\(number)", began - 18_000_000 + Int64(number) * 4_000_000)
        due[user] = time
        try await cluster.send(
          [Self.event("cart_add", user, at: time), Self.event("page_view", "visitor", at: time + 3_610_000)],
          partition: 1)
        let told = try await eventually("an alert by events under a clock that is wrong by \(jump) s") {
          let alerts = try await Self.alerts(cluster)
          return alerts.contains { $0.user_id == user } ? alerts : nil
        }
        #expect(!told.contains { $0.user_id?.hasPrefix("later") == true }, "under \(jump) s")
        try clock.set(0)
        try await daemon.wait(for: .error, within: .seconds(20)) {
          $0.components(separatedBy: "the wall clock is right again").count == number + 2
        }
      }
      // Whoever came due meanwhile is told of once the clock is right.
      let alerts = try await eventually("everybody who is due is told of", within: .seconds(60)) {
        let alerts = try await Self.alerts(cluster)
        return Set(alerts.compactMap(\.user_id)).isSuperset(of: due.keys) ? alerts : nil
      }
      #expect(alerts.compactMap(\.user_id).sorted() == due.keys.sorted(), "each once, and nobody else")
      for alert in alerts {
        let expected = due[alert.user_id ?? ""].map { WireInstant.text($0 + 3_600_000) }
        #expect(alert.fired_at == expected, "dated as if nothing had happened")
      }
      let moved = daemon.text(.error).components(separatedBy: "the wall clock was moved by ").count - 1
      #expect(moved == Self.jumps.count, "a line a jump")
      let silence = watch.longestSilence(since: watch.words.first { $0.text == "READY=1" }?.instant ?? .now)
      #expect(silence < promised(.seconds(5)), "signs of life go on")
      #expect(try await daemon.stop().status == 0)
      print("\(alerts.count) alerts under \(Self.jumps) s; longest time without a sign of life \(silence)")
    }
  }

  private static func alerts(_ cluster: Cluster) async throws -> [AlertFace] {
    try await cluster.readAll(Cluster.cart).map { try AlertFace(line: $0.valueText ?? "") }
  }
}

/// Instants as alerts write them.
enum WireInstant {
  static func text(_ milliseconds: Int64) -> String {
    let formatter = ISO8601DateFormatter()
    formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
    return formatter.string(from: Date(timeIntervalSince1970: Double(milliseconds) / 1_000))
  }
}
