import Events
import Portrait
import Triggers

/// What the churn trigger remembers of a user.
struct ModelChurn {
  enum State: String {
    case new, active
    case atRisk = "at risk"
    case churned, back
  }

  struct Warning {
    var id: AlertID
    var time: Int64
    var band: ChurnBand
    var episode: Int64
  }

  var state = State.new
  var nextEvaluation = Int64.max
  var lastEvaluation: Int64?
  /// High evaluations in a row up to now, and the band of the last one.
  var highRun = 0
  var previousBand: ChurnBand?
  var entry: Int64?
  /// What warnings of this stay are told apart by: the entry, then the time of each repeat.
  var episode: Int64?
  var churnedAt: Int64?
  /// The last warning, emitted or not: for time and band.
  var last: Warning?
  /// The last emitted warning, until it is answered.
  var waiting: Warning?
}

extension ModelUser {
  private var reach: Int64 { rules.churn.recentMilliseconds + rules.churn.baselineMilliseconds }

  func evaluationDeadline() -> Int64? {
    guard rules.churn.enabled, let lastActivity, churn.nextEvaluation <= lastActivity + reach else {
      return nil
    }
    return churn.nextEvaluation
  }

  /// A visit takes up evaluations that had stopped. Called before the visit becomes the last activity.
  func takeUpEvaluations(visit ts: Int64) {
    if let lastActivity, churn.nextEvaluation <= lastActivity + reach { return }
    let after = max(ts, churn.lastEvaluation ?? Int64.min)
    let every = rules.churn.evaluateEveryMilliseconds
    let passed = Milliseconds.floor(after - firstTs!, to: every)
    churn.nextEvaluation = firstTs! + max(every, passed + every)
  }

  private func become(_ state: ModelChurn.State) {
    if churn.state != state { world.census.count("churn: \(state.rawValue)") }
    churn.state = state
  }

  /// What an activity event does to the state, after it has been counted.
  func churnSees(_ event: Event) {
    if churn.state == .churned, event.ts > churn.churnedAt! {
      become(.back)
      churn.highRun = 0
      answerWarning(.returned, at: event.ts, score: nil)
    } else if churn.state == .atRisk, event.type == .purchase, event.ts >= churn.entry! {
      become(.active)
      churn.highRun = 0
      answerWarning(.purchase, at: event.ts, score: nil)
    }
  }

  private func answerWarning(_ reason: ChurnRecovered.Reason, at time: Int64, score: Int?) {
    guard let warning = churn.waiting else {
      world.census.count("churn: left without an emitted warning")
      return
    }
    churn.waiting = nil
    let body = ChurnRecovered(
      alert: warning.id, episode: warning.episode, band: warning.band, reason: reason,
      lagMilliseconds: max(0, time - warning.time), score: score)
    let id = AlertID(
      type: .churnRecovered, user: key, episode: warning.episode, step: warning.band.rawValue)
    if world.emit(
      Alert(id: id, user: key, identified: identified, time: time, body: .churnRecovered(body)))
    {
      world.census.count("churn recovered: \(reason.rawValue)")
    }
  }

  // MARK: Evaluation

  func evaluate(at t: Int64) {
    world.tally.evaluations += 1
    churn.lastEvaluation = t
    churn.nextEvaluation = t + rules.churn.evaluateEveryMilliseconds
    let recentBegin = windowBegin(t, rules.churn.recentMilliseconds)
    let baselineBegin = windowBegin(t, reach)
    let covered = max(baselineBegin, Milliseconds.floor(firstTs!, to: Milliseconds.day))
    let days = activeDays(from: baselineBegin, to: recentBegin)
    let hasBaseline = days >= rules.churn.minimumActiveDays && recentBegin > covered
    if !hasBaseline {
      world.tally.evaluationsWithoutBaseline += 1
      world.census.count("evaluation without a baseline")
      churn.highRun = 0
      if churn.state == .atRisk, sums(from: recentBegin).events == 0 {
        become(.churned)
        churn.churnedAt = t
      }
      return
    }
    if churn.state == .churned {
      world.census.count("churn: evaluation of a churned user with a baseline")
      return
    }
    let components = components(
      t, recent: sums(from: recentBegin), days: Double(t - recentBegin) / 86_400_000,
      baseline: sums(from: baselineBegin, to: recentBegin),
      baselineDays: Double(recentBegin - covered) / 86_400_000)
    var sum = 0.0
    for one in components { sum += one.weight * (one.value ?? 0) }
    let score = Int((100 * sum + 0.5).rounded(.down))
    world.census.count("evaluation with a score")
    decide(t, score, components, activeDays: days)
  }

