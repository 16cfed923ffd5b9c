import Events
import Portrait

// How purchases answer alerts: retractions first, then one recovery.

extension CartTrigger {
  /// Holds a purchase, after it has acted on the cart, against the alerts that wait.
  mutating func answer(
    _ event: borrowing EventSlot, _ effect: Cart.Effect, _ cart: Cart, _ who: Identity,
    _ constants: EpochConstants, _ moment: Moment,
    _ output: inout TriggerOutput
  ) {
    let rules = constants.rules.cart
    guard let last = waiting.last else { return }
    if moment.watermark > last.time.addingSaturated(rules.recoveryMilliseconds) {
      waiting.removeAll()
      return
    }
    retract(event, cart, who, rules, &output)
    recover(event, effect, who, constants, moment, &output)
  }

  private mutating func retract(
    _ event: borrowing EventSlot, _ cart: Cart, _ who: Identity, _ rules: CartRules,
    _ output: inout TriggerOutput
  ) {
    let purchase = event.ts
    var index = 0
    while index < waiting.count {
      let alert = waiting[index]
      let isPrevented =
        alert.time > purchase
        && (alert.time < purchase.addingSaturated(rules.silenceAfterPurchaseMilliseconds)
          || !waiting.lists(index) { cart.contains($0) })
      guard isPrevented else {
        index += 1
        continue
      }
      waiting.remove(at: index)
      mark(alert.cart) { $0.retracted = true }
      let body = CartRetracted(
        alert: alert.id, episode: alert.episode, step: alert.step, purchaseTime: purchase,
        orderID: event.orderID.map { event.string($0) })
      output.emit(
        Alert(
          id: who.alert(.cartRetracted, episode: alert.episode, step: alert.step), user: who.key,
          identified: who.isIdentified, time: alert.time, body: .cartRetracted(body)))
    }
  }

  private mutating func recover(
    _ event: borrowing EventSlot, _ effect: Cart.Effect, _ who: Identity, _ constants: EpochConstants,
    _ moment: Moment,
    _ output: inout TriggerOutput
  ) {
    let purchase = event.ts
    let gap = constants.rules.sessions.gapMilliseconds
    func isAnswered(_ alert: WaitingAlerts.Alert) -> Bool {
      alert.time <= purchase && alert.clearedAt.map { abs(purchase - $0) <= gap } ?? true
    }
    var latest: WaitingAlerts.Alert?
    var isNamed = effect.whole
    for index in 0..<waiting.count where isAnswered(waiting[index]) {
      latest = waiting[index]
      if !isNamed { isNamed = waiting.lists(index) { Cart.isNamed($0, by: event) } }
    }
    guard let last = latest, isNamed,
      purchase <= last.time.addingSaturated(constants.rules.cart.recoveryMilliseconds)
    else { return }
    var answered: [AlertID] = []
    var index = 0
    while index < waiting.count {
      let alert = waiting[index]
      guard isAnswered(alert) else {
        index += 1
        continue
      }
      waiting.remove(at: index)
      answered.append(alert.id)
      mark(alert.cart) { $0.recovered = true }
    }
    let value = event.ownValue
    let body = CartRecovered(
      alert: last.id, answered: answered, episode: last.episode, step: last.step,
      lagMilliseconds: purchase - last.time, cartValueMinor: last.valueMinor, cartCurrency: last.currency,
      orderID: event.orderID.map { event.string($0) }, orderValueMinor: value?.minor,
      orderCurrency: value == nil ? nil : event.currency)
    if moment.isStale(purchase, constants.rules.alerts) {
      output.tally.staleCartRecovered += 1
      return
    }
    output.emit(
      Alert(
        id: who.alert(.cartRecovered, episode: last.episode, step: last.step), user: who.key,
        identified: who.isIdentified, time: purchase, body: .cartRecovered(body)))
  }

  /// Marks the cart that an answered alert was about, if its ending is still open.
  private mutating func mark(_ cart: Int64, _ change: (inout Marks) -> Void) {
    if cart == carts { change(&marks) }
    if cleared?.cart == cart { change(&cleared!.marks) }
  }
}
