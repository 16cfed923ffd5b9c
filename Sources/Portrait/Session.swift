import Events

/// A run of one user's events with no gap above `sessions.gap`.
public struct Session: Sendable, Hashable {
  public var start: Int64
  public var last: Int64
  /// Page views.
  public var pages: Int64 = 0
  public var dwellMilliseconds: Int64 = 0
  /// Whether it had a cart, checkout or purchase event.
  public var hasCartAction = false

  /// Exactly one page view and no cart, checkout or purchase event.
  public var isBounce: Bool { pages == 1 && !hasCartAction }
}

/// A user's open session, and where the last closed one ended.
///
/// ```
///            activity                      deadline last + gap, or a later event beyond the gap
///   (none) ───────────► open [start,last] ────────────────────────────────────────► (none)
///                        │  ▲ joins: start = min, last = max                         closed until = last + gap
///                        └──┘
/// ```
public struct Sessions: Sendable, Hashable {
  public internal(set) var open: Session?
  /// End of the last closed session: its last event plus the gap.
  public internal(set) var closedUntil: Int64 = .min

  /// What an activity event did.
  public struct Effect: Sendable, Hashable {
    /// A session that this event closed.
    public var closed: Session?
    /// Whether it opened a session.
    public var opened = false
    /// The open session's start before the event, if the event moved it.
    public var movedStart: Int64?
    /// The last event's time before, if this event prolonged the session.
    public var prolongedFrom: Int64?
    /// Whether the event belongs to the open session.
    public var joined = false
  }

  public init() {}

  /// When the open session closes if nothing happens.
  public func deadline(gap: Int64) -> Int64? {
    open.map { $0.last.addingSaturated(gap) }
  }

  /// Closes the open session as of its last event plus the gap.
  public mutating func close(gap: Int64) -> Session {
    let session = open!
    closedUntil = session.last + gap
    open = nil
    return session
  }

  /// Takes an activity event in.
  public mutating func apply(_ ts: Int64, gap: Int64) -> Effect {
    var effect = Effect()
    if let session = open {
      if ts > session.last + gap {
        effect.closed = close(gap: gap)
      } else {
        if ts < session.start - gap || ts < closedUntil { return effect }
        effect.joined = true
        if ts < session.start {
          effect.movedStart = session.start
          open!.start = ts
        } else if ts > session.last {
          effect.prolongedFrom = session.last
          open!.last = ts
        }
        return effect
      }
    }
    if ts < closedUntil { return effect }
    open = Session(start: ts, last: ts)
    effect.opened = true
    effect.joined = true
    return effect
  }

  /// Adds to the open session. Only for an event that joined it.
  public mutating func add(pages: Int64, dwellMilliseconds: Int64, cartAction: Bool) {
    open!.pages += pages
    open!.dwellMilliseconds = open!.dwellMilliseconds.addingSaturated(dwellMilliseconds)
    if cartAction { open!.hasCartAction = true }
  }
}
