import Events
import Portrait

// A user in memory while nobody looks at him: one block of bytes.
//
// ```
//  marks 4 bytes │ portrait │ cart trigger, if he has had a cart │ churn trigger │ sizes of the parts behind │
//  cart's contents │ alerts that count for limits or wait for an answer │ traits
// ```
// What stands before the parts is read and written with every event. A part stays as it lies, and is carried along
// unread, until an event or a deadline needs it (`parts(for:)`).

/// Parts of a user's state that lie behind the rest, each for itself.
public struct UserParts: OptionSet, Sendable {
  public let rawValue: UInt8

  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let cart = UserParts(rawValue: 1)
  public static let alerts = UserParts(rawValue: 2)
  public static let traits = UserParts(rawValue: 4)
  public static let all: UserParts = [.cart, .alerts, .traits]

  /// What applying an event of this type looks at.
  public static func needed(by type: EventType) -> UserParts {
    switch type {
    case .cartAdd: .cart
    case .cartRemove, .cartSet, .cartClear, .checkoutStart, .purchase: [.cart, .alerts]
    case .profile: .traits
    case .pageView, .pageDwell, .click, .search, .favourite, .refund, .review, .forget: []
    }
  }

  /// What handling a deadline of this kind looks at.
  public static func needed(by kind: UserState.DeadlineKind) -> UserParts {
    switch kind {
    case .session, .cartExpiry, .userForgotten: []
    case .cartStep: .all
    case .cartForgotten: .cart
    case .evaluation: .traits
    }
  }

  /// What bringing a user to another epoch looks at.
  public static let neededByConversion: UserParts = .alerts
}

/// Where the parts of a block lie. Valid as long as the block is.
@safe public struct BlockParts {
  var cart: UnsafeRawBufferPointer
  var alerts: UnsafeRawBufferPointer
  var traits: UnsafeRawBufferPointer

  /// Of a user without a block: all are empty.
  public init() {
    let nothing = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    unsafe cart = nothing
    unsafe alerts = nothing
    unsafe traits = nothing
  }
}

/// What else stands in a block's first number.
private enum Mark {
  static let isIdentified = PortraitMarks.end
  static let trigger = PortraitMarks.end << 1
  static let cart = PortraitMarks.end << 2
  static let alerts = PortraitMarks.end << 3
  static let traits = PortraitMarks.end << 4
  static let lastEvaluation = PortraitMarks.end << 5
  static let warned = PortraitMarks.end << 6
  static let isWide = PortraitMarks.end << 7
}

extension UserState {
  /// Reads what stands in front of a block's parts over whatever user is here; returns where the parts are. They are
  /// not at hand: of what they hold only whether the cart is empty.
  public mutating func read(_ block: UnsafeRawPointer) -> BlockParts {
    let marks = unsafe block.loadUnaligned(as: UInt32.self)
    var reader = unsafe BlockReader(block, isWide: marks & Mark.isWide != 0)
    _ = reader.fixed32()
    isIdentified = marks & Mark.isIdentified != 0
    portrait.read(PortraitMarks(rawValue: marks & (PortraitMarks.end - 1)), from: &reader)
    if marks & Mark.trigger != 0 { cart.read(from: &reader) } else { cart.resetFront() }
    churn.read(
      from: &reader, isEvaluated: marks & Mark.lastEvaluation != 0, isWarned: marks & Mark.warned != 0)
    var parts = BlockParts()
    if marks & (Mark.cart | Mark.alerts | Mark.traits) == 0 { return parts }
    let cartBytes = marks & Mark.cart != 0 ? reader.size() : 0
    let alertBytes = marks & Mark.alerts != 0 ? reader.size() : 0
    let traitBytes = marks & Mark.traits != 0 ? reader.size() : 0
    unsafe parts.cart = reader.raw(cartBytes)
    unsafe parts.alerts = reader.raw(alertBytes)
    unsafe parts.traits = reader.raw(traitBytes)
    return parts
  }

