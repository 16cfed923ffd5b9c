import Events

/// What browsing changes of a user whose session is open, as it lies in fixed places at the front of his block: an
/// event of browsing is applied where it lies, and the rest of him is not looked at.
///
/// Nearly all events are such. What is not plain goes the long way, by the user's whole state: an event that opens,
/// closes or moves a session, belongs to another pane than the latest, makes a deadline due or a number too large for
/// its place here.
///
/// Times are milliseconds after `start`.
public struct Visit: BitwiseCopyable, Sendable, Hashable {
  /// Of the open session, milliseconds since 1970 UTC.
  public let start: Int64
  var last: Int32 = 0
  var lastActivity: Int32 = 0
  var horizon: Int32 = 0
  /// Start of the latest pane, and the horizon at which any pane has to be merged.
  var paneStart: Int32 = 0
  var nextMerge: Int32 = 0
  /// No deadline but the session's is before it. Browsing only moves the others on, so it stays true.
  public var otherDeadline = Int32.max
  /// The latest event that put off the cart's reminders; `nowhere`: none has since the block was written.
  public private(set) var anchor = Visit.nowhere
  /// Events up to here put them off.
  public var anchorUntil = Visit.nowhere
  var dwell: UInt32 = 0
  var paneDwell: UInt32 = 0
  var pages: UInt16 = 0
  var events: UInt16 = 0
  var views: UInt16 = 0
  var clicks: UInt16 = 0
  var searches: UInt16 = 0
  var favourites: UInt16 = 0
  /// Where in the block the fingerprints of the last events are: behind all else, with room to grow.
  public var recentPlace: UInt16 = 0
  /// As `RecentEvents` writes it.
  var recentHead: UInt8 = 0
  var hasCartAction = false

  public static let nowhere = Int32.min

  init(start: Int64) { self.start = start }

  /// A time as it is kept here, or the nearest that can be.
  public func clamped(_ time: Int64) -> Int32 {
    Int32(clamping: time.addingSaturated(-start))
  }

  /// The time that puts off the cart's reminders, milliseconds since 1970 UTC.
  public var anchorTime: Int64? { anchor == Self.nowhere ? nil : start + Int64(anchor) }

  /// What an event came to.
  public enum Outcome: Sendable, Hashable {
    /// Nothing: it has to go the long way.
    case notInPlace
    case duplicate
    /// - Parameters:
    ///   - deadline: no deadline of the user is before it. - isExact: there is one then.
    ///   - infersDwell: whether dwell was inferred from the time between events.
    case applied(deadline: Int64, isExact: Bool, infersDwell: Bool)
  }
}

/// What applying browsing in place depends on.
public struct VisitRules: BitwiseCopyable, Sendable, Hashable {
  let gap: Int64
  /// Of the finest panes.
  let hop: Int64
  let inferDwell: Bool

  public init(_ rules: PortraitRules) {
    gap = rules.gapMilliseconds
    hop = rules.tiers.hop(0)
    inferDwell = rules.inferDwell
  }
}

extension EventType {
  /// Whether an event of this type changes nothing but what stands in a `Visit`, if it is plain.
  @inlinable public var isBrowsing: Bool {
    switch self {
    case .pageView, .pageDwell, .click, .search, .favourite, .review: true
    default: false
    }
  }
}

extension Visit {
  /// Applies an event of browsing in place.
  ///
  /// - Parameters:
  ///   - content: of the user's block. - place: in it, of the visit. - room: bytes of the content that may be written.
  ///   - watermark: an event that makes a deadline due at or before it goes the long way.
  public static func apply(
    _ event: borrowing EventSlot, to content: UnsafeMutableRawPointer, at place: Int, room: Int,
    watermark: Int64, _ rules: VisitRules
  ) -> Outcome {
    var visit = unsafe (content + place).loadUnaligned(as: Visit.self)
    let after = event.ts &- visit.start
    let earlier = Int64(visit.last)
    let last = max(earlier, after)
    let horizon = max(Int64(visit.horizon), after)
    let own = rules.inferDwell ? 0 : event.dwellMilliseconds ?? 0
    let inferred = rules.inferDwell && after > earlier ? after - earlier : 0
    guard after >= 0, after <= earlier + rules.gap, after >= Int64(visit.paneStart),
      after - Int64(visit.paneStart) < rules.hop, horizon < Int64(visit.nextMerge),
      inferred == 0 || earlier >= Int64(visit.paneStart), own >= 0, own < 1 << 31,
      inferred < 1 << 31
    else { return .notInPlace }
    let sessionEnd = last + rules.gap
    let deadline = visit.start + min(sessionEnd, Int64(visit.otherDeadline))
    guard deadline > watermark else { return .notInPlace }
    let fingerprint = event.fingerprint()
    let recent = unsafe content + Int(visit.recentPlace)
    var count = Int(visit.recentHead & 15) + 1
    for place in 0..<count
    where unsafe (recent + 4 * place).loadUnaligned(as: UInt32.self) == fingerprint { return .duplicate }
    guard visit.count(event.type, dwell: UInt32(own + inferred)) else { return .notInPlace }
    // The place of the next fingerprint: while there are fewer than are kept, behind the last.
    let next = Int(visit.recentHead >> 4)
    if count < RecentEvents.maximum {
      guard Int(visit.recentPlace) + 4 * (count + 1) <= room else { return .notInPlace }
      count += 1
    }
    unsafe (recent + 4 * next).storeBytes(of: fingerprint, as: UInt32.self)
    visit.recentHead = RecentEvents.head(count: count, next: (next + 1) & (RecentEvents.maximum - 1))
    visit.last = Int32(truncatingIfNeeded: last)
    visit.horizon = Int32(truncatingIfNeeded: horizon)
    visit.lastActivity = max(visit.lastActivity, Int32(truncatingIfNeeded: after))
    if after <= Int64(visit.anchorUntil) {
      visit.anchor = max(visit.anchor, Int32(truncatingIfNeeded: after))
    }
    unsafe (content + place).storeBytes(of: visit, as: Visit.self)
    return .applied(
      deadline: deadline, isExact: sessionEnd <= Int64(visit.otherDeadline), infersDwell: inferred > 0)
  }

