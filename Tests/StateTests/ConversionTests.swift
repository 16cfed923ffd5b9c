import Events

import SideBySide
import TestSupport
import Testing

@testable import Portrait
@testable import Triggers

/// A state that goes on under other rules.
@Suite struct ConversionTests {
  static let start: Int64 = 1_700_006_400_000  // A UTC midnight.

  static func constants(_ change: (inout Rules) -> Void = { _ in }) -> EpochConstants {
    var rules = Rules()
    change(&rules)
    return EpochConstants(rules)
  }

  static func windows(_ lengths: Int64...) -> EpochConstants {
    constants { rules in
      rules.churn.enabled = false
      rules.windows = lengths.map { WindowSpec(name: "w\($0)", lengthMilliseconds: $0) }
    }
  }

  /// A user with events at these times under these rules.
  static func user(
    _ constants: EpochConstants, _ events: [(type: EventType, ts: Int64)]
  ) -> UserState {
    var user = UserState(isIdentified: true, firstSeen: events[0].ts, constants)
    var output = TriggerOutput()
    var slot = EventSlot()
    for (index, told) in events.enumerated() {
      var event = Event(type: told.type, ts: told.ts, userID: "u", eventID: "e\(index)")
      if told.type == .cartAdd || told.type == .purchase { event.itemID = "i\(index)" }
      slot.set(event)
      fire(&user, until: told.ts, constants, &output)
      Identity.with(key: "u", isIdentified: true) {
        user.apply(slot, of: $0, watermark: told.ts, clock: told.ts, constants, &output)
      }
    }
    return user
  }

  /// Fires what is due at or before `time`; returns the alerts.
  @discardableResult
  static func fire(
    _ user: inout UserState, until time: Int64, _ constants: EpochConstants, _ output: inout TriggerOutput
  ) -> [Alert] {
    while let due = user.deadline(constants), due.time <= time {
      _ = Identity.with(key: "u", isIdentified: true) {
        user.fire(due.kind, of: $0, at: due.time, watermark: time, clock: due.time, constants, &output)
      }
    }
    return output.alerts
  }

  static func views(_ user: UserState, _ length: Int64, at time: Int64, _ constants: EpochConstants) -> Int64
  {
    user.portrait.window(length, at: time, constants.portrait.tiers).views
  }

  /// A view every 20 minutes for 40 days, and one at the end of it.
  static func browser(_ constants: EpochConstants) -> (user: UserState, now: Int64) {
    let now = start + 40 * Milliseconds.day + 7 * Milliseconds.hour + 13 * Milliseconds.minute
    let times = stride(from: start, through: now, by: 20 * 60_000).map { (EventType.pageView, $0) }
    return (user(constants, times + [(.pageView, now)]), now)
  }

  // MARK: Identity

  @Test func `Equal rules change nothing`() {
    for (known, rules) in Histories.states(seeds: 500..<560, every: 25) {
      let user = known.state
      var converted = user
      converted.convert(from: EpochConstants(rules), to: EpochConstants(rules))
      #expect(converted == user)
      // Nor do rules that differ in nothing that lays out state.
      var other = rules
      other.alerts.anonymous.toggle()
      other.sessions.gapMilliseconds += 1
      converted.convert(from: EpochConstants(rules), to: EpochConstants(other))
      #expect(converted == user)
    }
  }

