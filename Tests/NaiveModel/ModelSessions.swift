import Events
import Portrait

/// One session, open or closed.
final class ModelSession {
  var start: Int64
  var last: Int64
  var pages: Int64 = 0
  var dwell: Int64 = 0
  var hasCartOrPurchase = false
  var isClosed = false
  /// The time in whose pane the session is counted; nil: in none.
  var countedAt: Int64?
  var bounceAt: Int64?

  init(at ts: Int64) {
    start = ts
    last = ts
  }
}

extension ModelUser {
  /// The session that the event joins or opens; nil: none.
  func joinSession(_ event: Event) -> ModelSession? {
    let gap = rules.sessions.gapMilliseconds
    let ts = event.ts
    var joined: ModelSession?
    if let open = sessions.last, !open.isClosed {
      if ts > open.last + gap {
        world.census.count("session: closed by an event")
        closeSession()
      } else if ts < open.start - gap || ts < closedUntil ?? Int64.min {
        return nil
      } else {
        join(open, ts)
        joined = open
      }
    }
    if joined == nil {
      if ts < closedUntil ?? Int64.min { return nil }
      let new = ModelSession(at: ts)
      if !isBeyondPanes(ts) { new.countedAt = ts }
      sessions.append(new)
      joined = new
    }
    if event.type == .pageView { joined!.pages += 1 }
    if event.type.isCart || event.type == .purchase { joined!.hasCartOrPurchase = true }
    return joined
  }

  private func join(_ session: ModelSession, _ ts: Int64) {
    if rules.sessions.inferDwell {
      if ts > session.last { infer(ts - session.last, at: session.last, session) }
      if ts < session.start { infer(session.start - ts, at: ts, session) }
    }
    if ts < session.start {
      world.census.count("session: start moved")
      session.start = ts
      if let counted = session.countedAt, !isBeyondPanes(counted), !isBeyondPanes(ts) {
        session.countedAt = ts
      }
    }
    session.last = max(session.last, ts)
  }

  private func infer(_ dwell: Int64, at ts: Int64, _ session: ModelSession) {
    var sums = PaneSums()
    sums.dwellMilliseconds = dwell
    contributions.append(Contribution(ts: ts, sums: sums))
    session.dwell += dwell
    hasInferredDwell = true
    world.census.count("dwell inferred")
  }

  /// Closes the open session as of its last event plus the gap.
  func closeSession() {
    guard let open = sessions.last, !open.isClosed else { return }
    open.isClosed = true
    closedUntil = open.last + rules.sessions.gapMilliseconds
    if open.pages == 1 && !open.hasCartOrPurchase {
      open.bounceAt = open.start
      world.census.count("session: bounce")
    } else {
      world.census.count("session: no bounce")
    }
  }
}
