import Testing

@testable import Settings

/// One file and everything that is to be said about it, without notes.
struct Case: Sendable, CustomTestStringConvertible {
  var text: String
  var findings: [String]

  init(_ text: String, _ findings: String...) {
    self.text = text
    self.findings = findings
  }

  var testDescription: String { text }
}

@Suite struct BadConfigurationTests {
  private func expect(_ example: Case) {
    let (configuration, findings) = Configuration.parse(text: example.text, file: "f")
    #expect(findings.filter { $0.severity != .note }.map(\.description) == example.findings)
    let refused = example.findings.contains { $0.contains(": error: ") }
    #expect((configuration == nil) == refused)
  }

  @Test(arguments: [
    Case("cart:\n  stpes: [1h]\n", "f:2:3: error: unknown option 'cart.stpes'; did you mean 'cart.steps'?"),
    Case("crat:\n  steps: [1h]\n", "f:1:1: error: unknown option 'crat'; did you mean 'cart'?"),
    Case("steps: [1h]\n", "f:1:1: error: unknown option 'steps'; did you mean 'cart.steps'?"),
    Case(
      "time: {allowed-lateness: 1m}\n",
      "f:1:8: error: unknown option 'time.allowed-lateness'; did you mean 'time.allowed_lateness'?"),
    Case(
      "sessions:\n  colour: red\n",
      "f:2:3: error: unknown option 'sessions.colour'; known in sessions: gap, infer_dwell"),
    Case("cart.steps: [1h]\n", "f:1:1: error: 'cart.steps': write steps indented beneath cart:"),
    Case(
      "sessions: 30m\n",
      "f:1:11: error: sessions is a group of options, not a single value; write them indented beneath it "
        + "(gap, infer_dwell)"),
    Case("log: {level: inof}\n", "f:1:14: error: log.level: unknown value 'inof'; did you mean 'info'?"),
    Case(
      "log: {level: loud}\n",
      "f:1:14: error: log.level: unknown value 'loud'; write debug, info, notice, warning, error"),
    Case(
      "[1, 2]: 3\n", "f:1:1: error: an option's name is a single text, not a list"),
  ])
  func `A name that is not known comes with the nearest that is`(example: Case) {
    expect(example)
  }

