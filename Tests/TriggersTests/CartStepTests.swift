import Events
import SideBySide
import Testing
import Triggers

/// When a cart's steps fire, and when they do not.
@Suite struct CartStepTests {
  @Test(arguments: [
    Story(
      "A cart left alone is reminded of three times", ["0h add A 500", "10d tick"],
      alerts: ["1h abandoned 1", "1d abandoned 2 not first", "3d abandoned 3 not first"]),
    Story("A step fires at its instant", ["0h add A", "1h tick"], alerts: ["1h abandoned 1"]),
    Story("A step does not fire a millisecond early", ["0h add A", "1h-1ms tick"], alerts: []),
    Story(
      "A purchase before the deadline keeps the cart quiet", ["0h add A", "59m buy A", "9d tick"], alerts: []),
    Story(
      "The deadline that an event makes due fires before the event", ["0h add A", "1h buy A", "9d tick"],
      alerts: ["1h abandoned 1", "1h recovered 1 after 0m"]),
    Story(
      "A later view restarts the ages", ["0h add A", "30m view", "2h tick"], alerts: ["1h30m abandoned 1"]),
    Story(
      "A view 24 h after the last change still restarts them",
      ["0h add A", "1d view", "1d2h tick"], alerts: ["1h abandoned 1", "1d abandoned 2 not first"]),
    Story(
      "A view later than that restarts nothing", ["0h add A", "1d1ms view", "3d tick"],
      alerts: ["1h abandoned 1", "1d abandoned 2 not first", "3d abandoned 3 not first"]),
    Story(
      "Without activity_extends only the cart counts", ["0h add A", "30m view", "2h tick"],
      alerts: ["1h abandoned 1"], rules: { $0.cart.activityExtends = false }),
    Story(
      "A refund and a profile restart nothing",
      ["0h add A", "30m refund value=5", "31m profile name=x", "2h tick"],
      alerts: ["1h abandoned 1"]),
    Story(
      "An emptied cart is not reminded of", ["0h add A", "10m remove A", "9d tick"], alerts: []),
    Story("A cleared cart is not reminded of", ["0h add A", "10m clear", "9d tick"], alerts: []),
    Story("An empty set empties the cart", ["0h add A", "10m set", "9d tick"], alerts: []),
    Story(
      "A removal floors at zero", ["0h add A x1", "1m remove A x5", "2m add B", "9d tick"],
      alerts: ["1h2m abandoned 1", "1d2m abandoned 2 not first", "3d2m abandoned 3 not first"]),
    Story(
      "A change before the first step keeps the episode", ["0h add A", "30m add B", "2h tick"],
      alerts: ["1h30m abandoned 1"]),
    Story(
      "A change after a step arms again, and spacing limits its first step",
      ["0h add A", "2h add B", "4h tick"], alerts: ["1h abandoned 1"]),
    Story(
      "Exactly 48 h after an alert the next episode may begin",
      ["0h add A", "2d add B", "2d1h tick"],
      alerts: ["1h abandoned 1", "1d abandoned 2 not first", "2d1h abandoned 1"],
      rules: { $0.cart.betweenEpisodesMilliseconds = 25 * Milliseconds.hour }),
    Story(
      "A millisecond less than the spacing is too soon",
      ["0h add A", "2d-1ms add B", "2d1h tick"],
      alerts: ["1h abandoned 1", "1d abandoned 2 not first"],
      rules: { $0.cart.betweenEpisodesMilliseconds = 25 * Milliseconds.hour }),
    Story(
      "Steps after a spaced out first step are first themselves",
      ["0h add A", "2h add B", "9d tick"], alerts: ["1h abandoned 1", "3d2h abandoned 3"]),
    Story(
      "checkout_start moves the anchor and does not arm again",
      ["0h add A", "2h checkout", "2d tick"], alerts: ["1h abandoned 1", "1d2h abandoned 2 not first"]),
    Story(
      "An unchanged set moves the anchor and does not arm again",
      ["0h set A 500", "2h set A 700", "2d tick"], alerts: ["1h abandoned 1", "1d2h abandoned 2 not first"]),
    Story(
      "A part purchase does not arm again, and its silence holds",
      ["0h add A", "1m add B", "2h buy A", "9d tick"],
      alerts: [
        "1h1m abandoned 1", "2h recovered 1 after 59m", "1d2h abandoned 2 not first",
        "3d2h abandoned 3 not first",
      ],
      rules: { $0.cart.purchaseScope = .item }),
    Story(
      "24 h after a purchase exactly is allowed", ["0h buy Z", "23h add A", "1d tick"],
      alerts: ["1d abandoned 1"]),
    Story(
      "Within 24 h after a purchase there is silence", ["0h buy Z", "23h-1ms add A", "1d tick"], alerts: []),
    Story(
      "The last step fires at the instant of the expiry", ["0h add A", "3d tick"],
      alerts: ["1h abandoned 1", "1d abandoned 2 not first", "3d abandoned 3 not first"]),
    Story(
      "A change after the expiry arms with the whole cart", ["0h add A", "9d add B", "9d1h tick"],
      alerts: [
        "1h abandoned 1", "1d abandoned 2 not first", "3d abandoned 3 not first", "9d1h abandoned 1",
      ]),
    Story(
      "A straggler from before the last step changes contents only",
      ["0h add A", "2h tick", "30m add B late=2h", "9d tick"],
      alerts: ["1h abandoned 1", "1d30m abandoned 2 not first", "3d30m abandoned 3 not first"]),
    Story(
      "A duplicate changes nothing", ["0h add A id=1", "30m view", "0h add A id=1", "2h tick"],
      alerts: ["1h30m abandoned 1"]),
    Story(
      "An unmapped record lets time pass", ["0h add A", "1h unmapped"], alerts: ["1h abandoned 1"]),
    Story(
      "Lateness holds deadlines back", ["0h add A", "1h1m-1ms tick", "1h1m tick"],
      alerts: ["1h abandoned 1"], rules: { $0.time.allowedLatenessMilliseconds = Milliseconds.minute }),
    Story(
      "After a forget request there is no cart", ["0h add A", "10m forget", "9d tick"], alerts: []),
    Story(
      "An add dated before the clear counts in its pane only",
      ["0h add A", "20m clear", "10m add B late=21m", "9d tick"], alerts: []),
    Story(
      "A purchase leaves what was added after it",
      ["0h add A", "20m add B", "10m buy A late=21m", "2d tick"],
      alerts: ["1d20m abandoned 2"]),
    Story(
      "A stale alert is dropped and its step is over", ["0h add A", "1h view late=3d", "1d1h unmapped"],
      alerts: ["1d1h abandoned 2"], rules: { $0.alerts.maxAgeMilliseconds = Milliseconds.day }),
    Story(
      "An age of exactly max_age is kept", ["0h add A", "1d1h tick"], alerts: ["1h abandoned 1"],
      rules: {
        $0.alerts.maxAgeMilliseconds = Milliseconds.day
        $0.cart.stepsMilliseconds = [3_600_000]
      }),
    Story(
      "An older one is dropped", ["0h add A", "1d1h1ms tick"], alerts: [],
      rules: {
        $0.alerts.maxAgeMilliseconds = Milliseconds.day
        $0.cart.stepsMilliseconds = [3_600_000]
      }),
    Story(
      "After a resume nothing is sent as fresh", ["0h add A", "3d resume", "1h unmapped"], alerts: [],
      rules: { $0.alerts.maxAgeMilliseconds = Milliseconds.day }),
  ])
  func `Steps`(story: Story) {
    story.tell()
  }

