import Events
import Triggers

/// One thing that happens to a partition.
public enum Step: Sendable {
  case event(Event, clock: Int64)
  /// A record that has a time and nothing to apply.
  case advance(Int64, clock: Int64)
  case tick(Int64)
  case resume(Int64)
  /// The end of a recorded history, up to this time.
  case drain(Int64)
}

/// A history under rules.
public struct World: Sendable {
  public var rules: Rules
  public var steps: [Step]

  public init(rules: Rules, steps: [Step]) {
    self.rules = rules
    self.steps = steps
  }
}

extension Step: CustomStringConvertible {
  public var description: String {
    switch self {
    case .event(let event, let clock): "\(time(event.ts)) \(Self.text(event)) (clock \(time(clock)))"
    case .advance(let ts, let clock): "\(time(ts)) unmapped (clock \(time(clock)))"
    case .tick(let clock): "\(time(clock)) tick"
    case .resume(let clock): "\(time(clock)) resume"
    case .drain(let until): "drain to \(time(until))"
    }
  }

  private static func text(_ event: Event) -> String {
    var words = [event.type.name, event.userKey ?? "?"]
    func add(_ name: String, _ value: (some Any)?) {
      if let value { words.append("\(name)=\(value)") }
    }
    add("event", event.eventID)
    add("item", event.itemID)
    add("price", event.priceMinor)
    add("currency", event.currency?.text)
    add("quantity", event.quantity)
    add("cart", event.cartID)
    add("order", event.orderID)
    add("value", event.valueMinor)
    add("dwell", event.dwellMilliseconds)
    add("url", event.url)
    if let items = event.items {
      let texts = items.map { item in
        item.itemID + (item.quantity.map { "×\($0)" } ?? "") + (item.priceMinor.map { "@\($0)" } ?? "")
      }
      words.append("items=[\(texts.joined(separator: " "))]")
    }
    for (name, value) in event.traits.sorted(by: { $0.key < $1.key }) { words.append("\(name)=\(value)") }
    return words.joined(separator: " ")
  }
}

/// Day number and time of day, for people who compare histories.
public func time(_ ms: Int64) -> String {
  func digits(_ value: Int64, _ width: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }
  guard ms > -8_000_000_000_000_000, ms < 8_000_000_000_000_000 else { return ms < 0 ? "never" : "always" }
  let rest = ms - Milliseconds.floor(ms, to: Milliseconds.day)
  let clock = [rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60].map { digits($0, 2) }
  return "d\(Milliseconds.dayNumber(ms)) \(clock.joined(separator: ":")).\(digits(rest % 1000, 3))"
}
