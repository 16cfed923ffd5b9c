import Events
import Portrait

// Cart abandonment as bytes. An alert's id is computed again from its user, episode and step, and the items that an
// alert listed are mostly those of the cart or of the alert before: they are written out only where they differ.

extension CartTrigger {
  /// The most times of alerts that are kept; a cap is at most as high.
  static let maximumAlertTimes = 1_000

  private enum Flag {
    /// The phase stands in the lowest two bits.
    static let firedInEpisode: UInt64 = 4
    static let isCheckout: UInt64 = 8
    static let lastHandled: UInt64 = 16
    static let alerts: UInt64 = 32
    static let marks: UInt64 = 64
    static let expiredAt: UInt64 = 128
    static let deferredUntil: UInt64 = 256
    static let episodeAlert: UInt64 = 512
    static let otherAlert: UInt64 = 1024
    static let cleared: UInt64 = 2048
    static let end: UInt64 = 4096
  }

  private var flags: UInt64 {
    var flags = UInt64(phase.rawValue)
    if firedInEpisode { flags |= Flag.firedInEpisode }
    if isCheckout { flags |= Flag.isCheckout }
    if lastHandled != nil { flags |= Flag.lastHandled }
    if !alertTimes.isEmpty || !waiting.isEmpty { flags |= Flag.alerts }
    if marks != Marks() { flags |= Flag.marks }
    if expiredAt != 0 { flags |= Flag.expiredAt }
    if deferredUntil != nil { flags |= Flag.deferredUntil }
    if episodeAlert != nil { flags |= Flag.episodeAlert }
    if otherAlert != nil { flags |= Flag.otherAlert }
    if cleared != nil { flags |= Flag.cleared }
    return flags
  }

  func encode(into writer: inout StateWriter, of who: Identity, _ portrait: borrowing Portrait) {
    let base = portrait.lastActivity ?? portrait.firstSeen
    writer.unsigned(flags)
    writer.count(nextStep)
    writer.time(anchor, from: base)
    writer.time(lastChange, from: anchor)
    writer.time(episode, from: lastChange)
    writer.signed(carts)
    writer.signed(cartsBought)
    if marks != Marks() { writer.byte(marks.bits) }
    if let lastHandled { writer.span(lastHandled, from: anchor) }
    if expiredAt != 0 { writer.span(expiredAt, from: anchor) }
    if let deferredUntil { writer.span(deferredUntil, from: anchor) }
    if let episodeAlert { writer.span(episodeAlert, from: lastHandled ?? anchor) }
    if let otherAlert { writer.span(otherAlert, from: anchor) }
    if let cleared {
      writer.time(cleared.time, from: anchor)
      writer.signed(carts &- cleared.cart)
      writer.byte(cleared.marks.bits)
    }
    guard flags & Flag.alerts != 0 else { return }
    writer.count(alertTimes.count)
    var last = lastHandled ?? anchor
    for time in alertTimes.reversed() {
      writer.span(time, from: last)
      last = time
    }
    writer.count(waiting.count)
    for index in 0..<waiting.count {
      let source: WaitingAlerts.ItemSource =
        if waiting.listsItems(index, of: portrait.cart) { .cart } else if waiting.listsAsEarlier(index) {
          .earlier
        } else { .own }
      waiting[index].encode(into: &writer, who, self, source)
      guard source == .own else { continue }
      writer.count(waiting[index].itemCount)
      waiting.forEachItem(of: index) { writer.fixed64($0) }
    }
  }

  init(from reader: inout StateReader, _ who: Identity, _ portrait: borrowing Portrait) throws(StateError) {
    self.init()
    let flags = try reader.unsigned(below: Flag.end)
    guard let phase = Phase(rawValue: UInt8(flags & 3)) else {
      throw reader.malformed("there is no such phase")
    }
    self.phase = phase
    firedInEpisode = flags & Flag.firedInEpisode != 0
    isCheckout = flags & Flag.isCheckout != 0
    nextStep = Int(try reader.unsigned(below: UInt64(Tally.maximumSteps) + 2))
    if nextStep == 0 { throw reader.malformed("steps are counted from 1") }
    anchor = try reader.time(from: portrait.lastActivity ?? portrait.firstSeen)
    lastChange = try reader.time(from: anchor)
    episode = try reader.time(from: lastChange)
    carts = try reader.signed()
    cartsBought = try reader.signed()
    if flags & Flag.marks != 0 { marks = try Marks(from: &reader) }
    if flags & Flag.lastHandled != 0 { lastHandled = try reader.span(from: anchor) }
    if flags & Flag.expiredAt != 0 { expiredAt = try reader.span(from: anchor) }
    if flags & Flag.deferredUntil != 0 { deferredUntil = try reader.span(from: anchor) }
    if flags & Flag.episodeAlert != 0 { episodeAlert = try reader.span(from: lastHandled ?? anchor) }
    if flags & Flag.otherAlert != 0 { otherAlert = try reader.span(from: anchor) }
    if flags & Flag.cleared != 0 {
      cleared = Cleared(
        time: try reader.time(from: anchor), cart: carts &- (try reader.signed()),
        marks: try Marks(from: &reader))
    }
    if flags & Flag.alerts != 0 { try readAlerts(&reader, who, portrait) }
    if flags != self.flags {
      throw reader.malformed("a part of a cart trigger that is not there is written out")
    }
  }

