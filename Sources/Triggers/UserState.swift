import Events
import Portrait

/// Everything Ebb knows about one user: the portrait and the two triggers over it. Not his key: whoever keeps the
/// state keeps it, and gives it with what happens.
public struct UserState: Sendable, Hashable {
  /// false for a user known only by `anonymous_id`.
  public internal(set) var isIdentified: Bool
  public internal(set) var portrait: Portrait
  var cart = CartTrigger()
  var churn: ChurnTrigger

  /// - Parameter firstSeen: time of the event that brings the user in, milliseconds since 1970 UTC.
  public init(isIdentified: Bool, firstSeen: Int64, _ constants: EpochConstants) {
    self.isIdentified = isIdentified
    portrait = Portrait(firstSeen: firstSeen)
    churn = ChurnTrigger(firstSeen: firstSeen, constants.rules.churn)
  }

  /// The kinds of deadline, in their order at one instant.
  public enum DeadlineKind: Sendable, Hashable {
    case session, cartStep, cartExpiry, cartForgotten, evaluation, userForgotten
  }

  /// What handling a deadline leaves.
  public enum Remainder: Sendable, Hashable {
    case stays, isForgotten
  }

  // MARK: Events

  /// Takes an event in (any type but `forget`). Deadlines that it makes due are the caller's to fire.
  public mutating func apply(
    _ event: borrowing EventSlot, of who: Identity, watermark: Int64, clock: Int64,
    _ constants: EpochConstants,
    _ output: inout TriggerOutput
  ) {
    if portrait.isDuplicate(event.fingerprint()) {
      output.tally.duplicates += 1
      return
    }
    let moment = Moment(watermark: watermark, clock: clock)
    if event.type.isActivity {
      churn.visit(
        at: event.ts, lastVisit: portrait.lastActivity, firstSeen: portrait.firstSeen, who, constants, moment,
        &output)
      cart.activity(at: event.ts, constants.rules.cart)
    }
    let effect = portrait.apply(event, constants.portrait)
    count(effect, &output)
    guard let change = effect.cart, change.accepted else { return }
    if event.type == .purchase {
      cart.purchase(event, change, portrait, who, constants, moment, &output)
      churn.purchase(at: event.ts, who, constants, moment, &output)
    } else {
      cart.cartEvent(event.type, at: event.ts, change, portrait, constants.rules, &output)
    }
  }

  private func count(_ effect: Portrait.Effect, _ output: inout TriggerOutput) {
    if effect.beyondPanes { output.tally.beyondPanes += 1 }
    if effect.otherCurrency { output.tally.otherCurrencyAmounts += 1 }
    output.tally.traitOverflows += effect.traitOverflows
    output.tally.cartOverflows += effect.cart?.overflows ?? 0
  }

  /// The user asked to be forgotten: counts what ends with him.
  public mutating func erase(_ output: inout TriggerOutput) {
    output.tally.usersErased += 1
    cart.erased(&output)
  }

  // MARK: Deadlines

  // What only looks is mutating here and below where it is called for every event: the state is passed by its address
  // then, and else by a copy of its thousand bytes.

  /// The earliest deadline: when this user must be looked at again if nothing happens first.
  public mutating func deadline(_ constants: EpochConstants) -> (time: Int64, kind: DeadlineKind)? {
    let other = otherDeadline(constants)
    guard let session = portrait.sessions.deadline(gap: constants.portrait.gapMilliseconds), session < .max,
      session <= other?.time ?? .max
    else { return other }
    return (session, .session)
  }

  /// The earliest deadline that is not the session's, which comes first at one instant.
  mutating func otherDeadline(_ constants: EpochConstants) -> (time: Int64, kind: DeadlineKind)? {
    var earliest: (time: Int64, kind: DeadlineKind)?
    // In order of kind, so that the first of equals stays.
    func consider(_ time: Int64?, _ kind: DeadlineKind) {
      if let time, time < earliest?.time ?? .max { earliest = (time, kind) }
    }
    if let next = cart.deadline(constants.rules.cart) {
      switch next.kind {
      case .step: consider(next.time, .cartStep)
      case .expiry: consider(next.time, .cartExpiry)
      case .forgotten: consider(next.time, .cartForgotten)
      }
    }
    consider(churn.deadline(portrait.lastActivity, constants.rules.churn), .evaluation)
    consider(forgottenAt(constants), .userForgotten)
    return earliest
  }

  /// When nothing the user did matters any more: long without activity, the cart gone, limits and windows run
  /// out.
  private mutating func forgottenAt(_ constants: EpochConstants) -> Int64? {
    guard portrait.cart.isEmpty else { return nil }
    let memory = constants.memory
    let rules = constants.rules
    let seen = portrait.lastActivity ?? portrait.firstSeen
    var time = seen.addingSaturated(max(rules.state.forgetAfterMilliseconds, memory.windowsMilliseconds))
    if let alert = cart.lastAlert { time = max(time, alert.addingSaturated(memory.afterAlertMilliseconds)) }
    if let purchase = portrait.cadence.lastPurchase {
      time = max(time, purchase.addingSaturated(rules.cart.silenceAfterPurchaseMilliseconds))
    }
    if let warning = churn.lastWarning {
      time = max(time, warning.addingSaturated(memory.afterWarningMilliseconds))
    }
    return time
  }

  /// Handles the deadline that `deadline` gave, as of its own time.
  public mutating func fire(
    _ kind: DeadlineKind, of who: Identity, at time: Int64, watermark: Int64, clock: Int64,
    _ constants: EpochConstants,
    _ output: inout TriggerOutput
  ) -> Remainder {
    let moment = Moment(watermark: watermark, clock: clock)
    portrait.touch(time, constants.portrait)
    let decision: Decision
    switch kind {
    case .session:
      let session = portrait.closeSession(constants.portrait)
      decision = .sessionClosed(pages: session.pages, bounce: session.isBounce)
    case .cartStep: decision = cart.fire(.step, at: time, &portrait, who, constants, moment, &output)
    case .cartExpiry: decision = cart.fire(.expiry, at: time, &portrait, who, constants, moment, &output)
    case .cartForgotten:
      decision = cart.fire(.forgotten, at: time, &portrait, who, constants, moment, &output)
    case .evaluation:
      decision = .evaluated(churn.evaluate(at: time, &portrait, who, constants, moment, &output))
    case .userForgotten:
      output.tally.usersForgotten += 1
      decision = .userForgotten
    }
    output.explain(who, at: time, decision)
    return kind == .userForgotten ? .isForgotten : .stays
  }

  // MARK: Accounting

  /// Where the user's present cart stands: nil for none, `.some(nil)` for an open one.
  public var cartStanding: CartEnding?? {
    switch cart.phase {
    case .noCart: nil
    case .armed: .some(nil)
    case .expired: cart.marks.expiredEnding
    }
  }
}
