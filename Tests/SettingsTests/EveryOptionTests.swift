import Events
import Portrait
import Testing
import Triggers

@testable import Settings

@Suite struct EveryOptionTests {
  /// A value for each option that is not its default, in the way the reference writes it.
  static let values: [String: String] = [
    "kafka.brokers": "[a.example.com:9092, \"[::1]:9093\"]",
    "kafka.group": "other",
    "kafka.instance": "ebb-1",
    "kafka.transaction_timeout": "20s",
    "kafka.properties":
      "{sasl.mechanism: OAUTHBEARER, security.protocol: sasl_ssl, ssl.ca.location: /etc/ssl/ca.pem}",
    "kafka.secrets": "{ssl.key.password: {credential: key}}",
    "kafka.token": "{file: /run/ebb/token}",
    "topics.input": "events",
    "topics.cart_alerts": "carts",
    "topics.churn_alerts": "churn",
    "topics.dead_letters": "dead",
    "topics.state": "state",
    "input.mapping": "segment",
    "input.max_record_bytes": "2048",
    "start": "2026-11-01T00:00:00Z",
    "when_offset_lost": "earliest",
    "lanes": "3",
    "delivery": "at-least-once",
    "commit.min_interval": "20ms",
    "commit.max_interval": "2s",
    "commit.max_bytes": "1048576",
    "time.allowed_lateness": "2m",
    "time.max_future_skew": "6m",
    "time.idle_after": "10s",
    "time.tick_for": "off",
    "sessions.gap": "20m",
    "sessions.infer_dwell": "on",
    "windows": "{short: 30m, long: 90d}",
    "cart.enabled": "off",
    "cart.steps": "[2h, 48h]",
    "cart.min_value_minor": "{EUR: 2000, USD: 2500, default: 10}",
    "cart.purchase_scope": "item",
    "cart.activity_extends": "off",
    "cart.activity_extends_at_most": "12h",
    "cart.silence_after_purchase": "0s",
    "cart.between_episodes": "72h",
    "cart.cap": "5",
    "cart.cap_within": "14d",
    "cart.expiry": "4d",
    "cart.forgotten_after": "60d",
    "cart.recovery_within": "48h",
    "cart.quiet_hours": "22:00-08:30",
    "churn.enabled": "off",
    "churn.recent": "14d",
    "churn.baseline": "56d",
    "churn.min_active_days": "5",
    "churn.enter": "70",
    "churn.leave": "40",
    "churn.repeat": "60d",
    "churn.next_band_after": "10d",
    "churn.evaluate_every": "48h",
    "churn.weights.dwell_drop": "0",
    "churn.weights.visit_drop": "0.5",
    "churn.weights.cart_unbought_rise": "0.125",
    "churn.weights.overdue": "1",
    "churn.bands.watch": "55",
    "churn.bands.warning": "80",
    "churn.bands.critical": "95",
    "alerts.max_age": "off",
    "alerts.anonymous": "on",
    "alerts.source": "https://shop.example.com/ebb",
    "state.forget_after": "365d",
    "state.flush_after": "30s",
    "state.max_replay": "100000",
    "state.directory": "/srv/ebb",
    "state.snapshot_every": "5m",
    "shop.timezone": "Europe/Berlin",
    "http.listen": "\"[::1]:9400\"",
    "http.token": "{credential: ebb-http-token}",
    "http.names": "[ebb.shop.example]",
    "memory.max": "8589934592",
    "http.ready_lag": "5000",
    "log.level": "debug",
    "log.format": "journal",
    "privacy.user_ids": "hashed",
    "privacy.key": "{credential: privacy-key}",
  ]

  /// Options that are refused without another of their group.
  static let companions = [
    "kafka.properties": "kafka.token", "kafka.token": "kafka.properties", "privacy.user_ids": "privacy.key",
    "privacy.key": "privacy.user_ids",
  ]

