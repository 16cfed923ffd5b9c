import Admin
import Triggers

/// A service that says what a test wants.
struct StandIn: AdminSource {
  var ailing: [String] = []
  var hindered: [String] = []
  var users: [String: [Fact]] = [:]
  var isAway = false

  func metrics() -> String { "ebb_users 7\n" }
  func ailments() -> [String] { ailing }
  func obstacles() -> [String] { hindered }

  func status() -> [Fact] {
    [
      Fact("state", .text("ready")), Fact("started", .time(1_772_445_690_000)),
      Fact("alerts", .facts([Fact("ebb.cart.abandoned", .number(2))])),
      Fact(
        "lanes",
        .list((0..<2).map { .facts([Fact("lane", .number($0)), Fact("users", .number(100 * $0))]) })),
    ]
  }

  func user(_ key: String) async -> UserLookup {
    if isAway { return .unavailable("nobody is at home") }
    return users[key].map(UserLookup.found) ?? .unknown
  }
}
