import Events
import Portrait
import Triggers

/// The rules written down a second time, as plainly as possible: every user's events are kept for ever and every
/// number is computed from them when it is asked for. The engine is held to it.
///
/// It shares with the engine the event, the rules and the alerts, and nothing that computes.
public final class NaiveModel {
  public let rules: Rules
  /// Int64.min until the first event.
  public private(set) var watermark = Int64.min
  /// In order of decision; whoever drains them empties the array.
  public var alerts: [Alert] = []
  public var tally = Tally()
  public var census = Census()

  private var largestEventTime: Int64?
  private var resumeClock = Int64.min
  private(set) var clock = Int64.min
  private var users: [String: ModelUser] = [:]
  private var appearances = 0
  private var agenda = Agenda()

  public init(rules: Rules) {
    self.rules = rules
  }

  /// One record: deadlines that its watermark makes due, the event, then what of its user is due by then.
  public func apply(_ event: Event, recordClock: Int64) {
    advance(eventTime: event.ts, recordClock: recordClock)
    guard let key = event.userKey else { preconditionFailure("an event without a user is refused before") }
    if event.type == .forget {
      erase(key, event)
      return
    }
    let user: ModelUser
    if let known = users[key] {
      user = known
    } else {
      appearances += 1
      user = ModelUser(world: self, key: key, identified: event.userID != nil, appearance: appearances)
      users[key] = user
    }
    user.apply(event)
    remind(user)
    fireDue()
  }

  /// A record that moves the watermark and has nothing to apply.
  public func advance(eventTime: Int64, recordClock: Int64) {
    clock = max(recordClock, resumeClock)
    largestEventTime = max(largestEventTime ?? eventTime, eventTime)
    watermark = max(watermark, eventTime - rules.time.allowedLatenessMilliseconds)
    fireDue()
  }

  /// The wall clock moves the watermark of a partition that has gone quiet, if that makes anything due.
  public func tick(clock: Int64) {
    guard let largestEventTime else { return }
    let reached =
      min(clock, largestEventTime + rules.time.tickForMilliseconds) - rules.time.allowedLatenessMilliseconds
    guard users.values.contains(where: { $0.nextDeadline().map { $0.time <= reached } ?? false }) else {
      census.count("tick: nothing due")
      return
    }
    census.count("tick: taken")
    self.clock = clock
    watermark = max(watermark, reached)
    fireDue()
  }

  /// Fires everything that is pending up to `until`, each deadline judged by its own time.
  public func drain(until: Int64) {
    while let hint = agenda.first, hint.time <= until {
      clock = max(hint.time, resumeClock)
      watermark = max(watermark, hint.time)
      fireDue()
    }
  }

  /// From now on no record's clock counts as earlier than this.
  public func resume(clock: Int64) {
    resumeClock = max(resumeClock, clock)
  }

  /// What became of all carts so far.
  public func accounting() -> CartAccounting {
    var result = CartAccounting()
    result.opened = tally.cartsOpened
    for ending in CartEnding.allCases where tally[ending] != 0 {
      result.endings[ending] = tally[ending]
    }
    for user in users.values {
      guard let cart = user.cart else { continue }
      if cart.episode.expiredAt != nil {
        result.endings[cart.record.expiredEnding, default: 0] += 1
      } else {
        result.open += 1
      }
    }
    return result
  }

  /// Whether any user has a deadline left.
  public var hasPendingDeadlines: Bool {
    users.values.contains { $0.nextDeadline() != nil }
  }

  private func erase(_ key: String, _ event: Event) {
    guard let user = users[key] else { return }
    if user.isDuplicate(event) { return }
    if user.cart != nil {
      tally[.erased] += 1
      census.count("ending: erased")
    }
    tally.usersErased += 1
    census.count("user: erased")
    users[key] = nil
  }

  private func remind(_ user: ModelUser) {
    guard let next = user.nextDeadline() else { return }
    agenda.add(.init(time: next.time, appearance: user.appearance, key: user.key))
  }

  private func fireDue() {
    while let hint = agenda.first, hint.time <= watermark {
      _ = agenda.removeFirst()
      guard let user = users[hint.key], user.appearance == hint.appearance,
        let next = user.nextDeadline(), next.time == hint.time
      else { continue }
      user.fire(next)
      if user.isForgotten {
        users[hint.key] = nil
      } else {
        remind(user)
      }
    }
  }

  /// Emits unless it is too old; says whether it was emitted. Retractions are exempt.
  func emit(_ alert: Alert) -> Bool {
    if alert.type != .cartRetracted, isStale(alert.time) {
      switch alert.type {
      case .cartRecovered: tally.staleCartRecovered += 1
      case .churnRecovered: tally.staleChurnRecovered += 1
      default: break
      }
      census.count("stale: \(alert.type.rawValue)")
      return false
    }
    alerts.append(alert)
    tally[emitted: alert.type] += 1
    census.count("alert: \(alert.type.rawValue)")
    return true
  }

  private func isStale(_ time: Int64) -> Bool {
    guard let limit = rules.alerts.maxAgeMilliseconds else { return false }
    return clock - time > limit
  }
}
