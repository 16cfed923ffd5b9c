import Events
import Portrait
import Triggers

/// A purchase as remembered by its key, so that its rows are one.
struct ModelOrder {
  enum Key: Equatable {
    case order(String)
    case time(Int64)
  }
  enum Basis {
    case value, prices
  }
  var key: Key
  var basis: Basis?
}

/// A cart alert that was emitted.
final class ModelAlert {
  let id: AlertID
  let time: Int64
  let episode: Int64
  let episodeNumber: Int
  let step: Int
  let items: Set<String>
  let value: Int64?
  let currency: Currency?
  let cart: CartRecord

  init(_ alert: Alert, _ body: CartAbandoned, episodeNumber: Int, cart: CartRecord) {
    id = alert.id
    time = alert.time
    episode = body.episode
    self.episodeNumber = episodeNumber
    step = body.step
    items = Set(body.lines.map(\.itemID))
    value = body.valueMinor
    currency = body.currency
    self.cart = cart
  }
}

extension ModelUser {
  /// The sum of price × quantity over the rows with a price; nil: none has one.
  private func priced(_ event: Event) -> Int64? {
    func sum(_ rows: [Row]) -> Int64? {
      let known = rows.filter { $0.priceMinor != nil }
      return known.isEmpty ? nil : known.reduce(0) { $0 + $1.priceMinor! * ($1.quantity ?? 1) }
    }
    if let items = event.items, let total = sum(items) { return total }
    guard let item = event.itemID else { return nil }
    return sum([Row(itemID: item, priceMinor: event.priceMinor, quantity: event.quantity)])
  }

  func applyRefund(_ event: Event) {
    guard let value = event.valueMinor ?? priced(event) else { return }
    world.census.count("refund")
    guard let currency = revenueCurrency, currency == event.currency else {
      leaveOut()
      return
    }
    if isBeyondPanes(event.ts) { world.tally.beyondPanes += 1 }
    earn(-value, at: event.ts)
  }

  private func leaveOut() {
    world.tally.otherCurrencyAmounts += 1
    world.census.count("amount in another currency")
  }

  private func earn(_ amount: Int64, at ts: Int64) {
    lifetimeRevenue += amount
    var sums = PaneSums()
    sums.revenueMinor = amount
    contributions.append(Contribution(ts: ts, sums: sums))
  }

  func applyPurchase(_ event: Event, into sums: inout PaneSums) {
    let p = event.ts
    let named = rows(event)
    let whole =
      rules.cart.purchaseScope == .any || named.isEmpty
      || event.cartID != nil && event.cartID == cartID
      || event.orderID != nil && event.orderID == orderID
    let emptied = cart?.record
    let taken = buyFromCart(named, whole: whole, at: p)
    sums.itemsBought = named.isEmpty ? taken : named.reduce(0) { $0 + ($1.quantity ?? 1) }
    recordOrder(event, into: &sums)

    let answer = answerAlerts(event, named, whole: whole)
    if let emptied, cart == nil { end(emptied, emptied.boughtEnding) }
    if let waitingCart = provisional {
      if abs(p - waitingCart.at) <= rules.sessions.gapMilliseconds {
        world.tally[.cleared] -= 1
        world.census.count("cleared turned bought")
        end(waitingCart.record, waitingCart.record.boughtEnding)
      }
      provisional = nil
    }
    if answer.retracted && answer.recovered {
      world.census.count("retraction and recovery in one purchase")
    }
    lastPurchase = max(lastPurchase ?? p, p)
  }

  /// Takes what was bought out of the cart and sets the barriers; returns the units taken.
  private func buyFromCart(_ named: [Row], whole: Bool, at p: Int64) -> Int64 {
    let items = Set(named.map(\.itemID))
    var taken: Int64 = 0
    if let present = cart {
      let bought = present.lines.filter { $0.touched <= p && (whole || items.contains($0.item)) }
      taken = bought.reduce(0) { $0 + $1.quantity }
      let left = present.lines.filter { line in !bought.contains { $0.item == line.item } }
      if left.isEmpty {
        cart = nil
      } else {
        cart!.lines = left
        if !bought.isEmpty { world.census.count("part purchase") }
      }
    }
    if whole {
      wholeBarrier = max(wholeBarrier, p)
      return taken
    }
    for row in named {
      if let index = itemBarriers.firstIndex(where: { $0.item == row.itemID }) {
        itemBarriers[index].time = max(itemBarriers[index].time, p)
      } else {
        itemBarriers.append((row.itemID, p))
        if itemBarriers.count > 16 { itemBarriers.removeFirst() }
      }
    }
    return taken
  }