  @Test(arguments: [
    Case(
      "sessions: {gap: 30}\n", "f:1:17: error: sessions.gap: '30' has no unit; write 30s, 30m, 30h or 30d"),
    Case("time: {allowed_lateness: 0}\n", "f:1:26: error: time.allowed_lateness: '0' has no unit; write 0s"),
    Case(
      "sessions: {gap: -5m}\n",
      "f:1:17: error: sessions.gap: '-5m' is negative; a span is 0s or longer"),
    Case(
      "sessions: {gap: 1h30m}\n",
      "f:1:17: error: sessions.gap: '1h30m' is not a span of time; write a whole number and one unit "
        + "(ms, s, m, h, d), such as 90m"),
    Case(
      "sessions: {gap: 1.5h}\n",
      "f:1:17: error: sessions.gap: '1.5h' is not a span of time; write a whole number and one unit "
        + "(ms, s, m, h, d), such as 90m"),
    Case(
      "sessions: {gap: 99999999999999d}\n",
      "f:1:17: error: sessions.gap: '99999999999999d' is out of bounds; write 1s to 24h"),
    Case(
      "sessions: {gap: 99999999999999999999999h}\n",
      "f:1:17: error: sessions.gap: '99999999999999999999999h' is out of bounds; write 1s to 24h"),
    Case("sessions: {gap: 2d}\n", "f:1:17: error: sessions.gap: 48h is out of bounds; write 1s to 24h"),
    Case(
      "sessions:\n  gap:\n",
      "f:2:3: error: sessions.gap has no value; write a span of time such as 30m, or remove the line for its "
        + "default"),
    Case(
      "sessions:\n  gap: [30m]\n",
      "f:2:8: error: sessions.gap takes a span of time such as 30m, not a list"),
    Case(
      "sessions: {infer_dwell: maybe}\n", "f:1:25: error: sessions.infer_dwell: 'maybe' is neither on nor off"
    ),
    Case(
      "cart: {cap: 0}\n",
      "f:1:13: error: cart.cap: 0 is out of bounds; write 1 to 100, or cart.enabled: off for none"),
    Case("cart: {cap: 2.5}\n", "f:1:13: error: cart.cap: '2.5' is not a whole number; write 1 to 100"),
    Case(
      "cart: {cap: 99999999999999999999}\n",
      "f:1:13: error: cart.cap: '99999999999999999999' is out of bounds; write 1 to 100"),
    Case("cart: {steps: []}\n", "f:1:15: error: cart.steps has 0 entries; write 1 to 16"),
    Case(
      "cart: {steps: [0s, 1h]}\n", "f:1:16: error: cart.steps[0]: 0s is out of bounds; write 1s to 180d"),
    Case(
      "churn: {weights: {overdue: -1}}\n",
      "f:1:28: error: churn.weights.overdue: -1 is out of bounds; write 0 to 1000"),
    Case(
      "churn: {weights: {overdue: .nan}}\n",
      "f:1:28: error: churn.weights.overdue: '.nan' is not a number; write 0 to 1000"),
    Case(
      "cart: {steps: [1h,2h,3h,4h,5h,6h,7h,8h,9h,10h,11h,12h,13h,14h,15h,16h,17h]}\n",
      "f:1:15: error: cart.steps has 17 entries; write 1 to 16"),
    Case(
      "windows: {a: 1h,b: 2h,c: 3h,d: 4h,e: 5h,f: 6h,g: 7h,h: 8h,i: 9h,j: 10h,k: 11h,l: 12h,m: 13h,n: 14h,"
        + "o: 15h,p: 16h,q: 17h}\n",
      "f:1:10: error: windows has 17 entries; write at most 16"),
    Case("windows: {}\n", "f:1:10: error: windows is empty; name at least one window, such as {day: 24h}"),
    Case(
      "windows: {Day: 24h}\n",
      "f:1:11: error: windows: 'Day' cannot name a window; write a lower-case letter, then at most 31 "
        + "letters, "
        + "digits and _"),
    Case("windows: {two: 401d}\n", "f:1:16: error: windows.two: 401d is out of bounds; write 5m to 400d"),
    Case(
      "cart: {min_value_minor: {euro: 5}}\n",
      "f:1:26: error: cart.min_value_minor: 'euro' is not a currency; write three capital letters (ISO "
        + "4217), "
        + "or default for those not named"),
    Case(
      "cart: {min_value_minor: {EUR: -5}}\n",
      "f:1:31: error: cart.min_value_minor.EUR: -5 is out of bounds; write 0 to 1000000000000000"),
    Case(
      "cart: {quiet_hours: 22-8}\n",
      "f:1:21: error: cart.quiet_hours: '22-8' is neither off nor hours such as 22:00-08:00"),
    Case(
      "cart: {quiet_hours: 08:00-08:00}\n",
      "f:1:21: error: cart.quiet_hours: '08:00-08:00' never ends; write cart.enabled: off to be silent always"
    ),
    Case(
      "cart: {quiet_hours: 22:00-24:00}\n",
      "f:1:21: error: cart.quiet_hours: '22:00-24:00' is neither off nor hours such as 22:00-08:00"),
    Case(
      "shop: {timezone: Europe/Berlni}\n",
      "f:1:18: error: shop.timezone: 'Europe/Berlni' is not a known time zone; did you mean "
        + "'Europe/Berlin'?"),
    Case(
      "start: 2026-11-01\n",
      "f:1:8: error: start: '2026-11-01' is neither earliest, latest nor a time with its zone; write one "
        + "such as "
        + "2026-11-01T00:00:00Z"),
    Case("start: earlist\n", "f:1:8: error: start: unknown value 'earlist'; did you mean 'earliest'?"),
    Case(
      "delivery: exactly-onec\n",
      "f:1:11: error: delivery: unknown value 'exactly-onec'; did you mean 'exactly-once'?"),
    Case(
      "delivery: twice\n",
      "f:1:11: error: delivery: unknown value 'twice'; write exactly-once, at-least-once"),
    Case(
      "state: {format: 2}\n",
      "f:1:17: error: state.format: '2' is no format that this release can write; write 1, or start a "
        + "release that knows it"),
    Case(
      "state: {directory: ebb}\n",
      "f:1:20: error: state.directory: 'ebb' is no absolute path; write one such as /var/lib/ebb, or off"),
    Case(
      "state: {max_replay: 1}\n",
      "f:1:21: error: state.max_replay: 1 is out of bounds; write 1000 to 100000000"),
    Case(
      "kafka: {transaction_timeout: 1s}\n",
      "f:1:30: error: kafka.transaction_timeout: 1s is out of bounds; write 5s to 60s"),
    Case("lanes: 0\n", "f:1:8: error: lanes: 0 is out of bounds; write 1 to 256"),
    Case(
      "kafka: {brokers: [kafka1]}\n",
      "f:1:19: error: kafka.brokers[0]: 'kafka1' is not a broker's address; write host:port, such as "
        + "kafka1.example.com:9092"),
    Case(
      "topics: {input: click stream}\n",
      "f:1:17: error: topics.input: 'click stream' cannot name a Kafka topic; write 1 to 249 letters, "
        + "digits, "
        + "dots, _ and -"),
    Case(
      "alerts: {source: a b}\n",
      "f:1:18: error: alerts.source: 'a b' is not a URI reference; write one such as /ebb or "
        + "https://shop.example.com/ebb"),
  ])
  func `A value that cannot be is refused with its place and what to write`(example: Case) {
    expect(example)
  }

