import Events
import Portrait

extension CartTrigger {
  private enum Bit {
    // The phase in the lowest two bits, the marks from the tenth on.
    static let firedInEpisode: UInt16 = 4
    static let isCheckout: UInt16 = 8
    static let lastHandled: UInt16 = 16
    static let expiredAt: UInt16 = 32
    static let deferredUntil: UInt16 = 64
    static let episodeAlert: UInt16 = 128
    static let otherAlert: UInt16 = 256
    static let cleared: UInt16 = 512
    static let marks: UInt16 = 10
  }

  /// Whether nothing but alerts, if any, is known.
  var isFrontBlank: Bool {
    phase == .noCart && carts == 0 && anchor == 0 && episode == 0 && lastChange == 0 && lastAlert == nil
      && cleared == nil
  }

  /// As if nothing were known but alerts.
  mutating func resetFront() {
    phase = .noCart
    episode = 0
    nextStep = 1
    anchor = 0
    lastChange = 0
    lastHandled = nil
    expiredAt = 0
    deferredUntil = nil
    firedInEpisode = false
    isCheckout = false
    marks = Marks()
    carts = 0
    cartsBought = 0
    episodeAlert = nil
    otherAlert = nil
    cleared = nil
  }

  mutating func write(into writer: inout BlockWriter) {
    var bits = UInt16(phase.rawValue) | UInt16(marks.bits) << Bit.marks
    if firedInEpisode { bits |= Bit.firedInEpisode }
    if isCheckout { bits |= Bit.isCheckout }
    if lastHandled != nil { bits |= Bit.lastHandled }
    if expiredAt != 0 { bits |= Bit.expiredAt }
    if deferredUntil != nil { bits |= Bit.deferredUntil }
    if episodeAlert != nil { bits |= Bit.episodeAlert }
    if otherAlert != nil { bits |= Bit.otherAlert }
    if cleared != nil { bits |= Bit.cleared }
    writer.fixed16(bits)
    writer.small(Int64(nextStep))
    writer.small(carts)
    writer.small(cartsBought)
    writer.time(anchor)
    writer.amount(lastChange &- anchor)
    writer.amount(episode &- anchor)
    if let lastHandled { writer.time(lastHandled) }
    if expiredAt != 0 { writer.time(expiredAt) }
    if let deferredUntil { writer.time(deferredUntil) }
    if let episodeAlert { writer.time(episodeAlert) }
    if let otherAlert { writer.time(otherAlert) }
    if let cleared {
      writer.time(cleared.time)
      writer.amount(cleared.cart)
      writer.byte(cleared.marks.bits)
    }
  }

  mutating func read(from reader: inout BlockReader) {
    let bits = reader.fixed16()
    phase = Phase(rawValue: UInt8(bits & 3))!
    marks = Marks(bits: UInt8(bits >> Bit.marks))
    firedInEpisode = bits & Bit.firedInEpisode != 0
    isCheckout = bits & Bit.isCheckout != 0
    nextStep = Int(reader.small())
    carts = reader.small()
    cartsBought = reader.small()
    anchor = reader.time()
    lastChange = anchor &+ reader.amount()
    episode = anchor &+ reader.amount()
    lastHandled = bits & Bit.lastHandled != 0 ? reader.time() : nil
    expiredAt = bits & Bit.expiredAt != 0 ? reader.time() : 0
    deferredUntil = bits & Bit.deferredUntil != 0 ? reader.time() : nil
    episodeAlert = bits & Bit.episodeAlert != 0 ? reader.time() : nil
    otherAlert = bits & Bit.otherAlert != 0 ? reader.time() : nil
    cleared = nil
    if bits & Bit.cleared != 0 {
      let time = reader.time()
      let cart = reader.amount()
      cleared = Cleared(time: time, cart: cart, marks: Marks(bits: reader.byte()))
    }
  }

  // MARK: Alerts

  /// Appends the alerts that count for limits or wait for an answer; nothing if there are none.
  mutating func writeAlerts(into writer: inout StateWriter, firstSeen: Int64) {
    if alertTimes.isEmpty, waiting.isEmpty { return }
    writer.count(alertTimes.count)
    for time in alertTimes { writer.time(time, from: firstSeen) }
    waiting.write(into: &writer, firstSeen: firstSeen)
  }

  /// Reads what `writeAlerts` wrote over whatever alerts are here.
  mutating func readAlerts(_ bytes: UnsafeRawBufferPointer, firstSeen: Int64) {
    resetAlerts()
    if unsafe bytes.isEmpty { return }
    var reader = unsafe StateReader(bytes)
    trusted { () throws(StateError) in
      for _ in 0..<(try reader.unsigned()) { alertTimes.append(try reader.time(from: firstSeen)) }
      try waiting.read(from: &reader, firstSeen: firstSeen)
    }
  }

  mutating func resetAlerts() {
    alertTimes.empty()
    waiting.removeAll()
  }
}

extension WaitingAlerts {
  fileprivate func write(into writer: inout StateWriter, firstSeen: Int64) {
    writer.count(count)
    for alert in alerts { alert.write(into: &writer, firstSeen: firstSeen) }
    for item in items { writer.fixed64(item) }
  }

  fileprivate mutating func read(from reader: inout StateReader, firstSeen: Int64) throws(StateError) {
    var itemCount = 0
    for _ in 0..<(try reader.unsigned()) {
      let alert = try Alert(block: &reader, firstSeen: firstSeen)
      append(alert)
      itemCount += alert.itemCount
    }
    for _ in 0..<itemCount { append(item: try reader.fixed64()) }
  }
}

extension WaitingAlerts.Alert {
  fileprivate func write(into writer: inout StateWriter, firstSeen: Int64) {
    writer.unsigned((valueMinor == nil ? 0 : 1) | (currency == nil ? 0 : 2) | (clearedAt == nil ? 0 : 4))
    writer.fixed64(id.high)
    writer.fixed64(id.low)
    writer.time(time, from: firstSeen)
    writer.time(episode, from: firstSeen)
    writer.count(step)
    writer.signed(cart)
    if let valueMinor { writer.signed(valueMinor) }
    if let currency { writer.fixed32(currency.code) }
    if let clearedAt { writer.time(clearedAt, from: firstSeen) }
    writer.count(itemCount)
  }

  fileprivate init(block reader: inout StateReader, firstSeen: Int64) throws(StateError) {
    let flags = try reader.unsigned()
    id = AlertID(high: try reader.fixed64(), low: try reader.fixed64())
    time = try reader.time(from: firstSeen)
    episode = try reader.time(from: firstSeen)
    step = Int(try reader.unsigned())
    cart = try reader.signed()
    valueMinor = flags & 1 != 0 ? try reader.signed() : nil
    currency = flags & 2 != 0 ? Currency(trusted: try reader.fixed32()) : nil
    clearedAt = flags & 4 != 0 ? try reader.time(from: firstSeen) : nil
    itemCount = Int(try reader.unsigned())
  }
}