  @Test func `The cap counts alerts of seven days, and exactly seven days later one more is allowed`() {
    let (_, tally, _) = Story(
      "the cap", ["0h add A", "3d1h clear", "6d add B", "8d tick"],
      alerts: ["1h abandoned 1", "1d abandoned 2 not first", "3d abandoned 3 not first"],
      rules: {
        $0.cart.betweenEpisodesMilliseconds = 0
        $0.cart.capWithinMilliseconds = 30 * Milliseconds.day
      }
    ).tell()
    #expect(tally[limited: 1, .cap] == 1)
    #expect(tally[limited: 2, .cap] == 1)
    Story(
      "the seventh day", ["0h add A", "3d1h clear", "7d add B", "7d1h tick"],
      alerts: [
        "1h abandoned 1", "1d abandoned 2 not first", "3d abandoned 3 not first", "7d1h abandoned 1",
      ],
      rules: { $0.cart.betweenEpisodesMilliseconds = 0 }
    ).tell()
  }

  @Test(
    arguments: [
      ("EUR", 999, Limit.belowMinimum), ("EUR", 1000, nil), ("USD", 1, nil), ("GBP", 499, .belowMinimum),
      ("GBP", 500, nil),
    ] as [(String, Int, Limit?)])
  func `A minimum holds for its currency, and the default for the others`(
    currency: String, price: Int, limit: Limit?
  ) {
    let story = Story(
      "minimum", ["0h add A \(price) \(currency)", "1h tick"], alerts: limit == nil ? ["1h abandoned 1"] : [],
      rules: {
        if let euro = Currency("EUR"), let dollar = Currency("USD") {
          $0.cart.minimumValueMinor = [euro: 1000, dollar: 0]
        }
        $0.cart.defaultMinimumValueMinor = 500
      })
    let tally = story.tell().tally
    if let limit { #expect(tally[limited: 1, limit] == 1) }
  }

  @Test func `A mix of currencies is valued in the one last touched, and said to be incomplete`() throws {
    let story = Story(
      "mix", ["0h add A 500 EUR", "1m add B 300 x2 USD", "1h1m tick"], alerts: ["1h1m abandoned 1"])
    guard case .cartAbandoned(let body) = try #require(story.tell().alerts.first).body else { return }
    #expect(body.valueMinor == 600)
    #expect(body.currency == Currency("USD"))
    #expect(!body.valueComplete)
    #expect(body.lines.map(\.itemID) == ["A", "B"])
  }

  @Test func `A cart without prices has no value and passes a minimum of 0`() throws {
    let story = Story("no price", ["0h add A", "1h tick"], alerts: ["1h abandoned 1"])
    guard case .cartAbandoned(let body) = try #require(story.tell().alerts.first).body else { return }
    #expect(body.valueMinor == nil)
    #expect(!body.valueComplete)
  }

  @Test(arguments: ["true", "YES", "1"]) func `An opted out user is not reminded`(value: String) {
    let lines = ["0h profile ebb_opt_out=\(value)", "0h add A", "9d tick"]
    let tally = Story("opted out", lines, alerts: []).tell().tally
    #expect(tally[limited: 1, .optedOut] == 1)
  }

  @Test func `An anonymous user is reminded only if that is allowed`() {
    let lines = ["0h add A anonymous=a", "1h tick"]
    let tally = Story("anonymous", lines, alerts: []).tell().tally
    #expect(tally[limited: 1, .anonymous] == 1)
    let allowed = Story(
      "anonymous allowed", lines, alerts: ["1h abandoned 1"], rules: { $0.alerts.anonymous = true })
    #expect(allowed.tell().alerts.first?.identified == false)
  }
}
