import Events
import Triggers

/// What is remembered of a cart after it has ended: alerts and endings refer to it.
final class CartRecord {
  var fired = false
  var recovered = false
  var retracted = false
  /// Whether any of its episodes has expired.
  var expired = false
  var limitedBelowMinimum = 0
  var handledOtherwise = 0
  /// When it was emptied without a purchase.
  var emptiedAt: Int64?

  var boughtEnding: CartEnding {
    if recovered { return .recovered }
    if retracted { return .retracted }
    return fired || expired ? .boughtLate : .bought
  }

  var expiredEnding: CartEnding {
    if fired { return .expiredAlerted }
    return handledOtherwise == 0 && limitedBelowMinimum > 0 ? .expiredBelowMinimum : .expiredLimited
  }
}

/// A cart with something in it.
struct ModelCart {
  struct Line {
    var item: String
    var quantity: Int64
    var price: Int64?
    var currency: Currency?
    var touched: Int64
  }

  struct Episode {
    /// Tells episodes apart; never reused.
    var number: Int
    var armedAt: Int64
    /// Steps handled so far.
    var handled = 0
    var lastHandled: Int64?
    var hasFired = false
    var deferredTo: Int64?
    var expiredAt: Int64?
  }

  var record = CartRecord()
  var lines: [Line] = []
  var uncounted: Int64 = 0
  var firstAdd: Int64
  var inCheckout = false
  var lastChange: Int64
  var anchor: Int64
  var episode: Episode
  /// The session that the last cart event joined.
  var session: ModelSession?

  /// Items and quantities: what the version covers.
  static func contents(_ lines: [Line]) -> [String: Int64] {
    Dictionary(uniqueKeysWithValues: lines.map { ($0.item, $0.quantity) })
  }

  /// Value, its currency, and whether it is the whole.
  var value: (minor: Int64?, currency: Currency?, complete: Bool) {
    var newest = lines[0]
    for line in lines where line.touched >= newest.touched { newest = line }
    let priced = lines.filter { $0.currency == newest.currency && $0.price != nil }
    let sum = priced.isEmpty ? nil : priced.reduce(0) { $0 + $1.price! * $1.quantity }
    return (sum, newest.currency, priced.count == lines.count && uncounted == 0)
  }
}

extension ModelUser {
  typealias Row = Event.Item

  /// The rows that an add, a removal or a purchase names.
  func rows(_ event: Event) -> [Row] {
    if let items = event.items, !items.isEmpty { return items }
    guard let item = event.itemID else { return [] }
    return [Row(itemID: item, priceMinor: event.priceMinor, quantity: event.quantity)]
  }

  private func isBarred(_ item: String, _ ts: Int64) -> Bool {
    if ts < wholeBarrier { return true }
    guard rules.cart.purchaseScope == .item else { return false }
    return itemBarriers.contains { $0.item == item && ts < $0.time }
  }

  /// Applies a cart event; returns the units that went into and out of the cart, as panes count them.
  func applyCart(_ event: Event, session: ModelSession?) -> (added: Int64, removed: Int64) {
    let ts = event.ts
    var lines = cart?.lines ?? []
    let before = ModelCart.contents(lines)
    var uncounted: Int64 = 0
    var added: Int64 = 0
    var removed: Int64 = 0
    var counts = false  // for more than its pane

    switch event.type {
    case .cartAdd:
      for row in rows(event) {
        let quantity = row.quantity ?? 1
        added += quantity
        if isBarred(row.itemID, ts) { continue }
        counts = true
        put(row, event, quantity, into: &lines, uncounted: &uncounted)
      }
    case .cartRemove:
      for row in rows(event) {
        if isBarred(row.itemID, ts) {
          removed += row.quantity ?? 1
          continue
        }
        counts = true
        removed += take(row, ts, from: &lines)
      }
    case .cartSet:
      if ts >= wholeBarrier {
        counts = true
        set(event, &lines, &uncounted)
        (added, removed) = difference(before, ModelCart.contents(lines))
      }
    case .cartClear:
      counts = true
      wholeBarrier = max(wholeBarrier, ts)
      removed = lines.filter { $0.touched <= ts }.reduce(0) { $0 + $1.quantity }
      lines.removeAll { $0.touched <= ts }
    case .checkoutStart:
      counts = event.items == nil || ts >= wholeBarrier
      if counts, event.items != nil {
        set(event, &lines, &uncounted)
        (added, removed) = difference(before, ModelCart.contents(lines))
      }
    default: preconditionFailure("not a cart event")
    }
    if !counts {
      world.census.count("straggler: in its pane only")
      extendAnchor(ts)
    }
    let after = ModelCart.contents(lines)
    if after.contains(where: { $0.value > before[$0.key, default: 0] }) { everPutIntoCart = true }
    if counts {
      settle(event, lines, uncounted, changed: after != before, session)
    }
    return (added, removed)
  }