  /// Brings parts of the block at hand.
  public mutating func load(_ parts: UserParts, from block: BlockParts) {
    if parts.contains(.cart) { unsafe portrait.readCart(block.cart) }
    if parts.contains(.alerts) { unsafe cart.readAlerts(block.alerts, firstSeen: portrait.firstSeen) }
    if parts.contains(.traits) { unsafe portrait.readTraits(block.traits) }
  }

  /// Writes the user as a block.
  ///
  /// - Parameters:
  ///   - atHand: parts that were loaded; the others are carried over from `block`.
  ///   - scratch: for the parts.
  public func write(
    into writer: inout BlockWriter, atHand: UserParts, from block: BlockParts, scratch: inout StateWriter
  ) {
    writer.begin(isWide: false)
    write(&writer, atHand, block, &scratch)
    if !writer.overflows { return }
    writer.begin(isWide: true)
    write(&writer, atHand, block, &scratch)
  }

  private func write(
    _ writer: inout BlockWriter, _ atHand: UserParts, _ block: BlockParts, _ scratch: inout StateWriter
  ) {
    scratch.removeAll()
    var cartBytes = unsafe block.cart.count
    var alertBytes = unsafe block.alerts.count
    var traitBytes = unsafe block.traits.count
    if atHand.contains(.cart) {
      portrait.writeCart(into: &scratch)
      cartBytes = scratch.count
    }
    let cartEnd = scratch.count
    if atHand.contains(.alerts) {
      cart.writeAlerts(into: &scratch, firstSeen: portrait.firstSeen)
      alertBytes = scratch.count - cartEnd
    }
    let alertEnd = scratch.count
    if atHand.contains(.traits) {
      portrait.writeTraits(into: &scratch)
      traitBytes = scratch.count - alertEnd
    }
    let portraitMarks = portrait.marks
    var marks = portraitMarks.rawValue
    if isIdentified { marks |= Mark.isIdentified }
    let hasTrigger = !cart.isFrontBlank
    if hasTrigger { marks |= Mark.trigger }
    if cartBytes > 0 { marks |= Mark.cart }
    if alertBytes > 0 { marks |= Mark.alerts }
    if traitBytes > 0 { marks |= Mark.traits }
    if churn.lastEvaluation != nil { marks |= Mark.lastEvaluation }
    let isWarned = churn.hasBeenAtRisk
    if isWarned { marks |= Mark.warned }
    if writer.isWide { marks |= Mark.isWide }
    writer.fixed32(marks)
    portrait.write(portraitMarks, into: &writer)
    if hasTrigger { cart.write(into: &writer) }
    churn.write(into: &writer, isWarned: isWarned)
    if cartBytes > 0 { writer.size(cartBytes) }
    if alertBytes > 0 { writer.size(alertBytes) }
    if traitBytes > 0 { writer.size(traitBytes) }
    if cartBytes + alertBytes + traitBytes == 0 { return }
    unsafe scratch.withBytes { scratch in
      unsafe writer.raw(
        atHand.contains(.cart) ? UnsafeRawBufferPointer(rebasing: scratch[..<cartEnd]) : block.cart)
      unsafe writer.raw(
        atHand.contains(.alerts)
          ? UnsafeRawBufferPointer(rebasing: scratch[cartEnd..<alertEnd]) : block.alerts)
      unsafe writer.raw(
        atHand.contains(.traits) ? UnsafeRawBufferPointer(rebasing: scratch[alertEnd...]) : block.traits)
    }
  }