  /// Adds an event to the sums; false, with the sums in any state: one becomes too large for its place.
  @inline(__always)
  private mutating func count(_ type: EventType, dwell: UInt32) -> Bool {
    if events == .max { return false }
    events += 1
    switch type {
    case .pageView:
      if views == .max || pages == .max { return false }
      views += 1
      pages += 1
    case .click: clicks += 1
    case .search: searches += 1
    case .favourite: favourites += 1
    default: break
    }
    let (session, isLarge) = self.dwell.addingReportingOverflow(dwell)
    let (pane, isLargeToo) = paneDwell.addingReportingOverflow(dwell)
    self.dwell = session
    paneDwell = pane
    return !isLarge && !isLargeToo
  }
}

// To and from the portrait.
extension Visit {
  /// Exactly, or nil.
  private func near(_ time: Int64) -> Int32? {
    Int32(exactly: time.addingSaturated(-start))
  }

  /// The visit of a user, without what the triggers say; nil: his browsing goes the long way.
  init?(_ portrait: inout Portrait, _ rules: PortraitRules) {
    guard let open = portrait.sessions.open, let activity = portrait.lastActivity, portrait.recent.count > 0,
      portrait.panes.isLatestFine(rules.tiers)
    else { return nil }
    self.init(start: open.start)
    let pane = portrait.panes.latest
    let sums = pane.sums
    guard let last = near(open.last), let lastActivity = near(activity),
      let horizon = near(portrait.panes.horizon), let paneStart = near(pane.start),
      let pages = UInt16(exactly: open.pages), let dwell = UInt32(exactly: open.dwellMilliseconds),
      let events = UInt16(exactly: sums.events), let views = UInt16(exactly: sums.views),
      let clicks = UInt16(exactly: sums.clicks), let searches = UInt16(exactly: sums.searches),
      let favourites = UInt16(exactly: sums.favourites),
      let paneDwell = UInt32(exactly: sums.dwellMilliseconds)
    else { return nil }
    self.last = last
    self.lastActivity = lastActivity
    self.horizon = horizon
    self.paneStart = paneStart
    nextMerge = clamped(portrait.panes.nextMerge)
    self.pages = pages
    self.dwell = dwell
    self.events = events
    self.views = views
    self.clicks = clicks
    self.searches = searches
    self.favourites = favourites
    self.paneDwell = paneDwell
    hasCartAction = open.hasCartAction
    recentHead = RecentEvents.head(count: portrait.recent.count, next: portrait.recent.next)
  }

  var session: Session {
    var session = Session(start: start, last: start + Int64(last))
    session.pages = Int64(pages)
    session.dwellMilliseconds = Int64(dwell)
    session.hasCartAction = hasCartAction
    return session
  }

  /// Adds what is counted here to the other sums of the latest pane.
  func add(to sums: inout PaneSums) {
    sums.events = Int64(events)
    sums.views = Int64(views)
    sums.clicks = Int64(clicks)
    sums.searches = Int64(searches)
    sums.favourites = Int64(favourites)
    sums.dwellMilliseconds = Int64(paneDwell)
  }

  /// Milliseconds since 1970 UTC.
  func time(_ after: Int32) -> Int64 { start + Int64(after) }

  /// How many more bytes a block with so many fingerprints should have, so that not every event needs a larger one.
  public var recentGrowth: Int {
    let count = Int(recentHead & 15) + 1
    return 4 * ((count <= 4 ? 4 : count <= 8 ? 8 : RecentEvents.maximum) - count)
  }
}

extension PaneSums {
  /// Without what a `Visit` holds.
  var withoutBrowsing: PaneSums {
    var sums = self
    (sums.events, sums.views, sums.clicks, sums.searches, sums.favourites) = (0, 0, 0, 0, 0)
    sums.dwellMilliseconds = 0
    return sums
  }
}
