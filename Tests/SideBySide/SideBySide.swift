import Events
import NaiveModel
import Shard
import Triggers

/// Engine and model, fed with the same history and compared after every step.
public struct SideBySide: ~Copyable {
  public let model: NaiveModel
  private var shard: Shard
  private var output = TriggerOutput()
  private var slot = EventSlot()
  /// Of one user each: contents by the version that the engine gave them, and the other way round.
  private var contentsByVersion: [String: String] = [:]
  private var versionByContents: [String: String] = [:]

  public init(rules: Rules) {
    model = NaiveModel(rules: rules)
    shard = Shard(partition: 0, rules: rules)
  }

  public var tally: Tally { output.tally }
  public var watermark: Int64 { shard.watermark }
  public func accounting() -> CartAccounting { shard.accounting(output.tally) }

  /// Takes a step in both. Returns the engine's alerts and the first difference, if there is one.
  public mutating func take(_ step: Step) -> (alerts: [Alert], difference: String?) {
    switch step {
    case .event(let event, let clock):
      slot.set(event)
      shard.apply(slot, recordClock: clock, into: &output)
      model.apply(event, recordClock: clock)
    case .advance(let ts, let clock):
      shard.advance(eventTime: ts, recordClock: clock, into: &output)
      model.advance(eventTime: ts, recordClock: clock)
    case .tick(let clock):
      _ = shard.tick(clock: clock, into: &output)
      model.tick(clock: clock)
    case .resume(let clock):
      shard.resume(clock: clock)
      model.resume(clock: clock)
    case .drain(let until):
      shard.drain(until: until, into: &output)
      model.drain(until: until)
    }
    let engine = output.alerts
    let expected = model.alerts
    output.alerts.removeAll()
    model.alerts.removeAll()
    var difference = compare(engine: engine, model: expected)
    if difference == nil, output.tally != model.tally {
      difference = "tally:\n" + lines(output.tally, model.tally)
    }
    if difference == nil, case .drain = step {
      // The watermark of a drained history is nobody's business.
    } else if difference == nil, shard.watermark != model.watermark {
      difference = "watermark: engine \(time(shard.watermark)), model \(time(model.watermark))"
    }
    return (engine, difference)
  }

  /// Compares what is left at the end.
  public func finish() -> String? {
    let engine = accounting()
    let expected = model.accounting()
    let zeroless = engine.endings.filter { $0.value != 0 }
    if engine.opened != expected.opened || engine.open != expected.open || zeroless != expected.endings {
      return "accounting:\n" + lines(engine, expected)
    }
    return engine.isBalanced ? nil : "the accounting does not add up: \(engine)"
  }

  private mutating func compare(engine: [Alert], model: [Alert]) -> String? {
    func grouped(_ alerts: [Alert]) -> [String: [Alert]] {
      Dictionary(grouping: alerts) { "\($0.user) \($0.type.isCart ? "cart" : "churn")" }
    }
    let (left, right) = (grouped(engine), grouped(model))
    for key in Set(left.keys).union(right.keys).sorted() {
      let (a, b) = (left[key] ?? [], right[key] ?? [])
      for (one, other) in zip(a, b) {
        if let difference = compare(one, other) { return "\(key): \(difference)" }
      }
      if a.count != b.count {
        let (more, name) = a.count > b.count ? (a[b.count], "engine") : (b[a.count], "model")
        return "\(key): only in the \(name): \(more.type.rawValue) at \(time(more.time)) \(more.body)"
      }
    }
    return nil
  }

  private mutating func compare(_ engine: Alert, _ model: Alert) -> String? {
    var aligned = engine
    switch (engine.body, model.body) {
    case (.cartAbandoned(var body), .cartAbandoned(let expected)):
      if let fault = checkVersion(body, user: engine.user) { return fault }
      body.cartVersion = expected.cartVersion
      aligned.body = .cartAbandoned(body)
    case (.churnWarning(var body), .churnWarning(let expected)):
      for index in body.components.indices where index < expected.components.count {
        align(&body.components[index].value, expected.components[index].value)
        align(&body.components[index].weight, expected.components[index].weight)
        align(&body.components[index].recent, expected.components[index].recent)
        align(&body.components[index].baseline, expected.components[index].baseline)
      }
      align(&body.meanGapDays, expected.meanGapDays)
      aligned.body = .churnWarning(body)
    default: break
    }
    return aligned == model ? nil : "alerts differ:\n" + lines(aligned, model)
  }

