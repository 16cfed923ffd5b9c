import Pipeline
import Triggers

extension UserSighting {
  /// What is known of him, how he stands, and why he was told of.
  func facts(of key: String) -> [Fact] {
    var facts = state.facts(of: key, constants)
    facts += state.present(at: latestEvent, constants)
    facts.append(Fact("partition", .number(Int64(partition))))
    if watermark > .min { facts.append(Fact("watermark", .time(watermark))) }
    facts.append(Fact("alerts_since_start", .list(alerts.map { .facts($0.facts) })))
    return facts
  }
}

extension Alert {
  /// In short, with its reason.
  var facts: [Fact] {
    [
      Fact("fired_at", .time(time)), Fact("type", .text(type.rawValue)),
      Fact("reason", .text(reasonSentence)),
      Fact("alert_id", .text(id.text)),
    ]
  }
}