  private func decide(_ t: Int64, _ score: Int, _ components: [ChurnComponentValue], activeDays: Int) {
    let rules = rules.churn
    let above = components.filter { $0.weight * ($0.value ?? 0) > 0 }
    let isHigh = score >= rules.enterScore && above.count >= 2
    let band: ChurnBand =
      score >= rules.criticalScore ? .critical : score >= rules.warningScore ? .warning : .watch
    let before = churn.previousBand
    churn.highRun = isHigh ? churn.highRun + 1 : 0
    churn.previousBand = isHigh ? band : nil
    if score >= rules.enterScore, !isHigh { world.census.count("churn: high by one component alone") }

    if churn.state != .atRisk {
      guard churn.highRun >= 2 else {
        become(.active)
        if churn.highRun == 1 { world.census.count("churn: high once") }
        return
      }
      become(.atRisk)
      churn.entry = t
      churn.episode = t
    } else if score < rules.leaveScore {
      become(.active)
      churn.highRun = 0
      answerWarning(.score, at: t, score: score)
      return
    } else if churn.highRun < 2 {
      if !isHigh { world.census.count("churn: held by hysteresis") }
      return
    }

    let entry = churn.entry!
    if let last = churn.last {
      let isRepeat = t - last.time >= rules.repeatMilliseconds
      let isNextBand =
        band > last.band && before! > last.band && t - last.time >= rules.nextBandMilliseconds
      guard isRepeat || isNextBand else {
        if t == entry { suppress(.repeat) }
        return
      }
      if isRepeat { churn.episode = t }
      world.census.count(isRepeat ? "churn: warned again after the repeat" : "churn: warned of a higher band")
    }
    warn(t, score, band, churn.episode!, components, above: above, activeDays: activeDays)
  }

  private func suppress(_ reason: ChurnSuppression) {
    world.tally[suppressed: reason] += 1
    world.census.count("churn suppressed: \(reason.name)")
  }

  private func warn(
    _ t: Int64, _ score: Int, _ band: ChurnBand, _ episode: Int64, _ components: [ChurnComponentValue],
    above: [ChurnComponentValue], activeDays: Int
  ) {
    let id = AlertID(type: .churnWarning, user: key, episode: episode, step: band.rawValue)
    let warning = ModelChurn.Warning(id: id, time: t, band: band, episode: episode)
    churn.last = warning
    if optedOut {
      suppress(.optedOut)
      return
    }
    if !identified && !rules.alerts.anonymous {
      suppress(.anonymous)
      return
    }
    let ranked = above.enumerated().sorted { left, right in
      let (a, b) = (left.element.weight * left.element.value!, right.element.weight * right.element.value!)
      return a != b ? a > b : left.offset < right.offset
    }
    let body = ChurnWarning(
      score: score, band: band, episode: episode, components: components,
      reasons: ranked.map(\.element.component), activeDays: activeDays, lastVisit: lastActivity!,
      lastPurchase: lastPurchase, meanGapDays: meanGap, purchases: purchases,
      lifetimeRevenueMinor: lifetimeRevenue, revenueCurrency: revenueCurrency ?? nil,
      features: features(at: t), dwellInferred: hasInferredDwell)
    let alert = Alert(id: id, user: key, identified: identified, time: t, body: .churnWarning(body))
    if world.emit(alert) {
      churn.waiting = warning
      world.census.count("band: \(band.name)")
      for reason in body.reasons { world.census.count("reason: \(reason.rawValue)") }
    } else {
      suppress(.stale)
    }
  }

  /// Of purchase days, in days, as a running mean; nil: fewer than two.
  private var meanGap: Double? {
    guard purchaseDays.count >= 2 else { return nil }
    var mean = 0.0
    for index in 1..<purchaseDays.count {
      let gap = Double(purchaseDays[index] - purchaseDays[index - 1])
      mean += (gap - mean) / Double(index)
    }
    return mean
  }

  private func components(
    _ t: Int64, recent: PaneSums, days: Double, baseline: PaneSums, baselineDays: Double
  ) -> [ChurnComponentValue] {
    typealias Input = (recent: Double, baseline: Double, value: Double?)
    func drop(_ now: Int64, _ then: Int64) -> Input {
      let (a, b) = (Double(now) / days, Double(then) / baselineDays)
      return (a, b, then > 0 ? 1 - a / b : nil)
    }
    func unbought(_ sums: PaneSums, _ days: Double) -> Double {
      max(0, Double(sums.cartAdds - sums.cartRemovals - sums.itemsBought) / (days / 7))
    }
    var inputs: [ChurnComponent: Input] = [:]
    inputs[.dwellDrop] = drop(recent.dwellMilliseconds, baseline.dwellMilliseconds)
    inputs[.visitDrop] = drop(recent.sessions, baseline.sessions)
    let (r, b) = (unbought(recent, days), unbought(baseline, baselineDays))
    inputs[.cartUnboughtRise] = (r, b, everPutIntoCart ? 1 - (b + 1) / (r + 1) : nil)
    if let meanGap {
      let since = Double(Milliseconds.dayNumber(t) - purchaseDays.last!)
      inputs[.overdue] = (since, meanGap, since / meanGap - 1)
    }
    let weights: [ChurnComponent: Double] = [
      .dwellDrop: rules.churn.dwellDropWeight, .visitDrop: rules.churn.visitDropWeight,
      .cartUnboughtRise: rules.churn.cartUnboughtRiseWeight, .overdue: rules.churn.overdueWeight,
    ]
    var total = 0.0
    for one in ChurnComponent.allCases where inputs[one]?.value != nil { total += weights[one]! }
    return ChurnComponent.allCases.map { one in
      guard let input = inputs[one], let value = input.value else {
        world.census.count("left out: \(one.rawValue)")
        return ChurnComponentValue(
          component: one, value: nil, weight: 0, recent: inputs[one]?.recent ?? 0,
          baseline: inputs[one]?.baseline ?? 0)
      }
      return ChurnComponentValue(
        component: one, value: min(1, max(0, value)), weight: total > 0 ? weights[one]! / total : 0,
        recent: input.recent, baseline: input.baseline)
    }
  }
}
