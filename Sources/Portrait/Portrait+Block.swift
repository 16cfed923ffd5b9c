import Events

// A portrait in a user's block: what any event may need lies in front, in fixed widths. The cart's contents and the
// traits lie behind it, each for itself, and stay there until somebody needs them.

/// Which of a portrait's parts there are, and its flags. Shares a number with what a user has beside the portrait.
public struct PortraitMarks: OptionSet, Sendable {
  public let rawValue: UInt32

  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

  static let lastActivity = PortraitMarks(rawValue: 1)
  static let hasHadCart = PortraitMarks(rawValue: 2)
  public static let dwellInferred = PortraitMarks(rawValue: 4)
  static let isCartSessionOpen = PortraitMarks(rawValue: 8)
  static let closedCartSession = PortraitMarks(rawValue: 16)
  static let openSession = PortraitMarks(rawValue: 32)
  static let closedUntil = PortraitMarks(rawValue: 64)
  static let cadence = PortraitMarks(rawValue: 128)
  static let recent = PortraitMarks(rawValue: 256)
  static let horizon = PortraitMarks(rawValue: 512)
  static let filledCart = PortraitMarks(rawValue: 1_024)
  /// A `Visit` holds the last activity, the open session, the last events and the horizon.
  public static let visit = PortraitMarks(rawValue: 2_048)
  /// Bits from this one on are free for others.
  public static let end: UInt32 = 4_096

  static let heldByVisit: PortraitMarks = [.lastActivity, .recent, .openSession, .horizon]
}

extension Portrait {
  /// The visit of the user as he is, without what the triggers say; nil: his browsing goes the long way.
  public mutating func makeVisit(_ rules: PortraitRules) -> Visit? { Visit(&self, rules) }

  /// The marks of the portrait as it is.
  public mutating func marks(isVisiting: Bool) -> PortraitMarks {
    let marks = findMarks()
    return isVisiting ? marks.subtracting(.heldByVisit).union(.visit) : marks
  }

  private mutating func findMarks() -> PortraitMarks {
    var marks: PortraitMarks = []
    if lastActivity != nil { marks.insert(.lastActivity) }
    if hasHadCart { marks.insert(.hasHadCart) }
    if dwellInferred { marks.insert(.dwellInferred) }
    if isCartSessionOpen { marks.insert(.isCartSessionOpen) }
    if closedCartSession != nil { marks.insert(.closedCartSession) }
    if sessions.open != nil { marks.insert(.openSession) }
    if sessions.closedUntil != .min { marks.insert(.closedUntil) }
    if cadence.purchases != 0 || cadence.hasRevenueCurrency { marks.insert(.cadence) }
    if recent.count > 0 { marks.insert(.recent) }
    if panes.horizon != .min { marks.insert(.horizon) }
    if !cart.isEmpty { marks.insert(.filledCart) }
    return marks
  }

  /// Writes what lies in front. The first value is the origin of all times. What a visit holds is left out.
  public mutating func write(_ marks: PortraitMarks, into writer: inout BlockWriter) {
    let isVisiting = marks.contains(.visit)
    writer.origin(firstSeen)
    if !isVisiting {
      if let lastActivity { writer.time(lastActivity) }
      if marks.contains(.recent) { recent.write(into: &writer) }
      if let open = sessions.open { open.write(into: &writer) }
    }
    if marks.contains(.closedUntil) { writer.time(sessions.closedUntil) }
    closedCartSession?.write(into: &writer)
    if marks.contains(.cadence) { cadence.write(into: &writer) }
    panes.write(into: &writer, base: lastActivity ?? firstSeen, isVisiting: isVisiting)
  }

  /// Writes the fingerprints of the last events, which a visit has behind all else.
  public mutating func writeRecent(into writer: inout BlockWriter) { recent.writeHashes(into: &writer) }

  /// Reads what `write` wrote over whatever is here. The cart's contents and the traits are not at hand then: only
  /// whether the cart is empty.
  ///
  /// - Parameter recent: where the fingerprints are that a visit speaks of.
  public mutating func read(
    _ marks: PortraitMarks, from reader: inout BlockReader, _ visit: Visit?, recent place: BlockReader?
  ) {
    firstSeen = reader.readOrigin()
    if let visit, var place {
      lastActivity = visit.time(visit.lastActivity)
      recent = RecentEvents(head: visit.recentHead, hashesFrom: &place)
      sessions.open = visit.session
    } else {
      lastActivity = marks.contains(.lastActivity) ? reader.time() : nil
      recent = marks.contains(.recent) ? RecentEvents(from: &reader) : RecentEvents()
      sessions.open = marks.contains(.openSession) ? Session(from: &reader) : nil
    }
    hasHadCart = marks.contains(.hasHadCart)
    dwellInferred = marks.contains(.dwellInferred)
    isCartSessionOpen = marks.contains(.isCartSessionOpen)
    sessions.closedUntil = marks.contains(.closedUntil) ? reader.time() : .min
    closedCartSession = marks.contains(.closedCartSession) ? Session(from: &reader) : nil
    cadence = marks.contains(.cadence) ? Cadence(from: &reader) : Cadence()
    panes.read(from: &reader, hasHorizon: marks.contains(.horizon), visit)
    cart.isEmpty = !marks.contains(.filledCart)
  }

  /// As if nobody had been here before. Keeps the memory of the lists.
  public mutating func reset(firstSeen: Int64) {
    self.firstSeen = firstSeen
    lastActivity = nil
    hasHadCart = false
    dwellInferred = false
    isCartSessionOpen = false
    closedCartSession = nil
    recent = RecentEvents()
    sessions = Sessions()
    cadence = Cadence()
    panes.reset()
    cart.reset()
    traits.reset()
  }

  // MARK: Cart and traits

  /// Appends the cart; nothing for one that says nothing.
  public mutating func writeCart(into writer: inout StateWriter) {
    if !cart.isBlank { cart.encode(into: &writer, base: firstSeen) }
  }

  /// Reads what `writeCart` wrote over whatever cart is here.
  public mutating func readCart(_ bytes: UnsafeRawBufferPointer) {
    if unsafe bytes.isEmpty { return cart.reset() }
    var reader = unsafe StateReader(bytes)
    trusted { () throws(StateError) in try cart.decode(from: &reader, base: firstSeen) }
  }

  /// Appends the traits; nothing if there are none.
  public mutating func writeTraits(into writer: inout StateWriter) {
    if !traits.isBlank { traits.encode(into: &writer, base: firstSeen) }
  }

  /// Reads what `writeTraits` wrote over whatever traits are here.
  public mutating func readTraits(_ bytes: UnsafeRawBufferPointer) {
    if unsafe bytes.isEmpty { return traits.reset() }
    var reader = unsafe StateReader(bytes)
    trusted { () throws(StateError) in traits = try Traits(from: &reader, base: firstSeen) }
  }
}

/// For bytes that this process wrote into its own memory.
package func trusted<Value>(_ body: () throws(StateError) -> Value) -> Value {
  do throws(StateError) {
    return try body()
  } catch {
    preconditionFailure("state in memory is damaged")
  }
}
