import Events

extension Alert {
  /// One short sentence for people that explains the alert, in English, without a full stop. It holds nothing that
  /// a shopper or a shop wrote: no ids, only numbers, times and currency codes.
  public var reasonSentence: String {
    switch body {
    case .cartAbandoned(let body): Self.sentence(body, at: time)
    case .cartRecovered(let body): Self.sentence(body)
    case .cartRetracted(let body): Self.sentence(body, at: time)
    case .churnWarning(let body): Self.sentence(body)
    case .churnRecovered(let body): Self.sentence(body)
    }
  }

  private static func sentence(_ body: CartAbandoned, at time: Int64) -> String {
    var units: Int64 = 0
    for line in body.lines {
      let (sum, overflow) = units.addingReportingOverflow(max(0, line.quantity))
      units = overflow ? Int64.max : sum
    }
    var text = body.stage == .checkout ? "checkout with " : "cart of "
    text += body.uncountedLines > 0 ? "more than " : ""
    text += units == 1 ? "1 item" : "\(units) items"
    if let value = body.valueMinor {
      text += " (" + WireText.money(value, body.currency) + (body.valueComplete ? ")" : " and more)")
    }
    // With `activity_extends` off the shopper may still be about; there is no silence to tell then.
    guard body.idleMilliseconds >= Milliseconds.minute else { return text + ", not bought" }
    return text + " untouched for " + WireText.span(body.idleMilliseconds) + " since "
      + WireText.clock(body.lastActivity, seenFrom: time)
  }

  private static func sentence(_ body: CartRecovered) -> String {
    var text = "bought " + WireText.span(body.lagMilliseconds) + " after the alert of step \(body.step)"
    if let value = body.orderValueMinor {
      text += ", order of " + WireText.money(value, body.orderCurrency)
    } else if let value = body.cartValueMinor {
      text += ", cart of " + WireText.money(value, body.cartCurrency)
    }
    return text
  }

  private static func sentence(_ body: CartRetracted, at time: Int64) -> String {
    "alert of step \(body.step) taken back: a purchase at "
      + WireText.clock(body.purchaseTime, seenFrom: time) + ", before it, was seen only after it"
  }

  private static func sentence(_ body: ChurnWarning) -> String {
    var text = "score \(body.score) of 100"
    var values: [ChurnComponent: ChurnComponentValue] = [:]
    for value in body.components { values[value.component] = value }
    let parts = body.reasons.compactMap { reason in values[reason].map(part) }
    if !parts.isEmpty { text += ": " + parts.joined(separator: ", ") }
    return text
  }

  private static func part(_ value: ChurnComponentValue) -> String {
    let recent = value.recent
    let baseline = value.baseline
    switch value.component {
    case .dwellDrop:
      return "time on site \(minutes(recent)) min a day, was \(minutes(baseline))"
    case .visitDrop:
      return "\(count(recent * 7, "visit")) a week, was \(WireText.decimal(baseline * 7))"
    case .cartUnboughtRise:
      return "\(count(recent, "item")) a week left in the cart, was \(WireText.decimal(baseline))"
    case .overdue:
      return "\(count(recent, "day")) since the last purchase, usually \(WireText.decimal(baseline))"
    }
  }

  /// `1 visit`, `1.4 visits`.
  private static func count(_ number: Double, _ noun: String) -> String {
    let text = WireText.decimal(number)
    return text == "1" ? "1 \(noun)" : "\(text) \(noun)s"
  }

  private static func minutes(_ milliseconds: Double) -> String {
    WireText.decimal(milliseconds / Double(Milliseconds.minute))
  }

  private static func sentence(_ body: ChurnRecovered) -> String {
    let after = " " + WireText.span(body.lagMilliseconds) + " after the warning"
    switch body.reason {
    case .score: return "score down" + (body.score.map { " to \($0)" } ?? "") + after
    case .purchase: return "bought" + after
    case .returned: return "came back" + after
    }
  }
}