  private func align(_ value: inout Double, _ expected: Double) {
    if abs(value - expected) < 1e-9 { value = expected }
  }

  private func align(_ value: inout Double?, _ expected: Double?) {
    if let present = value, let expected, abs(present - expected) < 1e-9 { value = expected }
  }

  /// A version stands for exactly one set of items and quantities.
  private mutating func checkVersion(_ body: CartAbandoned, user: String) -> String? {
    let contents = body.lines.map { "\($0.itemID)×\($0.quantity)" }.sorted().joined(separator: " ")
    let version = String(body.cartVersion)
    if let known = contentsByVersion[version], known != contents {
      return "version of \(known) and \(contents)"
    }
    if let known = versionByContents[contents], known != version { return "two versions of \(contents)" }
    contentsByVersion[version] = contents
    versionByContents[contents] = version
    return nil
  }

  private func lines(_ engine: some Any, _ model: some Any) -> String {
    var (left, right) = ("", "")
    dump(engine, to: &left)
    dump(model, to: &right)
    let (a, b) = (left.split(separator: "\n"), right.split(separator: "\n"))
    var result: [String] = []
    for change in a.difference(from: b) {
      switch change {
      case .insert(let offset, let line, _): result.append("  engine line \(offset): \(line)")
      case .remove(let offset, let line, _): result.append("  model line \(offset): \(line)")
      }
    }
    if case let alert as Alert = engine {
      result.append("  \(alert.type.rawValue) at \(time(alert.time))")
    }
    return result.joined(separator: "\n")
  }
}

extension World {
  /// Where engine and model part.
  public struct Difference: Sendable, CustomStringConvertible {
    public var step: Int
    public var text: String
    public var description: String { "after step \(step): \(text)" }
  }

  /// Runs the history through both; the census is the model's.
  public func run() -> (difference: Difference?, census: Census) {
    var both = SideBySide(rules: rules)
    for (index, step) in steps.enumerated() {
      if let text = both.take(step).difference {
        return (Difference(step: index, text: text), both.model.census)
      }
    }
    let rest = both.finish().map { Difference(step: steps.count, text: $0) }
    return (rest, both.model.census)
  }

  /// The same difference from as few steps as can be found: chunks of halving size are left out while engine and
  /// model still part (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002).
  public func shrunk(attempts: Int = 3000) -> World {
    var best = self
    var left = attempts
    if let difference = run().difference { best.steps = Array(steps.prefix(difference.step + 1)) }
    var size = max(1, best.steps.count / 2)
    while left > 0 {
      var start = 0
      var improved = false
      while start < best.steps.count, left > 0 {
        var trial = best
        trial.steps.removeSubrange(start..<min(start + size, best.steps.count))
        left -= 1
        if trial.run().difference != nil {
          best = trial
          improved = true
        } else {
          start += size
        }
      }
      if size == 1, !improved { break }
      size = max(1, size / 2)
    }
    return best
  }

  /// The history and the difference, for people.
  public var report: String {
    let outcome = run().difference?.description ?? "no difference"
    let history = steps.enumerated().map { "  \($0.offset): \($0.element)" }
    var usual = ""
    var present = ""
    dump(Rules(), to: &usual)
    var shown = rules
    shown.shop.zones = ZoneTable()
    dump(shown, to: &present)
    let old = usual.split(separator: "\n")
    var changes: [String] = []
    for change in present.split(separator: "\n").difference(from: old) {
      if case .insert(_, let line, _) = change {
        changes.append(" " + line.drop { $0 == " " || $0 == "-" || $0 == "▿" })
      }
    }
    let rest = "  rules that are not the usual ones:" + changes.joined(separator: ",")
    return ([outcome] + history + [rest]).joined(separator: "\n")
  }
}