  /// A file that sets an option, and its companion.
  static func file(_ path: String, _ value: String) throws -> String {
    guard let other = companions[path] else { return text(path, value) }
    let lines = text(other, try #require(values[other])).split(separator: "\n").dropFirst()
    return text(path, value) + lines.joined(separator: "\n") + "\n"
  }

  /// `state.format` has one value only in this release.
  static let settable = OptionTable.all.filter { $0.path != "state.format" }.map(\.path)

  static func text(_ path: String, _ value: String) -> String {
    let parts = path.split(separator: ".")
    return parts.enumerated().map { depth, part in
      String(repeating: "  ", count: depth) + part + ":" + (depth == parts.count - 1 ? " \(value)\n" : "\n")
    }.joined()
  }

  @Test func `These tests know every option`() {
    #expect(Set(Self.values.keys) == Set(Self.settable))
  }

  @Test(arguments: settable)
  func `Set in the file, an option arrives, and no other changes`(path: String) throws {
    let value = try #require(Self.values[path])
    let (parsed, findings) = Configuration.parse(text: try Self.file(path, value), file: "f")
    let configuration = try #require(parsed, "\(findings)")
    #expect(findings.allSatisfy { $0.severity == .note })
    for option in OptionTable.all {
      let isSet = option.path == path || option.path == Self.companions[path]
      #expect(option.show(configuration) == (isSet ? Self.values[option.path] : option.defaultText))
    }
  }

  @Test func `Every rule is reached by an option`() throws {
    var rules = Rules()
    // Each field of the rules, changed by hand, against the file that changes all of them.
    rules.time.allowedLatenessMilliseconds = 120_000
    rules.time.maxFutureSkewMilliseconds = 360_000
    rules.time.idleAfterMilliseconds = 10_000
    rules.time.tickForMilliseconds = 0
    rules.sessions.gapMilliseconds = 1_200_000
    rules.sessions.inferDwell = true
    rules.windows = [
      WindowSpec(name: "short", lengthMilliseconds: 1_800_000),
      WindowSpec(name: "long", lengthMilliseconds: 90 * Milliseconds.day),
    ]
    rules.cart.stepsMilliseconds = [2 * Milliseconds.hour, 48 * Milliseconds.hour]
    rules.cart.minimumValueMinor = [Currency("EUR")!: 2000, Currency("USD")!: 2500]
    rules.cart.defaultMinimumValueMinor = 10
    rules.cart.purchaseScope = .item
    rules.cart.activityExtends = false
    rules.cart.activityExtendsAtMostMilliseconds = 12 * Milliseconds.hour
    rules.cart.silenceAfterPurchaseMilliseconds = 0
    rules.cart.betweenEpisodesMilliseconds = 72 * Milliseconds.hour
    rules.cart.capAlerts = 5
    rules.cart.capWithinMilliseconds = 14 * Milliseconds.day
    rules.cart.expiryMilliseconds = 4 * Milliseconds.day
    rules.cart.forgottenMilliseconds = 60 * Milliseconds.day
    rules.cart.recoveryMilliseconds = 48 * Milliseconds.hour
    rules.cart.quietHours = QuietHours(startMinute: 1320, endMinute: 510)
    rules.churn.recentMilliseconds = 14 * Milliseconds.day
    rules.churn.baselineMilliseconds = 56 * Milliseconds.day
    rules.churn.minimumActiveDays = 5
    rules.churn.enterScore = 70
    rules.churn.leaveScore = 40
    rules.churn.repeatMilliseconds = 60 * Milliseconds.day
    rules.churn.nextBandMilliseconds = 10 * Milliseconds.day
    rules.churn.evaluateEveryMilliseconds = 48 * Milliseconds.hour
    rules.churn.dwellDropWeight = 0
    rules.churn.visitDropWeight = 0.5
    rules.churn.cartUnboughtRiseWeight = 0.125
    rules.churn.overdueWeight = 1
    rules.churn.watchScore = 55
    rules.churn.warningScore = 80
    rules.churn.criticalScore = 95
    rules.alerts.maxAgeMilliseconds = nil
    rules.alerts.anonymous = true
    rules.state.forgetAfterMilliseconds = 365 * Milliseconds.day
    rules.shop.timezone = "Europe/Berlin"

    let parsed = Configuration.parse(
      text: try Self.everything(except: ["cart.enabled", "churn.enabled"]), file: "f")
    var configuration = try #require(parsed.0, "\(parsed.1)")
    #expect(configuration.rules.shop.zones.zone("Europe/Berlin") != nil)
    configuration.rules.shop.zones = ZoneTable()
    #expect(configuration.rules == rules)
    #expect(configuration.start == .timestamp(1_793_491_200_000))
    #expect(configuration.kafka.brokers == ["a.example.com:9092", "[::1]:9093"])
    #expect(configuration.lanes == .fixed(3))
    #expect(configuration.delivery == .atLeastOnce)
    #expect(configuration.state.directory == "/srv/ebb")
    #expect(configuration.whenOffsetLost == .earliest)
  }

  /// A file that sets everything to its value of `values`.
  private static func everything(except left: Set<String>) throws -> String {
    var configuration = Configuration()
    for (path, value) in values where !left.contains(path) {
      let single = try #require(Configuration.parse(text: try file(path, value), file: "f").0)
      try #require(OptionTable.byPath[path]).copy(single, &configuration)
    }
    return Reference.yaml(configuration)
  }

  @Test func `A configuration written as a file reads as itself`() throws {
    let text = try Self.everything(except: [])
    var configuration = try #require(Configuration.parse(text: text, file: "f").0)
    #expect(Reference.yaml(configuration) == text)
    let again = try #require(Configuration.parse(text: Reference.yaml(configuration), file: "f").0)
    #expect(again == configuration)
    configuration.rules.cart.capAlerts = 4
    #expect(again != configuration)
  }
}
