import Triggers

/// The last alerts of a lane, for people who ask why: memory of this process alone, of bounded size.
struct RecentAlerts: Sendable {
  /// So many are remembered; about 2 kB each.
  static let most = 1_024

  private var alerts: [Alert] = []
  /// Where the next goes once all places are taken: the oldest one's.
  private var next = 0

  mutating func append(_ alert: Alert) {
    if alerts.count < Self.most {
      alerts.append(alert)
    } else {
      alerts[next] = alert
      next = (next + 1) % Self.most
    }
  }

  /// The last of them, newest first.
  func latest(_ count: Int) -> [Alert] {
    (0..<min(count, alerts.count)).map { alerts[(next + alerts.count - 1 - $0) % alerts.count] }
  }

  /// All of a user's, newest first.
  func all(of user: String) -> [Alert] { latest(alerts.count).filter { $0.user == user } }
}