  /// A new user in the place of whoever is here. Keeps the memory of the lists.
  public mutating func reset(isIdentified: Bool, firstSeen: Int64, _ constants: EpochConstants) {
    self.isIdentified = isIdentified
    portrait.reset(firstSeen: firstSeen)
    cart.resetFront()
    cart.resetAlerts()
    churn = ChurnTrigger(firstSeen: firstSeen, constants.rules.churn)
  }
}

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

  func write(into writer: inout BlockWriter) {
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
  func writeAlerts(into writer: inout StateWriter, firstSeen: Int64) {
    if alertTimes.isEmpty, waiting.isEmpty { return }
    writer.count(alertTimes.count)
    for time in alertTimes { writer.time(time, from: firstSeen) }
    writer.count(waiting.count)
    for alert in waiting { alert.write(into: &writer, firstSeen: firstSeen) }
  }

  /// Reads what `writeAlerts` wrote over whatever alerts are here.
  mutating func readAlerts(_ bytes: UnsafeRawBufferPointer, firstSeen: Int64) {
    resetAlerts()
    if unsafe bytes.isEmpty { return }
    var reader = unsafe StateReader(bytes)
    trusted { () throws(StateError) in
      for _ in 0..<(try reader.unsigned()) { alertTimes.append(try reader.time(from: firstSeen)) }
      for _ in 0..<(try reader.unsigned()) {
        waiting.append(try Waiting(block: &reader, firstSeen: firstSeen))
      }
    }
  }

  mutating func resetAlerts() {
    alertTimes.removeAll(keepingCapacity: true)
    waiting.removeAll(keepingCapacity: true)
  }
}

extension CartTrigger.Waiting {
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
    writer.count(items.count)
    for item in items { writer.fixed64(item) }
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
    items = []
    for _ in 0..<(try reader.unsigned()) { items.append(try reader.fixed64()) }
  }
}

extension ChurnTrigger {
  private enum Bit {
    // Beside the bands: what else there is of a user who has been at risk.
    static let entry: UInt8 = 16
    static let episode: UInt8 = 32
    static let churnedAt: UInt8 = 64
    static let open: UInt8 = 128
  }

  /// Whether more is known than the rhythm of evaluations.
  var hasBeenAtRisk: Bool {
    entry != 0 || episode != 0 || churnedAt != 0 || lastWarning != nil || lastWarningBand != .watch
      || open != nil
  }

  func write(into writer: inout BlockWriter, isWarned: Bool) {
    writer.byte(state.rawValue | UInt8(truncatingIfNeeded: lastBand?.rawValue ?? 0) << 3)
    writer.time(next)
    if let lastEvaluation { writer.amount(next &- lastEvaluation) }
    if !isWarned { return }
    var bits = UInt8(truncatingIfNeeded: lastWarningBand.rawValue)
    if lastWarning != nil { bits |= 4 }
    if entry != 0 { bits |= Bit.entry }
    if episode != 0 { bits |= Bit.episode }
    if churnedAt != 0 { bits |= Bit.churnedAt }
    if open != nil { bits |= Bit.open }
    writer.byte(bits)
    if let lastWarning { writer.time(lastWarning) }
    if entry != 0 { writer.time(entry) }
    if episode != 0 { writer.time(episode) }
    if churnedAt != 0 { writer.time(churnedAt) }
    guard let open else { return }
    writer.fixed64(open.id.high)
    writer.fixed64(open.id.low)
    writer.time(open.time)
    writer.time(open.episode)
    writer.byte(UInt8(truncatingIfNeeded: open.band.rawValue))
  }

  mutating func read(from reader: inout BlockReader, isEvaluated: Bool, isWarned: Bool) {
    let head = reader.byte()
    state = State(rawValue: head & 7)!
    lastBand = ChurnBand(rawValue: Int(head >> 3))
    next = reader.time()
    lastEvaluation = isEvaluated ? next &- reader.amount() : nil
    lastWarning = nil
    lastWarningBand = .watch
    entry = 0
    episode = 0
    churnedAt = 0
    open = nil
    if !isWarned { return }
    let bits = reader.byte()
    lastWarningBand = ChurnBand(rawValue: Int(bits & 3))!
    if bits & 4 != 0 { lastWarning = reader.time() }
    if bits & Bit.entry != 0 { entry = reader.time() }
    if bits & Bit.episode != 0 { episode = reader.time() }
    if bits & Bit.churnedAt != 0 { churnedAt = reader.time() }
    if bits & Bit.open == 0 { return }
    let id = AlertID(high: reader.fixed64(), low: reader.fixed64())
    let time = reader.time()
    let since = reader.time()
    open = Open(id: id, time: time, episode: since, band: ChurnBand(rawValue: Int(reader.byte()))!)
  }
}
