import Triggers

/// Every deadline of one user and what came of it, as lines for people.
struct Explanation {
  let user: String
  let decisions: [(time: Int64, decision: Decision)]
  let alerts: [Alert]
  let rules: Rules

  func lines(writer: AlertWriter) -> [String] {
    var rows = decisions.map { (time: $0.time, text: text(of: $0.decision)) }
    // What an event brought about has no deadline of its own.
    for alert in alerts where alert.type != .cartAbandoned && alert.type != .churnWarning {
      rows.append((alert.time, "alert: \(alert.reasonSentence)"))
    }
    // Stable: what was decided first stays first at one instant.
    let ordered = rows.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
    return ordered.map { "\(WireText.instant($0.element.time))  \($0.element.text)" }
  }

  private func text(of decision: Decision) -> String {
    switch decision {
    case .sessionClosed(let pages, let bounce):
      return "session ends: \(pages) page\(pages == 1 ? "" : "s")\(bounce ? ", a bounce" : "")"
    case .stepFired(let step, let id): return "cart step \(step)\(age(step)): alert \(id.text)"
    case .stepLimited(let step, let limit):
      return "cart step \(step)\(age(step)): no alert, \(Self.why(limit))"
    case .stepDeferred(let step, let until):
      return "cart step \(step)\(age(step)): quiet hours, waits until \(WireText.instant(until))"
    case .stepStale(let step): return "cart step \(step)\(age(step)): no alert, older than alerts.max_age"
    case .cartExpired: return "cart expires: no further reminders unless its contents change"
    case .cartForgotten: return "cart forgotten"
    case .evaluated(let evaluation): return "churn: \(text(of: evaluation))"
    case .userForgotten: return "user forgotten"
    }
  }

  private func age(_ step: Int) -> String {
    let steps = rules.cart.stepsMilliseconds
    return step <= steps.count ? " (\(WireText.span(steps[step - 1])))" : ""
  }

  private static func why(_ limit: Limit) -> String {
    switch limit {
    case .optedOut: "the user opted out"
    case .anonymous: "the user is anonymous (alerts.anonymous is off)"
    case .belowMinimum: "the cart is below cart.min_value_minor"
    case .afterPurchase: "too soon after a purchase (cart.silence_after_purchase)"
    case .betweenEpisodes: "too soon after another cart's alert (cart.between_episodes)"
    case .cap: "the cap is reached (cart.cap)"
    case .quietHours: "quiet hours last until the next step is due"
    }
  }

  private func text(of evaluation: ChurnEvaluation) -> String {
    let days = "\(evaluation.activeDays) active day\(evaluation.activeDays == 1 ? "" : "s") in the baseline"
    guard let score = evaluation.score else {
      if evaluation.verdict == .churned { return "churned: no visit any more, and only \(days)" }
      return "no score: \(days), \(rules.churn.minimumActiveDays) needed"
    }
    let parts = evaluation.components.map { component in
      guard let value = component.value else { return "\(component.component.rawValue) –" }
      return "\(component.component.rawValue) \(Self.rounded(value)) × \(Self.rounded(component.weight))"
    }
    return "score \(score) (\(parts.joined(separator: ", "))): \(verdict(evaluation.verdict, score: score))"
  }

  private func verdict(_ verdict: ChurnEvaluation.Verdict, score: Int) -> String {
    switch verdict {
    case .noBaseline: "no baseline"
    case .notHigh where score < rules.churn.enterScore: "below \(rules.churn.enterScore)"
    case .notHigh: "no warning, one component alone is not enough"
    case .highOnce: "high for the first time; a second evaluation decides"
    case .warned(let id): "warning \(id.text)"
    case .suppressed(.optedOut): "no warning, the user opted out"
    case .suppressed(.anonymous): "no warning, the user is anonymous (alerts.anonymous is off)"
    case .suppressed(.stale): "no warning, older than alerts.max_age"
    case .suppressed(.repeat): "at risk again, no warning so soon after the last (churn.repeat)"
    case .stillAtRisk: "still at risk"
    case .left: "no longer at risk, below \(rules.churn.leaveScore)"
    case .churned: "churned"
    }
  }

  private static func rounded(_ value: Double) -> String {
    "\((value * 100).rounded() / 100)"
  }
}