  private mutating func readAlerts(
    _ reader: inout StateReader, _ who: Identity, _ portrait: borrowing Portrait
  ) throws(StateError) {
    let times = try reader.count(Self.maximumAlertTimes)
    alertTimes.reserveCapacity(times)
    var last = lastHandled ?? anchor
    for _ in 0..<times {
      last = try reader.span(from: last)
      alertTimes.append(last)
    }
    alertTimes.reverse()
    // An alert takes five bytes at least.
    let count = try reader.count(WaitingAlerts.maximum, each: 5)
    let cart = portrait.cart.lines.map(\.hash)
    var earlier: ArraySlice<UInt64> = []
    for _ in 0..<count {
      let alert = try WaitingAlerts.Alert(from: &reader, who, self, cart: cart[...], items: &earlier)
      waiting.append(alert)
      for item in earlier { waiting.append(item: item) }
    }
  }
}

extension WaitingAlerts.Alert {
  private enum Flag {
    static let value: UInt64 = 1
    static let currency: UInt64 = 2
    static let clearedAt: UInt64 = 4
    /// The items are those of the cart, or those of the alert before; else they are written out.
    static let itemsOfCart: UInt64 = 8
    static let itemsOfEarlier: UInt64 = 16
    /// The id is not the one that user, episode and step give.
    static let ownID: UInt64 = 32
    static let end: UInt64 = 64
  }

  func encode(
    into writer: inout StateWriter, _ who: Identity, _ trigger: CartTrigger, _ items: WaitingAlerts.ItemSource
  ) {
    let hasOwnID = id != who.alert(.cartAbandoned, episode: episode, step: step)
    var flags: UInt64 = valueMinor == nil ? 0 : Flag.value
    if currency != nil { flags |= Flag.currency }
    if clearedAt != nil { flags |= Flag.clearedAt }
    switch items {
    case .cart: flags |= Flag.itemsOfCart
    case .earlier: flags |= Flag.itemsOfEarlier
    case .own: break
    }
    if hasOwnID { flags |= Flag.ownID }
    writer.unsigned(flags)
    writer.time(episode, from: trigger.episode)
    writer.span(time, from: episode)
    writer.count(step)
    writer.signed(trigger.carts &- cart)
    if hasOwnID {
      writer.fixed64(id.high)
      writer.fixed64(id.low)
    }
    if let valueMinor { writer.signed(valueMinor) }
    if let currency { writer.currency(currency) }
    if let clearedAt { writer.time(clearedAt, from: time) }
  }

  /// - Parameter items: of the alert before; afterwards of this one.
  init(
    from reader: inout StateReader, _ who: Identity, _ trigger: CartTrigger,
    cart hashes: ArraySlice<UInt64>, items: inout ArraySlice<UInt64>
  ) throws(StateError) {
    let flags = try reader.unsigned(below: Flag.end)
    episode = try reader.time(from: trigger.episode)
    time = try reader.span(from: episode)
    step = Int(try reader.unsigned(below: UInt64(Tally.maximumSteps) + 1))
    if step == 0 { throw reader.malformed("steps are counted from 1") }
    cart = trigger.carts &- (try reader.signed())
    id = who.alert(.cartAbandoned, episode: episode, step: step)
    if flags & Flag.ownID != 0 {
      let own = AlertID(high: try reader.fixed64(), low: try reader.fixed64())
      if own == id { throw reader.malformed("the id of an alert is written out") }
      id = own
    }
    valueMinor = flags & Flag.value != 0 ? try reader.signed() : nil
    currency = flags & Flag.currency != 0 ? try reader.currency() : nil
    clearedAt = flags & Flag.clearedAt != 0 ? try reader.time(from: time) : nil
    switch flags & (Flag.itemsOfCart | Flag.itemsOfEarlier) {
    case Flag.itemsOfCart: items = hashes
    case Flag.itemsOfEarlier where items != hashes: break
    case 0:
      let count = try reader.count(Cart.maximumLines, each: 8)
      var own: [UInt64] = []
      own.reserveCapacity(count)
      for _ in 0..<count { own.append(try reader.fixed64()) }
      if own[...] == hashes || own[...] == items { throw reader.malformed("items are written out again") }
      items = own[...]
    default: throw reader.malformed("the items of an alert are misspelt")
    }
    itemCount = items.count
  }
}

extension CartTrigger.Marks {
  var bits: UInt8 {
    (fired ? 1 : 0) | (recovered ? 2 : 0) | (retracted ? 4 : 0) | (expired ? 8 : 0) | (belowMinimum ? 16 : 0)
      | (limitedOtherwise ? 32 : 0)
  }

  init(from reader: inout StateReader) throws(StateError) {
    let bits = try reader.byte()
    if bits >= 64 { throw reader.malformed("there is no such mark of a cart") }
    self.init(bits: bits)
  }

  init(bits: UInt8) {
    fired = bits & 1 != 0
    recovered = bits & 2 != 0
    retracted = bits & 4 != 0
    expired = bits & 8 != 0
    belowMinimum = bits & 16 != 0
    limitedOtherwise = bits & 32 != 0
  }
}