  private func difference(_ old: [String: Int64], _ new: [String: Int64]) -> (Int64, Int64) {
    var added: Int64 = 0
    var removed: Int64 = 0
    for item in Set(old.keys).union(new.keys) {
      let change = new[item, default: 0] - old[item, default: 0]
      if change > 0 { added += change } else { removed -= change }
    }
    return (added, removed)
  }

  private func put(
    _ row: Row, _ event: Event, _ quantity: Int64, into lines: inout [ModelCart.Line],
    uncounted: inout Int64
  ) {
    if let index = lines.firstIndex(where: { $0.item == row.itemID }) {
      if let price = row.priceMinor, event.ts >= lines[index].touched {
        lines[index].price = price
        lines[index].currency = event.currency
      }
      lines[index].quantity += quantity
      lines[index].touched = max(lines[index].touched, event.ts)
      return
    }
    if quantity == 0 { return }
    if lines.count >= 50 {
      uncounted += 1
      return
    }
    lines.append(
      .init(
        item: row.itemID, quantity: quantity, price: row.priceMinor,
        currency: row.priceMinor == nil ? nil : event.currency, touched: event.ts))
  }

  private func take(_ row: Row, _ ts: Int64, from lines: inout [ModelCart.Line]) -> Int64 {
    guard let index = lines.firstIndex(where: { $0.item == row.itemID }) else { return 0 }
    let taken = min(row.quantity ?? Int64.max, lines[index].quantity)
    lines[index].quantity -= taken
    lines[index].touched = max(lines[index].touched, ts)
    if lines[index].quantity == 0 { lines.remove(at: index) }
    return taken
  }

  private func set(_ event: Event, _ lines: inout [ModelCart.Line], _ uncounted: inout Int64) {
    let ts = event.ts
    let barrierBefore = wholeBarrier
    wholeBarrier = max(wholeBarrier, ts)
    // Rows of one item are one: quantities add, the last price holds.
    var wanted: [Row] = []
    for row in event.items ?? [] {
      let itemBarred =
        ts < barrierBefore
        || rules.cart.purchaseScope == .item
          && itemBarriers.contains { $0.item == row.itemID && ts < $0.time }
      if itemBarred { continue }
      if let index = wanted.firstIndex(where: { $0.itemID == row.itemID }) {
        wanted[index].quantity! += row.quantity ?? 1
        wanted[index].priceMinor = row.priceMinor ?? wanted[index].priceMinor
      } else {
        wanted.append(Row(itemID: row.itemID, priceMinor: row.priceMinor, quantity: row.quantity ?? 1))
      }
    }
    lines.removeAll { line in
      line.touched <= ts && !wanted.contains { $0.itemID == line.item && $0.quantity! > 0 }
    }
    for row in wanted where row.quantity! > 0 {
      if let index = lines.firstIndex(where: { $0.item == row.itemID }) {
        if lines[index].touched > ts { continue }
        lines[index].quantity = 0
      }
      put(row, event, row.quantity!, into: &lines, uncounted: &uncounted)
    }
  }