  @Test func `Any state can be converted to any rules, and goes on under them`() throws {
    let states = Histories.states(seeds: 560..<640, every: 25)
    let others = (640..<680).map { Histories.world(seed: $0).rules }
    var dice = SeededGenerator(announcedAs: "conversions", seed: 5)
    for (known, rules) in states {
      let user = known.state
      let new = EpochConstants(others.randomElement(using: &dice)!)
      var converted = user
      converted.convert(from: EpochConstants(rules), to: new)
      _ = try recode(KnownUser(key: known.key, state: converted))
      // Converting is a function of state and rules alone.
      var again = user
      again.convert(from: EpochConstants(rules), to: EpochConstants(new.rules))
      #expect(again == converted)
      let horizon = converted.portrait.panes.horizon
      var output = TriggerOutput()
      var left = 2_000
      while left > 0, let due = converted.deadline(new), due.time < horizon + 60 * Milliseconds.day {
        left -= 1
        let remainder = Identity.with(key: known.key, isIdentified: user.isIdentified) {
          converted.fire(
            due.kind, of: $0, at: due.time, watermark: due.time, clock: due.time, new, &output)
        }
        if remainder == .isForgotten { break }
      }
      #expect(left > 0, "deadlines without end")
      #expect(Set(output.alerts.map(\.id)).count == output.alerts.count)
      let before = Set(user.cart.waiting.alerts.map(\.id))
      #expect(output.alerts.allSatisfy { !before.contains($0.id) }, "an alert of before has come again")
    }
  }

  // MARK: Windows

  @Test func `Longer windows and the old ones again leave the panes as they were`() {
    let hour = Milliseconds.hour
    let day = Milliseconds.day
    let old = Self.windows(hour, day, 28 * day)
    let (user, _) = Self.browser(old)
    for new in [Self.windows(2 * hour, 3 * day, 60 * day), Self.windows(11 * hour, 11 * day, 35 * day)] {
      var converted = user
      converted.convert(from: old, to: new)
      #expect(converted != user)
      converted.convert(from: new, to: old)
      #expect(converted == user)
    }
  }

