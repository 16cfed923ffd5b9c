import Events
import SideBySide
import Testing
import Triggers

/// The churn trigger through the life of a user who came every day and stopped.
@Suite struct ChurnTests {
  static let churn: @Sendable (inout Rules) -> Void = { $0.churn.enabled = true }

  /// Visits at noon for twenty days.
  static let regular = (0..<20).map { "\($0)d12h dwell dwell=60000" }

  /// Runs the lines through both; returns the churn alerts and the counts.
  private func run(
    _ lines: [String], rules change: @escaping @Sendable (inout Rules) -> Void = churn
  ) -> (alerts: [Alert], tally: Tally) {
    var both = SideBySide(rules: Story("", [], alerts: [], rules: change).fullRules)
    var told: [Alert] = []
    for line in lines {
      let (alerts, difference) = both.take(Story.step(line))
      told += alerts
      if let difference { Issue.record("\(line): \(difference)") }
    }
    return (told, both.tally)
  }

  @Test func `Silence itself raises the warning, by two components and more`() throws {
    let alerts = run(Self.regular + ["28d tick"]).alerts
    let first = try #require(alerts.first)
    guard case .churnWarning(let warning) = first.body else {
      Issue.record("\(first.type) came first")
      return
    }
    #expect(warning.reasons.count >= 2)
    #expect(warning.score >= 60)
    #expect(warning.episode == first.time)
    #expect(warning.lastVisit == Story.origin + Story.span("19d12h"))
  }

  @Test func `A silence of 35 days found at once is 35 evaluations`() {
    #expect(run(["0h view", "80d tick"]).tally.evaluations == 35)
  }

  @Test func `A user without a baseline is never warned`() {
    let (alerts, tally) = run(["0d12h view", "1d12h view", "2d12h view", "80d tick"])
    #expect(alerts.isEmpty)
    #expect(tally.evaluations == tally.evaluationsWithoutBaseline)
  }

  @Test func `A next band comes seven days after the warning at the earliest, a repeat after thirty`() {
    let warnings = run(Self.regular + ["80d tick"]).alerts.filter { $0.type == .churnWarning }
    #expect(Set(warnings.map(\.id)).count == warnings.count)
    for (one, next) in zip(warnings, warnings.dropFirst()) {
      #expect(next.time - one.time >= 7 * Milliseconds.day)
      guard case .churnWarning(let a) = one.body, case .churnWarning(let b) = next.body else { continue }
      if b.band <= a.band { #expect(next.time - one.time >= 30 * Milliseconds.day) }
    }
  }

  @Test(
    arguments: [
      (["27d buy A"], ChurnRecovered.Reason.purchase), (["80d tick", "80d view"], .returned),
      ((26..<36).map { "\($0)d12h dwell dwell=90000" }, .score),
    ] as [([String], ChurnRecovered.Reason)])
  func `A warning is answered once, with its reason`(after: [String], reason: ChurnRecovered.Reason) {
    let alerts = run(Self.regular + ["26d tick"] + after).alerts
    #expect(alerts.count { $0.type == .churnRecovered } == 1)
    guard case .churnRecovered(let answer)? = alerts.last(where: { $0.type == .churnRecovered })?.body else {
      return
    }
    #expect(answer.reason == reason)
    #expect((answer.score != nil) == (reason == .score))
  }

  @Test func `The visit that ends a silence never raises a warning`() {
    let before = run(Self.regular + ["22d tick"]).alerts.count
    #expect(run(Self.regular + ["22d tick", "22d view"]).alerts.count == before)
  }

  @Test(
    arguments: [
      (["0h profile ebb_opt_out=1"], ChurnSuppression.optedOut), ([], .stale),
    ] as [([String], ChurnSuppression)])
  func `A suppressed warning is counted, and nothing answers it`(
    before: [String], reason: ChurnSuppression
  ) {
    let (alerts, tally) = run(before + Self.regular + ["60d tick", "80d view"]) {
      Self.churn(&$0)
      if reason == .stale { $0.alerts.maxAgeMilliseconds = Milliseconds.day }
    }
    #expect(alerts.isEmpty)
    #expect(tally[suppressed: reason] > 0)
  }
}