  @Test(arguments: [
    Case(
      "windows:\n  odd: 7m\n  day: 24h\n",
      "f:2:8: error: windows.odd: 7m is not a multiple of its step 5m; write 5m or 10m",
      "f:2:8: warning: windows.odd 7m is shorter than sessions.gap 30m: a visit counts where it starts, "
        + "so one "
        + "that is under way may be in no such window"),
    Case(
      "windows: {a: 13d, b: 300h}\n",
      "f:1:22: error: windows.b: 300h is not a multiple of its step 24h; write 12d or 13d"),
    Case(
      "windows: {a: 24h, b: 1d}\n",
      "f:1:22: warning: windows.b has the same length as windows.a, so its sums are the same; remove one"),
    Case(
      "cart: {steps: [2h, 1h]}\n",
      "f:1:20: error: cart.steps must ascend: 1h follows 2h; put them in order, each once"),
    Case(
      "cart: {steps: [1h, 60m]}\n",
      "f:1:20: error: cart.steps must ascend: 1h follows 1h; put them in order, each once"),
    Case(
      "cart: {steps: [1h, 4d]}\n",
      "f:1:20: error: cart.steps: 4d is later than cart.expiry 72h, so it would never fire; remove it, or "
        + "write "
        + "a longer cart.expiry"),
    Case(
      "cart: {expiry: 40d}\n",
      "f:1:16: error: cart.expiry 40d is later than cart.forgotten_after 30d: a cart cannot be given up "
        + "after it "
        + "is forgotten; write cart.forgotten_after: 40d or longer"),
    Case(
      "cart: {cap: 2}\n",
      "f:1:13: warning: cart.cap 2 in 7d is below the 3 steps of one cart: the last of them will always be "
        + "limited"),
    Case(
      "churn: {recent: 300h}\n",
      "f:1:17: error: churn.recent: 300h is not a multiple of its step 24h; write 12d or 13d"),
    Case(
      "churn: {recent: 100h}\n",
      "f:1:17: error: churn.recent + churn.baseline is 772h, not a multiple of its step 24h; write "
        + "churn.baseline: 692h"),
    Case(
      "churn: {min_active_days: 29}\n",
      "f:1:26: error: churn.min_active_days 29 do not fit into churn.baseline 28d, so nobody would ever be "
        + "judged; write at most 28"),
    Case(
      "churn: {leave: 61}\n",
      "f:1:16: error: churn.leave 61 is above churn.enter 60: users would enter and leave at once; write "
        + "at most "
        + "60"),
    Case(
      "churn:\n  bands:\n    watch: 65\n    critical: 75\n",
      "f:3:12: error: churn.bands.watch 65 is above churn.enter 60: who enters would be in no band; write at "
        + "most 60",
      "f:4:15: error: churn.bands must ascend: critical 75 is not above warning 75"),
    Case(
      "churn: {weights: {dwell_drop: 0, visit_drop: 0, overdue: 0}}\n",
      "f:1:31: error: churn.weights: at least two must be above 0, since no single component may warn alone"),
    Case(
      "churn: {next_band_after: 31d}\n",
      "f:1:26: warning: churn.next_band_after 31d is longer than churn.repeat 30d, so a higher band never "
        + "speaks "
        + "sooner; write less"),
    Case(
      "state: {forget_after: 30d}\n",
      "f:1:23: error: churn.recent + churn.baseline 35d is longer than state.forget_after 30d: users "
        + "would be "
        + "forgotten before it has run out; write state.forget_after: 35d or longer"),
    Case(
      "alerts: {max_age: 1m}\n",
      "f:1:19: error: alerts.max_age 60s is not above time.allowed_lateness 60s: every alert waits that "
        + "long and "
        + "would be dropped as stale; write more than that, or off"),
    Case(
      "alerts: {max_age: 90s}\n",
      "f:1:19: warning: alerts.max_age 90s is not above time.allowed_lateness + time.idle_after (90s): "
        + "alerts on "
        + "quiet partitions can be dropped as stale; write more than that"),
    Case(
      "topics: {dead_letters: clickstream}\n",
      "f:1:24: error: topics.dead_letters is the input topic 'clickstream': Ebb would read what it "
        + "writes; name "
        + "another"),
    Case(
      "topics: {dead_letters: ebb.cart}\n",
      "f:1:24: error: topics.dead_letters is an alert topic 'ebb.cart': its readers would get broken "
        + "records; "
        + "name another"),
    Case(
      "topics: {state: ebb.cart}\n",
      "f:1:17: error: topics.state is also topics.cart_alerts, 'ebb.cart': compaction keeps one record a "
        + "user there; name another"),
    Case(
      "state: {flush_after: 500ms}\n",
      "f:1:22: warning: state.flush_after 500ms is shorter than commit.max_interval 1s: users are written with "
        + "a cut, so they can wait that long"),
    Case(
      "kafka: {properties: {socket.timeout.ms: 20000}}\n",
      "f:1:41: error: socket.timeout.ms 20000 is longer than kafka.transaction_timeout 15s: a request would "
        + "outlive its transaction; write at most 15000"),
    Case("delivery: at-least-once\nkafka: {properties: {socket.timeout.ms: 20000}}\n"),
    Case(
      "commit: {min_interval: 1s, max_interval: 500ms}\n",
      "f:1:24: error: commit.min_interval 1s is longer than commit.max_interval 500ms; write at most that"),
    Case(
      "cart: {enabled: off}\nchurn: {enabled: off}\n",
      "f:1:17: warning: cart.enabled and churn.enabled are both off: there is nothing left to tell of"),
  ])
  func `Options that contradict each other are told where the file sets them`(example: Case) {
    expect(example)
  }

