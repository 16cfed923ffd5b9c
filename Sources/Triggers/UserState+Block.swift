import Events
import Portrait

// A user in memory while nobody looks at him: one block of bytes.
//
// ```
//  marks 4 bytes │ visit, while he is browsing │ portrait │ cart trigger, if he has had a cart │ churn trigger │ sizes of the parts behind │
//  cart's contents │ alerts that count for limits or wait for an answer │ traits │ last events, if there is a visit
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
enum Mark {
  static let isIdentified = PortraitMarks.end
  static let trigger = PortraitMarks.end << 1
  static let cart = PortraitMarks.end << 2
  static let alerts = PortraitMarks.end << 3
  static let traits = PortraitMarks.end << 4
  static let lastEvaluation = PortraitMarks.end << 5
  static let warned = PortraitMarks.end << 6
  static let isWide = PortraitMarks.end << 7
  /// Browsing has moved on deadlines that are not the session's: the one in front of the block may be too early.
  static let isEarly = PortraitMarks.end << 8
}

extension UserState {
  /// What handling a deadline of this kind looks at.
  public mutating func needed(for kind: DeadlineKind) -> UserParts {
    switch kind {
    case .session, .cartExpiry, .userForgotten: []
    case .cartStep: .all
    case .cartForgotten: .cart
    // Only the second high score in a row can warn, and only a warning asks for traits.
    case .evaluation: churn.lastBand == nil ? [] : .traits
    }
  }

  /// Reads what stands in front of a block's parts over whatever user is here; returns where the parts are. They are
  /// not at hand: of what they hold only whether the cart is empty.
  public mutating func read(_ block: UnsafeRawPointer) -> BlockParts {
    let marks = unsafe block.loadUnaligned(as: UInt32.self)
    var reader = unsafe BlockReader(block, isWide: marks & Mark.isWide != 0)
    _ = reader.fixed32()
    isIdentified = marks & Mark.isIdentified != 0
    let portraitMarks = PortraitMarks(rawValue: marks & (PortraitMarks.end - 1))
    if portraitMarks.contains(.visit) {
      let visit = reader.value(Visit.self)
      portrait.read(portraitMarks, from: &reader, visit, recent: reader.at(Int(visit.recentPlace)))
      if marks & Mark.trigger != 0 { cart.read(from: &reader) } else { cart.resetFront() }
      if let anchor = visit.anchorTime { cart.anchor = max(cart.anchor, anchor) }
    } else {
      portrait.read(portraitMarks, from: &reader, nil, recent: nil)
      if marks & Mark.trigger != 0 { cart.read(from: &reader) } else { cart.resetFront() }
    }
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
  /// - Returns: how many more bytes his block should have, for what browsing adds to it.
  public mutating func write(
    into writer: inout BlockWriter, atHand: UserParts, from block: BlockParts, scratch: inout StateWriter,
    _ constants: EpochConstants
  ) -> Int {
    if let visit = makeVisit(constants) {
      writer.begin(isWide: false)
      write(&writer, atHand, block, &scratch, visit)
      if !writer.overflows, writer.count <= Int(UInt16.max) { return visit.recentGrowth }
    }
    writer.begin(isWide: false)
    write(&writer, atHand, block, &scratch, nil)
    if !writer.overflows { return 0 }
    writer.begin(isWide: true)
    write(&writer, atHand, block, &scratch, nil)
    return 0
  }

  private mutating func write(
    _ writer: inout BlockWriter, _ atHand: UserParts, _ block: BlockParts, _ scratch: inout StateWriter,
    _ visit: Visit?
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
    let portraitMarks = portrait.marks(isVisiting: visit != nil)
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
    if let visit { writer.value(visit) }
    portrait.write(portraitMarks, into: &writer)
    if hasTrigger { cart.write(into: &writer) }
    churn.write(into: &writer, isWarned: isWarned)
    if cartBytes > 0 { writer.size(cartBytes) }
    if alertBytes > 0 { writer.size(alertBytes) }
    if traitBytes > 0 { writer.size(traitBytes) }
    if cartBytes + alertBytes + traitBytes > 0 {
      writeParts(&writer, atHand, block, scratch, cartEnd: cartEnd, alertEnd: alertEnd)
    }
    guard var visit else { return }
    visit.recentPlace = UInt16(truncatingIfNeeded: writer.count)
    writer.replace(at: Self.visitPlace, with: visit)
    portrait.writeRecent(into: &writer)
  }

  private func writeParts(
    _ writer: inout BlockWriter, _ atHand: UserParts, _ block: BlockParts, _ scratch: borrowing StateWriter,
    cartEnd: Int, alertEnd: Int
  ) {
    unsafe scratch.withBytes { scratch in
      unsafe writer.raw(
        atHand.contains(.cart) ? UnsafeRawBufferPointer(rebasing: scratch[..<cartEnd]) : block.cart)
      unsafe writer.raw(
        atHand.contains(.alerts)
          ? UnsafeRawBufferPointer(rebasing: scratch[cartEnd..<alertEnd]) : block.alerts)
      unsafe writer.raw(
        atHand.contains(.traits) ? UnsafeRawBufferPointer(rebasing: scratch[alertEnd...]) : block.traits)
    }
    writer.reserve(0)
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
