import Portrait
import SideBySide
import TestSupport
import Testing

@testable import Triggers

/// A state that was written and read goes on as if it had never left memory.
@Suite struct RecodingTests {
  @Test func `Users who are written and read at random moments get the same alerts`() throws {
    var seeds = SeededGenerator(announcedAs: "recoded histories", seed: 20_240_304)
    var recoded = 0
    var alerts = 0
    for _ in 0..<400 {
      let seed = seeds.next()
      let world = Histories.world(seed: seed)
      var plain = Feeder(rules: world.rules)
      var disturbed = Feeder(rules: world.rules)
      var dice = SeededGenerator(seed: seed)
      for (index, step) in world.steps.enumerated() {
        let expected = plain.take(step)
        let told = disturbed.take(step)
        alerts += told.count
        guard told == expected, plain.output.tally == disturbed.output.tally else {
          Issue.record("history \(seed) differs after step \(index), \(step)")
          return
        }
        guard disturbed.shard.userCount > 0, Int.random(in: 0..<3, using: &dice) == 0 else { continue }
        let ordinal = Int.random(in: 0..<disturbed.shard.userCount, using: &dice)
        do {
          try unsafe disturbed.shard.change(user: ordinal) { key, state in
            try unsafe recode(KnownUser(key: String(decoding: key, as: UTF8.self), state: state)).state
          }
        } catch {
          Issue.record("history \(seed) after step \(index), \(step): \(error)")
          return
        }
        recoded += 1
      }
    }
    print("\(recoded) users recoded, \(alerts) alerts equal")
    #expect(recoded > 5_000 && alerts > 1_000)
  }

  /// A state as random histories bring it about, by what is in it.
  @Test func `Every state of every part is written and read`() throws {
    var seen: [String: Int] = [:]
    func count(_ name: String, _ holds: Bool = true) { if holds { seen[name, default: 0] += 1 } }
    for (known, _) in Histories.states(seeds: 0..<300, every: 7) {
      _ = try recode(known)
      let user = known.state
      let cart = user.cart
      count("phase \(cart.phase)")
      count("state \(user.churn.state)")
      if let open = user.churn.open { count("band \(open.band)") }
      count("deferred", cart.deferredUntil != nil)
      count("expired at", cart.expiredAt != 0)
      count("last handled", cart.lastHandled != nil)
      count("alert of another episode", cart.otherAlert != nil)
      count("cleared", cart.cleared != nil)
      count("checkout", cart.isCheckout)
      for (name, mark) in [
        ("fired", cart.marks.fired), ("recovered", cart.marks.recovered), ("retracted", cart.marks.retracted),
        ("expired", cart.marks.expired), ("below", cart.marks.belowMinimum),
        ("limited", cart.marks.limitedOtherwise),
      ] { count("mark \(name)", mark) }
      count("several waiting", cart.waiting.count > 1)
      for (index, alert) in cart.waiting.alerts.enumerated() {
        let lines = user.portrait.cart.lines.map(\.hash)
        var items: [UInt64] = []
        cart.waiting.forEachItem(of: index) { items.append($0) }
        count(items == lines ? "items of the cart" : "other items")
        count("cleared alert", alert.clearedAt != nil)
        count("alert without value", alert.valueMinor == nil)
      }
      count("anonymous", !user.isIdentified)
      count("identified", user.isIdentified)
      count("zone", user.portrait.traits.timezone != nil)
      count("opted out", user.portrait.traits.optedOut)
      count("open session", user.portrait.sessions.open != nil)
      count("cart session", user.portrait.cartSession != nil)
      count("no activity", user.portrait.lastActivity == nil)
      count("overfull cart", user.portrait.cart.uncountedLines > 0)
      count("cart id", user.portrait.cart.cartID != nil)
      count("mean gap", user.portrait.cadence.meanGapDays > 0)
      count("dwell inferred", user.portrait.dwellInferred)
    }
    for name in seen.keys.sorted() { print("  \(name): \(seen[name]!)") }
    let wanted =
      ["noCart", "armed", "expired"].map { "phase \($0)" }
      + ["new", "active", "atRisk", "churned", "back"].map { "state \($0)" }
      + ["watch", "warning", "critical"].map { "band \($0)" }
      + ["fired", "recovered", "retracted", "expired", "below", "limited"].map { "mark \($0)" }
      + [
        "deferred", "expired at", "last handled", "alert of another episode", "cleared", "checkout",
        "several waiting", "items of the cart", "other items", "cleared alert", "alert without value",
        "anonymous", "identified", "zone", "opted out", "open session", "cart session", "no activity",
        "overfull cart", "cart id", "mean gap", "dwell inferred",
      ]
    for name in wanted { #expect(seen[name, default: 0] > 0, "never seen: \(name)") }
  }

  @Test func `A user who was only just seen takes few bytes`() {
    let user = UserState(
      isIdentified: true, firstSeen: 1_700_000_000_000, EpochConstants(Rules()))
    var writer = StateWriter()
    user.encode(into: &writer)
    #expect(writer.count <= 16, "\(writer.count) bytes")
  }
}