  @Test(arguments: [
    Case(
      "cart:\n  cap: 2\n  steps: [1h]\n  cap: 3\n",
      "f:4:3: error: 'cap' is written twice in the same group, first in line 2; keep one"),
    Case(
      "cart:\n  cap: 3\n  cap: 3\n  cap: 4\n  \"expiry\": 3d\n  expiry: 3d\nlanes: 0\n",
      "f:3:3: error: 'cap' is written twice in the same group, first in line 2; keep one",
      "f:4:3: error: 'cap' is written twice in the same group, first in line 2; keep one",
      "f:6:3: error: 'expiry' is written twice in the same group, first in line 5; keep one",
      "f:7:8: error: lanes: 0 is out of bounds; write 1 to 256"),
    Case(
      "cart: {cap: 2, cap: 3}\n",
      "f:1:8: error: 'cap' is written twice in the same group; keep one. The rest was not judged"),
    Case(
      "cart:\n\tcap: 2\n",
      "f:2:1: error: not valid YAML: found character that cannot start any token, while scanning for the "
        + "next "
        + "token. Indent with spaces: YAML allows no tabs there"),
    Case(
      "- a\n- b\n",
      "f:1:1: error: the file holds a list; write options as name: value ("
        + "kafka, topics, input, start, when_offset_lost, lanes, delivery, commit, time, sessions, "
        + "windows, cart, "
        + "churn, alerts, state, shop, memory, http, log, privacy)"),
    Case("cart: *nothing\n", "f:1:7: error: not valid YAML: found undefined alias"),
    Case(
      "lanes: 1\n---\nlanes: 2\n",
      "f:2:1: error: not valid YAML: but found another document, expected a single document in the stream"),
    Case(
      "lanes: \u{7}\n",
      "f:1:8: error: not readable as YAML: control characters are not allowed; remove that character"),
  ])
  func `A file that is not one map of options is told what stands in the way`(example: Case) {
    expect(example)
  }

  @Test func `Every finding of a file is told at once, in order of place`() {
    expect(
      Case(
        """
        lanes: none
        kafka:
          brokers: []
          grop: ebb
        cart:
          steps: [1h, half an hour, 3d]
          expiry: 60d
        churn:
          leave: 70
        """,
        "f:1:8: error: lanes: 'none' is not a whole number; write 1 to 256",
        "f:3:12: error: kafka.brokers has 0 entries; write 1 to 100",
        "f:4:3: error: unknown option 'kafka.grop'; did you mean 'kafka.group'?",
        "f:6:15: error: cart.steps[1]: 'half an hour' is not a span of time; write a whole number and one "
          + "unit "
          + "(ms, s, m, h, d), such as 90m",
        "f:7:11: error: cart.expiry 60d is later than cart.forgotten_after 30d: a cart cannot be given up "
          + "after "
          + "it is forgotten; write cart.forgotten_after: 60d or longer",
        "f:9:10: error: churn.leave 70 is above churn.enter 60: users would enter and leave at once; "
          + "write at "
          + "most 60"))
  }

  @Test func `A thousand mistakes are told up to a bound, and the rest counted`() {
    let text = (0..<1000).map { "wrong\($0): 1\n" }.joined()
    let (configuration, findings) = Configuration.parse(text: text, file: "f")
    #expect(configuration == nil)
    #expect(findings.count == 201)
    #expect(findings.last?.message.hasSuffix("further findings are not shown") == true)
  }
}
