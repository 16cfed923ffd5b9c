import Events
import Portrait

// How a user stands at a time, as an alert would tell it then.
extension UserState {
  /// His windows, and the score that an evaluation would give.
  ///
  /// - Parameters:
  ///   - time: milliseconds since 1970 UTC; not before his last event, or what came later is counted too.
  ///   - constants: of the epoch in which he was last touched.
  public func present(at time: Int64, _ constants: EpochConstants) -> [Fact] {
    var facts = [Fact("as_of", .time(time))]
    let windows = portrait.features(at: time, constants).map { window in
      Fact.Value.facts(
        [Fact("window", .text(window.name)), Fact("length_ms", .number(window.lengthMilliseconds))]
          + window.sums.facts)
    }
    facts.append(Fact("windows", .list(windows)))
    if constants.rules.churn.enabled { facts.append(Fact("churn_score", .facts(score(at: time, constants)))) }
    return facts
  }

  private func score(at time: Int64, _ constants: EpochConstants) -> [Fact] {
    var portrait = portrait
    let score = ChurnScore(of: &portrait, at: time, constants)
    var facts = [Fact("active_days", .number(Int64(score.activeDays)))]
    guard let points = score.score else {
      let needed = constants.rules.churn.minimumActiveDays
      facts.append(
        Fact("score", .text("none: \(needed) active days before the recent window make a baseline")))
      return facts
    }
    facts.append(Fact("score", .number(Int64(points))))
    facts.append(Fact("enter", .number(Int64(constants.rules.churn.enterScore))))
    if points >= constants.rules.churn.watchScore {
      facts.append(Fact("band", .text("\(constants.rules.churn.band(points))")))
    }
    facts.append(Fact("reasons", .list(score.reasons.map { .text($0.rawValue) })))
    let components = score.components.map { component in
      Fact.Value.facts([
        Fact("component", .text(component.component.rawValue)),
        Fact("value", component.value.map(Fact.Value.decimal) ?? .text("no inputs")),
        Fact("weight", .decimal(component.weight)), Fact("recent", .decimal(component.recent)),
        Fact("baseline", .decimal(component.baseline)),
      ])
    }
    facts.append(Fact("components", .list(components)))
    return facts
  }
}
