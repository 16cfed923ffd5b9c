import Events
import Portrait

/// Churn warning for one user: pure state, driven by evaluations and events.
///
/// ```
///            evaluation with a baseline            two high evaluations in a row
///   new ───────────────────────────────► active ──────────────────────────────────► at risk
///                                          ▲ ▲    below `leave`, or a purchase         │
///                                          │ └─────────────────────────────────────────┤
///         evaluation with a baseline       │                                           │ no visit, no baseline
///   back ──────────────────────────────────┘                  next visit               ▼
///     ▲ └──────── (may enter at risk as active does)    ◄──────────────────────────  churned
///     └───────────────────────────────────────────────────────────────────────────────┘
/// ```
struct ChurnTrigger: Sendable, Hashable {
  enum State: UInt8, Sendable, Hashable {
    case new, active, atRisk, churned, back
  }

  /// A warning that was emitted and not answered.
  struct Open: Sendable, Hashable {
    var id: AlertID
    var time: Int64
    var episode: Int64
    var band: ChurnBand
  }

  var state = State.new
  /// The next evaluation; takes place only while a baseline is possible.
  var next: Int64
  var lastEvaluation: Int64?
  /// Whether the last evaluation was high, and its band.
  var lastBand: ChurnBand?
  /// When the user last came to be at risk, and the episode of the next warning.
  var entry: Int64 = 0
  var episode: Int64 = 0
  var churnedAt: Int64 = 0
  /// The last warning, emitted or not: its time and band limit the next.
  var lastWarning: Int64?
  var lastWarningBand = ChurnBand.watch
  var open: Open?

  init(firstSeen: Int64, _ rules: ChurnRules) {
    next = firstSeen.addingSaturated(rules.evaluateEveryMilliseconds)
  }

  /// The time of the next evaluation, or nil while no baseline is possible.
  func deadline(_ lastVisit: Int64?, _ rules: ChurnRules) -> Int64? {
    guard rules.enabled, let lastVisit, next <= Self.end(lastVisit, rules) else { return nil }
    return next
  }

  static func end(_ lastVisit: Int64, _ rules: ChurnRules) -> Int64 {
    lastVisit.addingSaturated(rules.recentMilliseconds + rules.baselineMilliseconds)
  }

  // MARK: Events

  /// A visit, before it is the last one.
  mutating func visit(
    at ts: Int64, lastVisit: Int64?, firstSeen: Int64, _ who: Identity, _ constants: EpochConstants,
    _ moment: Moment,
    _ output: inout TriggerOutput
  ) {
    let rules = constants.rules.churn
    if lastVisit == nil || next > Self.end(lastVisit!, rules) {
      let after = max(ts, lastEvaluation ?? ts)
      let steps = Milliseconds.floor(after - firstSeen, to: rules.evaluateEveryMilliseconds)
      next = max(firstSeen + steps, firstSeen) + rules.evaluateEveryMilliseconds
    }
    if state == .churned, ts > churnedAt {
      state = .back
      lastBand = nil
      recover(.returned, at: ts, score: nil, who, constants, moment, &output)
    }
  }

  /// A purchase (also a visit, which has been told before).
  mutating func purchase(
    at ts: Int64, _ who: Identity, _ constants: EpochConstants, _ moment: Moment,
    _ output: inout TriggerOutput
  ) {
    guard state == .atRisk, ts >= entry else { return }
    state = .active
    lastBand = nil
    recover(.purchase, at: ts, score: nil, who, constants, moment, &output)
  }

  // MARK: Evaluation

  /// Handles the evaluation that `deadline` gave. The portrait is only read; `inout` keeps it from being copied,
  /// which most evaluations, of users without a baseline, would spend most of their time on.
  mutating func evaluate(
    at time: Int64, _ portrait: inout Portrait, _ who: Identity, _ constants: EpochConstants,
    _ moment: Moment,
    _ output: inout TriggerOutput
  ) -> ChurnEvaluation {
    let rules = constants.rules.churn
    next = time.addingSaturated(rules.evaluateEveryMilliseconds)
    lastEvaluation = time
    output.tally.evaluations += 1
    let score = ChurnScore(of: &portrait, at: time, constants)
    var evaluation = ChurnEvaluation(
      activeDays: score.activeDays, score: score.score, components: score.components, verdict: .noBaseline)
    guard let points = score.score else {
      output.tally.evaluationsWithoutBaseline += 1
      lastBand = nil
      if state == .atRisk, (portrait.lastActivity ?? .min) < score.recentBegin {
        state = .churned
        churnedAt = time
        evaluation.verdict = .churned
      }
      return evaluation
    }
    // A straggler may give a churned user a baseline again; only a visit brings him back.
    if state == .churned {
      evaluation.verdict = .churned
      return evaluation
    }
    if state == .new || state == .back { state = .active }
    let earlier = lastBand
    let isHigh = points >= rules.enterScore && score.raised >= 2
    lastBand = isHigh ? rules.band(points) : nil
    if state == .atRisk, points < rules.leaveScore {
      state = .active
      evaluation.verdict = .left
      recover(.score, at: time, score: points, who, constants, moment, &output)
    } else if !isHigh {
      evaluation.verdict = state == .atRisk ? .stillAtRisk : .notHigh
    } else if earlier == nil {
      evaluation.verdict = .highOnce
    } else {
      evaluation.verdict = warn(score, earlier!, at: time, portrait, who, constants, moment, &output)
    }
    return evaluation
  }