  @Test func `Shorter windows merge and drop what they no longer need`() {
    let old = Self.windows(11 * Milliseconds.hour, 11 * Milliseconds.day, 40 * Milliseconds.day)
    let new = Self.windows(Milliseconds.hour, 20 * Milliseconds.day)
    let (user, now) = Self.browser(old)
    var converted = user
    converted.convert(from: old, to: new)
    // As if the user had lived under them from the beginning.
    #expect(converted.portrait.panes == Self.browser(new).user.portrait.panes)
    #expect(converted.portrait.panes.count < user.portrait.panes.count)
    #expect(
      Self.views(converted, 20 * Milliseconds.day, at: now, new)
        == Self.views(Self.browser(new).user, 20 * Milliseconds.day, at: now, new))
  }

  @Test func `A window that looks into coarser panes is never shorter than it says`() {
    let hour = Milliseconds.hour
    let day = Milliseconds.day
    let old = Self.windows(hour, 28 * day)
    let new = Self.windows(10 * hour, 10 * day, 28 * day)
    let (user, now) = Self.browser(old)
    let exact = Self.browser(new).user
    var converted = user
    converted.convert(from: old, to: new)
    for length in stride(from: hour, to: 28 * day, by: Int(5 * hour)) {
      let told = Self.views(converted, length, at: now, new)
      let least = Self.views(exact, length, at: now, new)
      // At most the rest of the day in which the window begins.
      #expect((least...least + 72).contains(told), "\(length / hour) h: \(told), not \(least)")
    }
    #expect(
      Self.views(converted, 28 * day, at: now, new) == Self.views(user, 28 * day, at: now, old))
  }

  @Test func `What was dropped stays so, and late events find their panes again`() {
    let old = Self.windows(Milliseconds.hour)
    let new = Self.windows(28 * Milliseconds.day)
    let (user, now) = Self.browser(old)
    var converted = user
    converted.convert(from: old, to: new)
    #expect(Self.views(converted, 28 * Milliseconds.day, at: now, new) <= 5)
    let late = now - 20 * Milliseconds.day
    #expect(!user.portrait.panes.keeps(late, old.portrait.tiers))
    #expect(converted.portrait.panes.keeps(late, new.portrait.tiers))
  }

  // MARK: Cart

  /// A cart that has been reminded of under the usual rules at 1 h and 24 h.
  static func reminded() -> (user: UserState, constants: EpochConstants, alerts: [Alert]) {
    let constants = constants { $0.churn.enabled = false }
    var user = user(constants, [(.cartAdd, start)])
    var output = TriggerOutput()
    let alerts = fire(&user, until: start + 25 * Milliseconds.hour, constants, &output)
    return (user, constants, alerts)
  }

  /// The steps and ages of the alerts that follow under other rules.
  static func following(_ change: (inout Rules) -> Void) -> [[Int64]] {
    var (user, old, alerts) = reminded()
    #expect(alerts.count == 2)
    var rules = old.rules
    change(&rules)
    let new = EpochConstants(rules)
    user.convert(from: old, to: new)
    var output = TriggerOutput()
    return fire(&user, until: start + 20 * Milliseconds.day, new, &output).compactMap { alert in
      guard case .cartAbandoned(let body) = alert.body else { return nil }
      return [Int64(body.step), (alert.time - start) / Milliseconds.hour]
    }
  }

  @Test func `The next step keeps its number`() {
    let hour = Milliseconds.hour
    #expect(Self.following { _ in } == [[3, 72]])
    #expect(Self.following { $0.cart.stepsMilliseconds = [2 * hour, 30 * hour, 60 * hour] } == [[3, 60]])
    #expect(Self.following { $0.cart.stepsMilliseconds = [hour, 24 * hour] }.isEmpty)
  }

  @Test func `A step dated at or before the last one handled has had its time`() {
    let hour = Milliseconds.hour
    let steps = [hour, 2 * hour, 3 * hour, 24 * hour, 48 * hour]
    #expect(Self.following { $0.cart.stepsMilliseconds = steps } == [[5, 48]])
  }

  @Test func `A lower cap counts the latest alerts`() {
    #expect(Self.following { $0.cart.capAlerts = 1 }.isEmpty)
    #expect(Self.following { $0.cart.capAlerts = 2 }.isEmpty)
    var (user, old, alerts) = Self.reminded()
    user.convert(from: old, to: Self.constants { $0.cart.capAlerts = 1 })
    #expect(user.cart.alertTimes == [alerts[1].time])
    #expect(user.cart.waiting.count == 2)
  }

  // MARK: Churn

  @Test func `Evaluations keep the rhythm of the first event under another span`() {
    let day = Milliseconds.day
    let old = Self.constants()
    let weekly = Self.constants { $0.churn.evaluateEveryMilliseconds = 7 * day }
    var user = Self.user(old, (0..<10).map { (.pageView, Self.start + $0 * day + 5000) })
    let first = Self.start + 5000
    #expect(user.churn.next == first + 10 * day || user.churn.next == first + 9 * day)
    let next = user.churn.next
    user.convert(from: old, to: weekly)
    #expect(user.churn.next == first + 14 * day)
    user.convert(from: weekly, to: old)
    #expect(user.churn.next == next)
  }

  @Test func `What passed while churn warnings were off is not made up for`() {
    let day = Milliseconds.day
    let off = Self.constants { $0.churn.enabled = false }
    let on = Self.constants()
    var user = Self.user(off, (0..<30).map { (.pageView, Self.start + $0 * day) })
    let horizon = user.portrait.panes.horizon
    user.convert(from: off, to: on)
    #expect(user.churn.next > horizon && user.churn.next <= horizon + day)
    #expect((user.churn.next - Self.start) % day == 0)
  }

  @Test func `High by other rules is not high by these`() {
    var found = 0
    for (known, rules) in Histories.states(seeds: 700..<800, every: 9) where known.state.churn.lastBand != nil
    {
      found += 1
      let user = known.state
      var other = rules
      other.churn.enterScore += 1
      var converted = user
      converted.convert(from: EpochConstants(rules), to: EpochConstants(other))
      #expect(converted.churn.lastBand == nil)
      #expect(converted.churn.state == user.churn.state && converted.churn.open == user.churn.open)
    }
    #expect(found > 0)
  }
}
