import Events
import SideBySide
import Testing
import Triggers

/// A case: what is given and happens, line by line, and the alerts that follow.
///
/// A line is `<time> <what> [words]`, such as `1d2h add A 500 x2`. Times count from a Sunday midnight UTC and may
/// be written as sums: `24h-1ms`. A word of digits is a price in cents, `x2` a quantity, `order=…`, `cart=…`,
/// `value=…`, `late=<time>` (arrives then), `EUR` a currency; other words are items.
struct Story: Sendable, CustomTestStringConvertible {
  var name: String
  var lines: [String]
  var alerts: [String]
  var rules: @Sendable (inout Rules) -> Void

  init(
    _ name: String, _ lines: [String], alerts: [String],
    rules: @escaping @Sendable (inout Rules) -> Void = { _ in }
  ) {
    self.name = name
    self.lines = lines
    self.alerts = alerts
    self.rules = rules
  }

  var testDescription: String { name }

  static let origin: Int64 = 1_709_424_000_000

  /// Milliseconds that a time such as `1d2h-1ms` says.
  static func span(_ text: Substring) -> Int64 {
    let units: [Substring: Int64] = ["d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1]
    var total: Int64 = 0
    var sign: Int64 = 1
    var rest = text
    while let first = rest.first {
      if first == "-" || first == "+" {
        sign = first == "-" ? -1 : 1
        rest = rest.dropFirst()
        continue
      }
      let digits = rest.prefix { $0.isNumber }
      rest = rest.dropFirst(digits.count)
      let unit = rest.prefix { $0.isLetter }
      rest = rest.dropFirst(unit.count)
      guard let number = Int64(digits), let length = units[unit] else {
        preconditionFailure("not a time: \(text)")
      }
      total += sign * number * length
    }
    return total
  }

  /// The same, the other way.
  static func text(_ ms: Int64) -> String {
    var rest = abs(ms)
    var text = ms < 0 ? "-" : ""
    for (unit, length): (String, Int64) in [
      ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ] where rest >= length {
      text += "\(rest / length)\(unit)"
      rest %= length
    }
    return text.isEmpty ? "0m" : text
  }

  static func step(_ line: String) -> Step {
    let words = line.split(separator: " ")
    let ts = origin + span(words[0])
    var clock = ts
    if words[1] == "tick" { return .tick(ts) }
    if words[1] == "resume" { return .resume(ts) }
    if words[1] == "unmapped" { return .advance(ts, clock: ts) }
    let types: [Substring: EventType] = [
      "add": .cartAdd, "remove": .cartRemove, "set": .cartSet, "clear": .cartClear,
      "checkout": .checkoutStart, "buy": .purchase, "view": .pageView, "refund": .refund,
      "profile": .profile, "forget": .forget, "dwell": .pageDwell,
    ]
    guard let type = types[words[1]] else { preconditionFailure("not an event: \(line)") }
    var event = Event(type: type, ts: ts, userID: "u")
    var items: [Event.Item] = []
    for word in words.dropFirst(2) {
      let pair = word.split(separator: "=", maxSplits: 1)
      if pair.count == 2 {
        let value = String(pair[1])
        switch pair[0] {
        case "order": event.orderID = value
        case "cart": event.cartID = value
        case "value": event.valueMinor = Int64(value)
        case "late": clock = origin + span(pair[1])
        case "id": event.eventID = value
        case "dwell": event.dwellMilliseconds = Int64(value)
        case "anonymous": (event.userID, event.anonymousID) = (nil, value)
        default: event.traits[String(pair[0])] = .text(value)
        }
      } else if let number = Int64(word) {
        items[items.count - 1].priceMinor = number
      } else if word.first == "x", let quantity = Int64(word.dropFirst()) {
        items[items.count - 1].quantity = quantity
      } else if word.count == 3, word.allSatisfy(\.isUppercase) {
        event.currency = Currency(String(word))
      } else {
        items.append(Event.Item(itemID: String(word)))
      }
    }
    if type == .cartSet || items.count > 1 || type == .checkoutStart && !items.isEmpty {
      event.items = items
    } else if let item = items.first {
      (event.itemID, event.priceMinor, event.quantity) = (item.itemID, item.priceMinor, item.quantity)
    }
    return .event(event, clock: clock)
  }

  static func text(_ alert: Alert) -> String {
    let at = text(alert.time - origin)
    switch alert.body {
    case .cartAbandoned(let body): return "\(at) abandoned \(body.step)\(body.first ? "" : " not first")"
    case .cartRecovered(let body):
      let more = body.answered.count > 1 ? " of \(body.answered.count)" : ""
      return "\(at) recovered \(body.step) after \(text(body.lagMilliseconds))\(more)"
    case .cartRetracted(let body): return "\(at) retracted \(body.step)"
    case .churnWarning(let body): return "\(at) warning \(body.band.name) \(body.score)"
    case .churnRecovered(let body):
      return "\(at) churn recovered \(body.reason.rawValue) after \(text(body.lagMilliseconds))"
    }
  }

  /// The rules of a story: no lateness, nothing stale, ticks as far as told, and one trigger at a time.
  var fullRules: Rules {
    var rules = Rules()
    rules.time.allowedLatenessMilliseconds = 0
    rules.time.tickForMilliseconds = 365 * Milliseconds.day
    rules.alerts.maxAgeMilliseconds = nil
    rules.churn.enabled = false
    self.rules(&rules)
    return rules
  }

  /// Runs the story through engine and model and holds both to its alerts; returns all of them in full.
  @discardableResult
  func tell(_ location: SourceLocation = #_sourceLocation) -> (
    alerts: [Alert], tally: Tally, carts: CartAccounting
  ) {
    var both = SideBySide(rules: fullRules)
    var told: [Alert] = []
    for line in lines {
      let (alerts, difference) = both.take(Self.step(line))
      told += alerts
      if let difference { Issue.record("\(name), \(line): \(difference)", sourceLocation: location) }
    }
    if let difference = both.finish() { Issue.record("\(name): \(difference)", sourceLocation: location) }
    let texts = told.map(Self.text)
    #expect(texts == alerts, "\(name)", sourceLocation: location)
    return (told, both.tally, both.accounting())
  }
}