  /// The second or a later high evaluation in a row: enters, and warns if that is allowed again.
  private mutating func warn(
    _ score: ChurnScore, _ earlier: ChurnBand, at time: Int64, _ portrait: Portrait, _ who: Identity,
    _ constants: EpochConstants, _ moment: Moment, _ output: inout TriggerOutput
  ) -> ChurnEvaluation.Verdict {
    let rules = constants.rules.churn
    let band = rules.band(score.score!)
    let isEntry = state != .atRisk
    if isEntry {
      state = .atRisk
      entry = time
      episode = time
    }
    if let lastWarning {
      let isRepeat = time >= lastWarning.addingSaturated(rules.repeatMilliseconds)
      let isHigher =
        min(earlier, band) > lastWarningBand
        && time >= lastWarning.addingSaturated(rules.nextBandMilliseconds)
      if isRepeat, !isEntry {
        episode = time
      } else if !isRepeat, !isHigher {
        if !isEntry { return .stillAtRisk }
        output.tally[suppressed: .repeat] += 1
        return .suppressed(.repeat)
      }
    }
    lastWarning = time
    lastWarningBand = band
    if let reason = suppression(at: time, portrait, who, constants, moment) {
      output.tally[suppressed: reason] += 1
      return .suppressed(reason)
    }
    let id = who.alert(.churnWarning, episode: episode, step: band.rawValue)
    open = Open(id: id, time: time, episode: episode, band: band)
    output.emit(
      Alert(
        id: id, user: who.key, identified: who.isIdentified, time: time,
        body: .churnWarning(warning(score, band, at: time, portrait, constants))))
    return .warned(id)
  }

  private func suppression(
    at time: Int64, _ portrait: Portrait, _ who: Identity, _ constants: EpochConstants, _ moment: Moment
  ) -> ChurnSuppression? {
    if portrait.traits.optedOut { return .optedOut }
    if !who.isIdentified, !constants.rules.alerts.anonymous { return .anonymous }
    return moment.isStale(time, constants.rules.alerts) ? .stale : nil
  }

  private func warning(
    _ score: ChurnScore, _ band: ChurnBand, at time: Int64, _ portrait: Portrait, _ constants: EpochConstants
  ) -> ChurnWarning {
    let cadence = portrait.cadence
    return ChurnWarning(
      score: score.score!, band: band, episode: episode, components: Array(score.components),
      reasons: score.reasons, activeDays: score.activeDays,
      lastVisit: portrait.lastActivity ?? portrait.firstSeen, lastPurchase: cadence.lastPurchase,
      meanGapDays: cadence.purchaseDays >= 2 ? cadence.meanGapDays : nil, purchases: cadence.purchases,
      lifetimeRevenueMinor: cadence.lifetimeRevenueMinor, revenueCurrency: cadence.revenueCurrency,
      features: portrait.features(at: time, constants), dwellInferred: portrait.dwellInferred)
  }

  /// Answers the open warning, if there is one.
  private mutating func recover(
    _ reason: ChurnRecovered.Reason, at time: Int64, score: Int?, _ who: Identity,
    _ constants: EpochConstants, _ moment: Moment,
    _ output: inout TriggerOutput
  ) {
    guard let warning = open else { return }
    open = nil
    if moment.isStale(time, constants.rules.alerts) {
      output.tally.staleChurnRecovered += 1
      return
    }
    let body = ChurnRecovered(
      alert: warning.id, episode: warning.episode, band: warning.band, reason: reason,
      lagMilliseconds: max(0, time - warning.time), score: score)
    output.emit(
      Alert(
        id: who.alert(.churnRecovered, episode: warning.episode, step: warning.band.rawValue),
        user: who.key, identified: who.isIdentified, time: time, body: .churnRecovered(body)))
  }
}
