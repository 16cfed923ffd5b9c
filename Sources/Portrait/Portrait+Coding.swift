// A portrait as bytes: flags for the parts that most users do not have, then times as their distance from the last
// activity, which most of them are near.

extension Portrait {
  private enum Flag {
    static let lastActivity: UInt64 = 1
    static let hasHadCart: UInt64 = 2
    static let dwellInferred: UInt64 = 4
    static let cart: UInt64 = 8
    static let cadence: UInt64 = 16
    static let isCartSessionOpen: UInt64 = 32
    static let closedCartSession: UInt64 = 64
    static let traits: UInt64 = 128
    static let end: UInt64 = 256
  }

  /// Appends the portrait, every stored field of it.
  public func encode(into writer: inout StateWriter) {
    var flags: UInt64 = lastActivity == nil ? 0 : Flag.lastActivity
    if hasHadCart { flags |= Flag.hasHadCart }
    if dwellInferred { flags |= Flag.dwellInferred }
    if !cart.isBlank { flags |= Flag.cart }
    if cadence != Cadence() { flags |= Flag.cadence }
    if isCartSessionOpen { flags |= Flag.isCartSessionOpen }
    if closedCartSession != nil { flags |= Flag.closedCartSession }
    if traits != Traits() { flags |= Flag.traits }
    writer.unsigned(flags)
    writer.signed(firstSeen)
    if let lastActivity { writer.time(lastActivity, from: firstSeen) }
    let base = lastActivity ?? firstSeen
    panes.encode(into: &writer, base: base)
    sessions.encode(into: &writer, base: base)
    if flags & Flag.cart != 0 { cart.encode(into: &writer, base: base) }
    if flags & Flag.cadence != 0 { cadence.encode(into: &writer, base: base) }
    closedCartSession?.encode(into: &writer, base: base)
    if flags & Flag.traits != 0 { traits.encode(into: &writer, base: base) }
    writer.count(recent.count)
    for age in 0..<recent.count { writer.fixed32(recent[age]) }
  }

  /// Reads what `encode` wrote: an equal portrait, bit for bit.
  public init(from reader: inout StateReader) throws(StateError) {
    let flags = try reader.unsigned(below: Flag.end)
    self.init(firstSeen: try reader.time(from: 0))
    if flags & Flag.lastActivity != 0 { lastActivity = try reader.time(from: firstSeen) }
    hasHadCart = flags & Flag.hasHadCart != 0
    dwellInferred = flags & Flag.dwellInferred != 0
    isCartSessionOpen = flags & Flag.isCartSessionOpen != 0
    let base = lastActivity ?? firstSeen
    try panes.decode(from: &reader, base: base)
    sessions = try Sessions(from: &reader, base: base)
    if flags & Flag.cart != 0 { try cart.decode(from: &reader, base: base) }
    if flags & Flag.cadence != 0 { cadence = try Cadence(from: &reader, base: base) }
    if flags & Flag.closedCartSession != 0 { closedCartSession = try Session(from: &reader, base: base) }
    if flags & Flag.traits != 0 { traits = try Traits(from: &reader, base: base) }
    let isMisspelt =
      flags & Flag.cart != 0 && cart.isBlank || flags & Flag.cadence != 0 && cadence == Cadence()
      || flags & Flag.traits != 0 && traits == Traits()
    if isMisspelt { throw reader.malformed("an empty part of a portrait is written out") }
    let count = try reader.count(RecentEvents.maximum, each: 4)
    for _ in 0..<count { recent.remember(try reader.fixed32()) }
  }
}
