import Triggers

/// Everything that must happen in the random histories, by the model's names.
enum Expected {
  static var names: [String] {
    var names = CartEnding.allCases.map { "ending: \($0.name)" }
    names += AlertType.allCases.map { "alert: \($0.rawValue)" }
    names += AlertType.allCases.filter { $0 != .cartRetracted }.map { "stale: \($0.rawValue)" }
    for step in 1...3 {
      names.append("fired: step \(step)")
      names += Limit.allCases.map { "limited: step \(step) \($0.name)" }
    }
    names += ChurnSuppression.allCases.map { "churn suppressed: \($0.name)" }
    names += ChurnBand.allCases.map { "band: \($0.name)" }
    names += ChurnComponent.allCases.flatMap { ["left out: \($0.rawValue)", "reason: \($0.rawValue)"] }
    names += ChurnRecovered.Reason.allCases.map { "churn recovered: \($0.rawValue)" }
    names += ["active", "at risk", "churned", "back"].map { "churn: \($0)" }
    return names + others
  }

  private static let others = [
    "activity extends", "activity too late to extend", "alert after a purchase goes on waiting",
    "amount in another currency", "cart overflow", "change before the first step",
    "change before the last step handled", "checkout without a change", "churn: held by hysteresis",
    "churn: high by one component alone", "churn: high once", "churn: left without an emitted warning",
    "churn: warned again after the repeat", "churn: warned of a higher band", "cleared turned bought",
    "deadline found late", "duplicate", "dwell inferred", "emptied within the gap after a purchase",
    "episode expired", "evaluation with a score", "evaluation without a baseline", "order row merged",
    "part purchase", "purchase of something else answers nothing", "re-armed", "re-armed after expiry",
    "refund", "retraction and recovery in one purchase", "session: bounce", "session: closed by an event",
    "session: no bounce", "session: start moved", "set without a change", "several alerts answered at once",
    "step deferred", "step deferred past the expiry", "straggler: beyond the panes",
    "straggler: in its pane only", "straggler: in session", "straggler: no session", "tick: nothing due",
    "tick: taken", "trait overflow", "user: erased", "user: forgotten", "window: coarser tail",
  ]
}
