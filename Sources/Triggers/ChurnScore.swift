import Events
import Portrait

/// The churn score of one user at one evaluation.
struct ChurnScore: Sendable, Hashable {
  /// Active days in the baseline.
  var activeDays: Int
  var recentBegin: Int64
  /// 0 to 100; nil: no baseline.
  var score: Int?
  var components = ChurnComponents()

  /// Components above 0 that count: one of weight 0 is switched off.
  var raised: Int {
    components.count(where: Self.isRaised)
  }

  private static func isRaised(_ component: ChurnComponentValue) -> Bool {
    (component.value ?? 0) > 0 && component.weight > 0
  }

  /// Components above 0 by weight × value, largest first.
  var reasons: [ChurnComponent] {
    components.enumerated()
      .filter { Self.isRaised($0.element) }
      .map { (index: $0.offset, share: $0.element.weight * $0.element.value!, name: $0.element.component) }
      .sorted { $0.share != $1.share ? $0.share > $1.share : $0.index < $1.index }
      .map(\.name)
  }

  /// The portrait is only read; `inout` keeps it from being copied.
  init(of portrait: inout Portrait, at time: Int64, _ constants: borrowing EpochConstants) {
    let rules = constants.rules.churn
    let tiers = constants.portrait.tiers
    let recentBegin = portrait.begin(rules.recentMilliseconds, at: time, tiers)
    let baselineBegin = portrait.begin(
      rules.recentMilliseconds + rules.baselineMilliseconds, at: time, tiers)
    self.recentBegin = recentBegin
    activeDays = portrait.panes.activeDays(from: baselineBegin, to: recentBegin)
    guard activeDays >= rules.minimumActiveDays else { return }

    let firstDay = Milliseconds.floor(portrait.firstSeen, to: Milliseconds.day)
    let day = Double(Milliseconds.day)
    let recentDays = Double(time - recentBegin) / day
    let baselineDays = Double(recentBegin - max(baselineBegin, firstDay)) / day
    // A straggler from before the first day can make a baseline out of nothing: then there is none.
    guard recentDays > 0, baselineDays > 0 else {
      activeDays = 0
      return
    }
    let recent = portrait.panes.sums(from: recentBegin)
    let baseline = portrait.panes.sums(from: baselineBegin, to: recentBegin)
    components = ChurnComponents(
      dwellDrop: Self.drop(
        .dwellDrop, rules.dwellDropWeight, Double(recent.dwellMilliseconds) / recentDays,
        Double(baseline.dwellMilliseconds) / baselineDays),
      visitDrop: Self.drop(
        .visitDrop, rules.visitDropWeight, Double(recent.sessions) / recentDays,
        Double(baseline.sessions) / baselineDays),
      cartUnboughtRise: Self.rise(
        rules.cartUnboughtRiseWeight, Self.unbought(recent, recentDays),
        Self.unbought(baseline, baselineDays), portrait.hasHadCart),
      overdue: Self.overdue(rules.overdueWeight, portrait.cadence, time))
    score = weigh()
  }

  /// Scales the weights over the components with inputs and sums up.
  private mutating func weigh() -> Int {
    var total = 0.0
    for component in components where component.value != nil { total += component.weight }
    guard total > 0 else {
      for index in components.indices { components[index].weight = 0 }
      return 0
    }
    var sum = 0.0
    for index in components.indices {
      guard let value = components[index].value else {
        components[index].weight = 0
        continue
      }
      components[index].weight /= total
      sum += components[index].weight * value
    }
    return Int((100 * sum + 0.5).rounded(.down))
  }

  private static func clip(_ value: Double) -> Double {
    min(max(value, 0), 1)
  }

  private static func drop(
    _ component: ChurnComponent, _ weight: Double, _ recent: Double, _ baseline: Double
  ) -> ChurnComponentValue {
    ChurnComponentValue(
      component: component, value: baseline > 0 ? clip(1 - recent / baseline) : nil, weight: weight,
      recent: recent, baseline: baseline)
  }

  /// Weekly mean of units put into the cart and neither taken out nor bought, at least 0.
  private static func unbought(_ sums: PaneSums, _ days: Double) -> Double {
    // In floating point: each alone may be as large as an integer can be.
    max(0, (Double(sums.cartAdds) - Double(sums.cartRemovals) - Double(sums.itemsBought)) * 7 / days)
  }

  private static func rise(
    _ weight: Double, _ recent: Double, _ baseline: Double, _ hasHadCart: Bool
  ) -> ChurnComponentValue {
    ChurnComponentValue(
      component: .cartUnboughtRise, value: hasHadCart ? clip(1 - (baseline + 1) / (recent + 1)) : nil,
      weight: weight, recent: recent, baseline: baseline)
  }

  private static func overdue(_ weight: Double, _ cadence: Cadence, _ time: Int64) -> ChurnComponentValue {
    guard cadence.purchaseDays >= 2 else {
      return ChurnComponentValue(component: .overdue, value: nil, weight: weight, recent: 0, baseline: 0)
    }
    let since = Double(Milliseconds.dayNumber(time) - cadence.lastPurchaseDay)
    return ChurnComponentValue(
      component: .overdue, value: clip(since / cadence.meanGapDays - 1), weight: weight, recent: since,
      baseline: cadence.meanGapDays)
  }
}

extension ChurnRules {
  /// The band that a score lies in.
  func band(_ score: Int) -> ChurnBand {
    if score >= criticalScore { return .critical }
    return score >= warningScore ? .warning : .watch
  }
}
