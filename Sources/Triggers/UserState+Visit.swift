import Events
import Portrait

// Browsing, applied to a user's block where it lies. What it changes stands in a `Visit` behind the block's marks.
extension UserState {
  static let visitPlace = MemoryLayout<UInt32>.size

  /// What browsing changes, in fixed places; nil: his browsing goes the long way.
  mutating func makeVisit(_ constants: EpochConstants) -> Visit? {
    // A visit that changes the churn trigger goes the long way, and those after it do not.
    guard let activity = portrait.lastActivity, churn.ignoresVisits(after: activity, constants.rules.churn),
      var visit = portrait.makeVisit(constants.portrait)
    else { return nil }
    if let other = otherDeadline(constants) { visit.otherDeadline = visit.clamped(other.time) }
    if let until = cart.anchorUntil(constants.rules.cart) { visit.anchorUntil = visit.clamped(until) }
    return visit
  }

  /// Applies an event of browsing (`EventType.isBrowsing`) to a block, if that can be done in place.
  ///
  /// - Parameters:
  ///   - content: what `write` wrote under the same rules. - room: bytes of it that may be written.
  ///   - watermark: an event that makes a deadline due at or before it goes the long way.
  @inline(__always)
  public static func browse(
    _ event: borrowing EventSlot, in content: UnsafeMutableRawPointer, room: Int, watermark: Int64,
    _ rules: VisitRules
  ) -> Visit.Outcome {
    let marks = unsafe content.loadUnaligned(as: UInt32.self)
    if marks & PortraitMarks.visit.rawValue == 0 { return .notInPlace }
    let outcome = unsafe Visit.apply(
      event, to: content, at: visitPlace, room: room, watermark: watermark, rules)
    if case .applied(_, let isExact, let infersDwell) = outcome {
      var changed = isExact ? marks & ~Mark.isEarly : marks | Mark.isEarly
      if infersDwell { changed |= PortraitMarks.dwellInferred.rawValue }
      if changed != marks { unsafe content.storeBytes(of: changed, as: UInt32.self) }
    }
    return outcome
  }

  /// Whether the deadline that `browse` gave last may be earlier than the user's own.
  public static func isDeadlineEarly(_ content: UnsafeRawPointer) -> Bool {
    unsafe content.loadUnaligned(as: UInt32.self) & Mark.isEarly != 0
  }
}

extension CartTrigger {
  /// Up to when activity puts off the reminders; nil: it does not.
  func anchorUntil(_ rules: CartRules) -> Int64? {
    guard phase != .noCart, rules.activityExtends else { return nil }
    return lastChange.addingSaturated(rules.activityExtendsAtMostMilliseconds)
  }
}

extension ChurnTrigger {
  /// Whether `visit` changes nothing, now and for all later visits, when there was one at this time.
  func ignoresVisits(after lastVisit: Int64, _ rules: ChurnRules) -> Bool {
    state != .churned && next <= Self.end(lastVisit, rules)
  }
}