  /// Orders, money and cadence.
  private func recordOrder(_ event: Event, into sums: inout PaneSums) {
    let key = event.orderID.map { ModelOrder.Key.order($0) } ?? .time(event.ts)
    var index = orders.firstIndex { $0.key == key }
    if index == nil {
      orders.append(ModelOrder(key: key))
      if orders.count > 4 { orders.removeFirst() }
      index = orders.count - 1
      purchases += 1
      sums.purchases = 1
      let day = Milliseconds.dayNumber(event.ts)
      if purchaseDays.isEmpty || day > purchaseDays.last! { purchaseDays.append(day) }
    } else {
      world.census.count("order row merged")
    }
    let amount: Int64
    switch orders[index!].basis {
    case .value: return
    case .prices:
      guard let sum = priced(event) else { return }
      amount = sum
    case nil:
      if let value = event.valueMinor {
        orders[index!].basis = .value
        amount = value
      } else if let sum = priced(event) {
        orders[index!].basis = .prices
        amount = sum
      } else {
        return
      }
    }
    if revenueCurrency == nil { revenueCurrency = .some(event.currency) }
    if revenueCurrency == .some(event.currency) {
      earn(amount, at: event.ts)
    } else {
      leaveOut()
    }
  }

  // MARK: Answers

  private func answerAlerts(
    _ event: Event, _ named: [Row], whole: Bool
  ) -> (retracted: Bool, recovered: Bool) {
    let p = event.ts
    if let last = waiting.map(\.time).max(), world.watermark > last + rules.cart.recoveryMilliseconds {
      waiting = []
    }
    var answer = (retracted: false, recovered: false)
    let inCart = Set((cart?.lines ?? []).map(\.item))
    for alert in waiting.filter({ $0.time > p }).sorted(by: { $0.time < $1.time }) {
      let nothingLeft = alert.items.isDisjoint(with: inCart)
      let silenced = alert.time < p + rules.cart.silenceAfterPurchaseMilliseconds
      guard nothingLeft || silenced else {
        world.census.count("alert after a purchase goes on waiting")
        continue
      }
      waiting.removeAll { $0 === alert }
      alert.cart.retracted = true
      answer.retracted = true
      let body = CartRetracted(
        alert: alert.id, episode: alert.episode, step: alert.step, purchaseTime: p, orderID: event.orderID)
      _ = world.emit(
        Alert(
          id: AlertID(type: .cartRetracted, user: key, episode: alert.episode, step: alert.step),
          user: key, identified: identified, time: alert.time, body: .cartRetracted(body)))
    }

    let answered = waiting.filter { alert in
      guard alert.time <= p else { return false }
      guard let c = alert.cart.emptiedAt else { return true }
      return abs(p - c) <= rules.sessions.gapMilliseconds
    }.sorted { $0.time < $1.time }
    guard let last = answered.last, p <= last.time + rules.cart.recoveryMilliseconds else { return answer }
    let items = Set(named.map(\.itemID))
    guard whole || answered.contains(where: { !$0.items.isDisjoint(with: items) }) else {
      world.census.count("purchase of something else answers nothing")
      return answer
    }
    answer.recovered = true
    if answered.count > 1 { world.census.count("several alerts answered at once") }
    for alert in answered {
      alert.cart.recovered = true
      waiting.removeAll { $0 === alert }
    }
    let value = event.valueMinor ?? priced(event)
    let body = CartRecovered(
      alert: last.id, answered: answered.map(\.id), episode: last.episode, step: last.step,
      lagMilliseconds: p - last.time, cartValueMinor: last.value, cartCurrency: last.currency,
      orderID: event.orderID, orderValueMinor: value, orderCurrency: value == nil ? nil : event.currency)
    _ = world.emit(
      Alert(
        id: AlertID(type: .cartRecovered, user: key, episode: last.episode, step: last.step),
        user: key, identified: identified, time: p, body: .cartRecovered(body)))
    return answer
  }
}
