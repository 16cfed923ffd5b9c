import Events

/// What a deadline came to, for `--explain`.
public enum Decision: Sendable, Hashable {
  case sessionClosed(pages: Int64, bounce: Bool)
  case stepFired(step: Int, id: AlertID)
  case stepLimited(step: Int, limit: Limit)
  case stepDeferred(step: Int, until: Int64)
  case stepStale(step: Int)
  case cartExpired
  case cartForgotten
  case evaluated(ChurnEvaluation)
  case userForgotten
}

/// One evaluation of the churn trigger, for `--explain`.
public struct ChurnEvaluation: Sendable, Hashable {
  /// What followed.
  public enum Verdict: Sendable, Hashable {
    /// Too few active days in the baseline.
    case noBaseline
    /// Below `enter`, or only one component above 0.
    case notHigh
    /// High for the first time in a row.
    case highOnce
    /// Entered or stayed at risk and was warned.
    case warned(AlertID)
    /// Due, not emitted.
    case suppressed(ChurnSuppression)
    /// At risk, warned before, nothing new to say.
    case stillAtRisk
    /// Left: below `leave`.
    case left
    case churned
  }

  public var activeDays: Int
  /// nil: no baseline.
  public var score: Int?
  public var components: ChurnComponents
  public var verdict: Verdict

  public init(activeDays: Int, score: Int?, components: ChurnComponents, verdict: Verdict) {
    self.activeDays = activeDays
    self.score = score
    self.components = components
    self.verdict = verdict
  }
}

/// Where the triggers put what they decide.
public struct TriggerOutput: Sendable {
  /// In order of decision. Whoever drains them empties the array.
  public var alerts: [Alert] = []
  public var tally = Tally()
  /// The user whose decisions are kept, and these, each at its deadline's time.
  public var explainedUser: String?
  public var decisions: [(time: Int64, decision: Decision)] = []

  public init() {}
}

extension TriggerOutput {
  mutating func emit(_ alert: Alert) {
    tally[emitted: alert.type] += 1
    alerts.append(alert)
  }

  mutating func explain(_ user: Identity, at time: Int64, _ decision: @autoclosure () -> Decision) {
    if explainedUser == nil { return }
    if explainedUser == user.key { decisions.append((time, decision())) }
  }
}
