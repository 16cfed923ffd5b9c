import Events
import Portrait

// An epoch ends and the state goes on under other rules. What is a fact about the past keeps its meaning; what was
// laid out by the old rules (panes, the next evaluation, the next step, how many alerts the cap looks at) is laid
// out by the new ones. A function of state and both sets of rules alone; the corner cases are in
// docs/corner-cases.md.

extension UserState {
  /// Converts the state from the epoch it was last touched in to the present one. Equal rules change nothing.
  ///
  /// Deadlines that the new rules make due are the caller's to fire, at the next record or tick.
  public mutating func convert(from old: EpochConstants, to new: EpochConstants) {
    if old === new || old.rules == new.rules { return }
    portrait.convert(from: old.portrait, to: new.portrait)
    cart.convert(from: old.rules.cart, to: new.rules.cart)
    churn.convert(from: old.rules.churn, to: new.rules.churn, portrait)
  }
}

extension CartTrigger {
  mutating func convert(from old: CartRules, to new: CartRules) {
    if alertTimes.count > new.capAlerts { alertTimes.removeFirst(alertTimes.count - new.capAlerts) }
    if old.stepsMilliseconds != new.stepsMilliseconds { convertSteps(new.stepsMilliseconds) }
  }

  /// The next step keeps its number, so that no alert has the id of an earlier one; a step that the new ages date
  /// at or before the last one handled has had its time.
  private mutating func convertSteps(_ ages: [Int64]) {
    guard phase == .armed, let lastHandled else { return }
    let before = nextStep
    while nextStep <= ages.count, anchor.addingSaturated(ages[nextStep - 1]) <= lastHandled { nextStep += 1 }
    // The deferral was that of another step.
    if nextStep != before { deferredUntil = nil }
  }
}

extension ChurnTrigger {
  mutating func convert(from old: ChurnRules, to new: ChurnRules, _ portrait: Portrait) {
    if old == new { return }
    // High by other rules is not high by these: a run starts over.
    lastBand = nil
    let isOff = !old.enabled && new.enabled
    if isOff || old.evaluateEveryMilliseconds != new.evaluateEveryMilliseconds {
      next = nextInRhythm(after: handled(portrait, wasOff: isOff), portrait.firstSeen, new)
    }
  }

  /// Up to where evaluations are done with, or were never due.
  private func handled(_ portrait: Portrait, wasOff: Bool) -> Int64 {
    // What passed while the trigger was off is not made up for; what is pending stays pending.
    let looked = max(portrait.panes.horizon, portrait.firstSeen)
    let passed = wasOff ? looked : min(looked, next - 1)
    return max(passed, lastEvaluation ?? portrait.firstSeen)
  }

  private func nextInRhythm(after time: Int64, _ firstSeen: Int64, _ rules: ChurnRules) -> Int64 {
    let every = rules.evaluateEveryMilliseconds
    let steps = Milliseconds.floor(max(time, firstSeen) - firstSeen, to: every)
    return (firstSeen + steps).addingSaturated(every)
  }
}