  /// What an accepted cart event means for cart, anchor and episode, after it has acted on the lines.
  private func settle(
    _ event: Event, _ lines: [ModelCart.Line], _ uncounted: Int64, changed: Bool, _ session: ModelSession?
  ) {
    let ts = event.ts
    let opens = cart == nil && !lines.isEmpty
    if opens {
      cartID = nil
      orderID = nil
    }
    if let id = event.cartID { cartID = id }
    if let id = event.orderID { orderID = id }
    if uncounted > 0 {
      world.tally.cartOverflows += uncounted
      world.census.count("cart overflow", Int(uncounted))
    }
    if lines.isEmpty {
      if cart != nil { endWithoutPurchase(at: ts) }
      return
    }
    if opens {
      cart = ModelCart(firstAdd: ts, lastChange: ts, anchor: ts, episode: newEpisode(ts))
      world.tally.cartsOpened += 1
      cartsOpened += 1
    }
    cart!.lines = lines
    // A set replaces the contents, and so what did not fit into them.
    let replaces = event.type == .cartSet || event.type == .checkoutStart && event.items != nil
    cart!.uncounted = replaces ? uncounted : cart!.uncounted + uncounted
    if let session { cart!.session = session }
    let lastChange = cart!.lastChange
    if changed {
      cart!.lastChange = max(cart!.lastChange, ts)
      cart!.inCheckout = false
    }
    if event.type == .checkoutStart {
      if ts >= cart!.lastChange { cart!.inCheckout = true }
      if !changed { world.census.count("checkout without a change") }
    }
    if event.type == .cartSet, !changed { world.census.count("set without a change") }
    if changed, !opens, isStraggler(ts) {
      world.census.count("change before the last step handled")
      extendAnchor(ts, lastChange: lastChange)
      return
    }
    cart!.anchor = max(cart!.anchor, ts)
    if changed, !opens { rearm(ts) }
  }

  /// Whether a change is dated no later than what the episode has come to: it changes contents only.
  private func isStraggler(_ ts: Int64) -> Bool {
    ts <= max(cart!.episode.lastHandled ?? Int64.min, cart!.episode.expiredAt ?? Int64.min)
  }

  private func newEpisode(_ ts: Int64) -> ModelCart.Episode {
    episodes += 1
    return ModelCart.Episode(number: episodes, armedAt: ts)
  }

  private func rearm(_ ts: Int64) {
    let episode = cart!.episode
    guard episode.lastHandled != nil || episode.expiredAt != nil else {
      world.census.count("change before the first step")
      return
    }
    world.census.count(episode.expiredAt == nil ? "re-armed" : "re-armed after expiry")
    cart!.episode = newEpisode(ts)
    cart!.anchor = ts
  }

  /// Any activity moves the anchor, within its bound after the last change known when it arrived.
  func extendAnchor(_ ts: Int64, lastChange known: Int64? = nil) {
    guard rules.cart.activityExtends, let cart else { return }
    if ts > (known ?? cart.lastChange) + rules.cart.activityExtendsAtMostMilliseconds {
      world.census.count("activity too late to extend")
    } else if ts > cart.anchor {
      self.cart!.anchor = ts
      world.census.count("activity extends")
    }
  }

  // MARK: Endings

  func end(_ record: CartRecord, _ ending: CartEnding) {
    world.tally[ending] += 1
    world.census.count("ending: \(ending.name)")
    switch ending {
    case .bought, .recovered, .retracted, .boughtLate: cartsBought += 1
    default: break
    }
  }

  private func endWithoutPurchase(at c: Int64) {
    let record = cart!.record
    cart = nil
    record.emptiedAt = c
    provisional = nil
    if let lastPurchase, abs(lastPurchase - c) <= rules.sessions.gapMilliseconds {
      world.census.count("emptied within the gap after a purchase")
      end(record, record.boughtEnding)
    } else {
      provisional = (record, c)
      end(record, .cleared)
    }
  }

  func forgetCart(at time: Int64) {
    let record = cart!.record
    cart = nil
    cartForgottenAt = time
    end(record, record.expiredEnding)
  }

  func expireEpisode(at time: Int64) {
    cart!.episode.expiredAt = time
    cart!.record.expired = true
    world.census.count("episode expired")
  }
}
