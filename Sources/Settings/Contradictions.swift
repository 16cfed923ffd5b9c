import Events
import Portrait
import Triggers

/// What no single option can see: options that contradict each other, and consequences worth knowing. A check
/// that involves a refused value is left out, so that one mistake is told once.
enum Contradictions {
  static func judge(_ configuration: Configuration, _ reading: inout Reading) {
    var bench = Bench(reading: reading)
    judgeTime(configuration, &bench)
    judgeWindows(configuration.rules, &bench)
    judgeCart(configuration.rules.cart, &bench)
    judgeChurn(configuration.rules.churn, &bench)
    judgeMemory(configuration.rules, &bench)
    judgeService(configuration, &bench)
    if !bench.reading.hasErrors { noteChurn(configuration.rules.churn, &bench) }
    reading = bench.reading
  }

  /// Collects findings about several options, placed at the first of them that the file sets.
  struct Bench {
    var reading: Reading

    mutating func refuse(_ paths: String..., if wrong: Bool, _ message: @autoclosure () -> String) {
      tell(.error, paths, if: wrong, message())
    }

    mutating func warn(_ paths: String..., if odd: Bool, _ message: @autoclosure () -> String) {
      tell(.warning, paths, if: odd, message())
    }

    mutating func note(_ paths: String..., saying message: @autoclosure () -> String) {
      tell(.note, paths, if: true, message())
    }

    private mutating func tell(
      _ severity: Finding.Severity, _ paths: [String], if holds: Bool, _ message: @autoclosure () -> String
    ) {
      guard holds, !paths.contains(where: { reading.isRefused($0) }) else { return }
      let place = paths.compactMap { reading.place($0) }.first ?? Place(line: 1, column: 1)
      reading.tell(severity, at: place, message())
    }
  }

  private static func span(_ milliseconds: Int64) -> String {
    Durations.show(milliseconds)
  }

  private static func judgeTime(_ configuration: Configuration, _ bench: inout Bench) {
    let time = configuration.rules.time
    if let maxAge = configuration.rules.alerts.maxAgeMilliseconds {
      bench.refuse(
        "alerts.max_age", "time.allowed_lateness", if: maxAge <= time.allowedLatenessMilliseconds,
        "alerts.max_age \(span(maxAge)) is not above time.allowed_lateness "
          + "\(span(time.allowedLatenessMilliseconds)): every alert waits that long and would be dropped as "
          + "stale; write more than that, or off")
      bench.warn(
        "alerts.max_age", "time.allowed_lateness", "time.idle_after",
        if: maxAge > time.allowedLatenessMilliseconds
          && maxAge <= time.allowedLatenessMilliseconds + time.idleAfterMilliseconds,
        "alerts.max_age \(span(maxAge)) is not above time.allowed_lateness + time.idle_after "
          + "(\(span(time.allowedLatenessMilliseconds + time.idleAfterMilliseconds))): alerts on quiet "
          + "partitions can be dropped as stale; write more than that")
    }
    bench.warn(
      "time.tick_for", "time.idle_after",
      if: time.tickForMilliseconds != 0 && time.tickForMilliseconds <= time.idleAfterMilliseconds,
      "time.tick_for \(span(time.tickForMilliseconds)) ends before time.idle_after "
        + "\(span(time.idleAfterMilliseconds)) begins, so the wall clock never moves a partition on; "
        + "write more, or off")
  }

  private static func judgeWindows(_ rules: Rules, _ bench: inout Bench) {
    var lengths: [Int64: String] = [:]
    for window in rules.windows {
      let path = "windows.\(window.name)"
      let length = window.lengthMilliseconds
      let (below, above) = neighbours(length, hop: window.hopMilliseconds)
      bench.refuse(
        path, if: length % window.hopMilliseconds != 0,
        "\(path): \(span(length)) is not a multiple of its step \(span(window.hopMilliseconds)); write "
          + (below > 0 ? "\(span(below)) or \(span(above))" : span(above)))
      bench.warn(
        path, "sessions.gap", if: length < rules.sessions.gapMilliseconds,
        "\(path) \(span(length)) is shorter than sessions.gap \(span(rules.sessions.gapMilliseconds)): a "
          + "visit "
          + "counts where it starts, so one that is under way may be in no such window")
      if let other = lengths[length] {
        bench.warn(
          path, if: true,
          "\(path) has the same length as windows.\(other), so its sums are the same; remove one")
      }
      lengths[length] = window.name
    }
  }

  /// The multiples of the hop on either side of `length`.
  private static func neighbours(_ length: Int64, hop: Int64) -> (below: Int64, above: Int64) {
    let below = Milliseconds.floor(length, to: hop)
    return (below, below + hop)
  }

  private static func judgeCart(_ cart: CartRules, _ bench: inout Bench) {
    let steps = cart.stepsMilliseconds
    for index in steps.indices.dropFirst() {
      bench.refuse(
        "cart.steps[\(index)]", if: steps[index] <= steps[index - 1],
        "cart.steps must ascend: \(span(steps[index])) follows \(span(steps[index - 1])); put them in order, "
          + "each once")
    }
    for (index, step) in steps.enumerated() {
      bench.refuse(
        "cart.steps[\(index)]", "cart.expiry", if: step > cart.expiryMilliseconds,
        "cart.steps: \(span(step)) is later than cart.expiry \(span(cart.expiryMilliseconds)), so it would "
          + "never fire; remove it, or write a longer cart.expiry")
    }
    bench.refuse(
      "cart.expiry", "cart.forgotten_after", if: cart.expiryMilliseconds > cart.forgottenMilliseconds,
      "cart.expiry \(span(cart.expiryMilliseconds)) is later than cart.forgotten_after "
        + "\(span(cart.forgottenMilliseconds)): a cart cannot be given up after it is forgotten; write "
        + "cart.forgotten_after: \(span(cart.expiryMilliseconds)) or longer")
    if let first = steps.first, let last = steps.last, last - first < cart.capWithinMilliseconds {
      bench.warn(
        "cart.cap", "cart.steps", "cart.cap_within", if: cart.capAlerts < steps.count,
        "cart.cap \(cart.capAlerts) in \(span(cart.capWithinMilliseconds)) is below the \(steps.count) "
          + "steps of "
          + "one cart: the last of them will always be limited")
    }
    if let first = steps.first {
      bench.warn(
        "cart.activity_extends_at_most", "cart.activity_extends",
        if: cart.activityExtends && cart.activityExtendsAtMostMilliseconds == 0,
        "cart.activity_extends is on, but for 0s it puts nothing off; write cart.activity_extends: off")
      bench.warn(
        "cart.recovery_within", "cart.steps", if: cart.recoveryMilliseconds == 0,
        "cart.recovery_within is 0s: purchases after an alert of \(span(first)) are hardly ever told of as "
          + "recovered; write 72h")
    }
  }

  private static func judgeChurn(_ churn: ChurnRules, _ bench: inout Bench) {
    let recent = churn.recentMilliseconds
    let whole = recent + churn.baselineMilliseconds
    let (recentHop, wholeHop) = (WindowSpec.hop(recent), WindowSpec.hop(whole))
    let (below, above) = neighbours(recent, hop: recentHop)
    bench.refuse(
      "churn.recent", if: recent % recentHop != 0,
      "churn.recent: \(span(recent)) is not a multiple of its step \(span(recentHop)); write "
        + "\(span(below)) or "
        + span(above))
    bench.refuse(
      "churn.baseline", "churn.recent", if: recent % recentHop == 0 && whole % wholeHop != 0,
      "churn.recent + churn.baseline is \(span(whole)), not a multiple of its step \(span(wholeHop)); write "
        + "churn.baseline: \(span(neighbours(whole, hop: wholeHop).above - recent))")
    bench.refuse(
      "churn.baseline", "churn.recent", if: whole > Kind<[WindowSpec]>.maximumLength,
      "churn.recent + churn.baseline is \(span(whole)); at most \(span(Kind<[WindowSpec]>.maximumLength)) "
        + "is kept"
    )
    let baselineDays = (churn.baselineMilliseconds + Milliseconds.day - 1) / Milliseconds.day
    bench.refuse(
      "churn.min_active_days", "churn.baseline", if: Int64(churn.minimumActiveDays) > baselineDays,
      "churn.min_active_days \(churn.minimumActiveDays) do not fit into churn.baseline "
        + "\(span(churn.baselineMilliseconds)), so nobody would ever be judged; write at most \(baselineDays)"
    )
    bench.refuse(
      "churn.leave", "churn.enter", if: churn.leaveScore > churn.enterScore,
      "churn.leave \(churn.leaveScore) is above churn.enter \(churn.enterScore): users would enter and "
        + "leave at "
        + "once; write at most \(churn.enterScore)")
    bench.refuse(
      "churn.bands.watch", "churn.enter", if: churn.watchScore > churn.enterScore,
      "churn.bands.watch \(churn.watchScore) is above churn.enter \(churn.enterScore): who enters would "
        + "be in "
        + "no band; write at most \(churn.enterScore)")
    bench.refuse(
      "churn.bands.warning", "churn.bands.watch", if: churn.warningScore <= churn.watchScore,
      "churn.bands must ascend: warning \(churn.warningScore) is not above watch \(churn.watchScore)")
    bench.refuse(
      "churn.bands.critical", "churn.bands.warning", if: churn.criticalScore <= churn.warningScore,
      "churn.bands must ascend: critical \(churn.criticalScore) is not above warning \(churn.warningScore)")
    let weights = [
      churn.dwellDropWeight, churn.visitDropWeight, churn.cartUnboughtRiseWeight, churn.overdueWeight,
    ]
    bench.refuse(
      "churn.weights.dwell_drop", "churn.weights.visit_drop", "churn.weights.cart_unbought_rise",
      "churn.weights.overdue", if: weights.count(where: { $0 > 0 }) < 2,
      "churn.weights: at least two must be above 0, since no single component may warn alone")
    bench.warn(
      "churn.next_band_after", "churn.repeat", if: churn.nextBandMilliseconds > churn.repeatMilliseconds,
      "churn.next_band_after \(span(churn.nextBandMilliseconds)) is longer than churn.repeat "
        + "\(span(churn.repeatMilliseconds)), so a higher band never speaks sooner; write less")
  }

  /// Nothing may be forgotten while a window or a limit needs it.
  private static func judgeMemory(_ rules: Rules, _ bench: inout Bench) {
    let kept = rules.state.forgetAfterMilliseconds
    var needs: [(path: String, name: String, span: Int64)] = rules.windows.map {
      ("windows.\($0.name)", "windows.\($0.name)", $0.lengthMilliseconds)
    }
    if rules.cart.enabled {
      needs += [
        ("cart.cap_within", "cart.cap_within", rules.cart.capWithinMilliseconds),
        (
          "cart.silence_after_purchase", "cart.silence_after_purchase",
          rules.cart.silenceAfterPurchaseMilliseconds
        ),
        ("cart.between_episodes", "cart.between_episodes", rules.cart.betweenEpisodesMilliseconds),
        ("cart.recovery_within", "cart.recovery_within", rules.cart.recoveryMilliseconds),
      ]
    }
    if rules.churn.enabled {
      needs += [
        (
          "churn.baseline", "churn.recent + churn.baseline",
          rules.churn.recentMilliseconds + rules.churn.baselineMilliseconds
        ),
        ("churn.repeat", "churn.repeat", rules.churn.repeatMilliseconds),
      ]
    }
    for need in needs {
      bench.refuse(
        need.path, "state.forget_after", if: need.span > kept,
        "\(need.name) \(span(need.span)) is longer than state.forget_after \(span(kept)): users would be "
          + "forgotten before it has run out; write state.forget_after: \(span(need.span)) or longer")
    }
  }

  private static func judgeService(_ configuration: Configuration, _ bench: inout Bench) {
    let topics = configuration.topics
    let outputs = [
      ("topics.cart_alerts", topics.cartAlerts), ("topics.churn_alerts", topics.churnAlerts),
      ("topics.dead_letters", topics.deadLetters),
    ]
    for (path, topic) in outputs {
      bench.refuse(
        path, "topics.input", if: topic == topics.input,
        "\(path) is the input topic '\(topic)': Ebb would read what it writes; name another")
    }
    bench.refuse(
      "topics.dead_letters", "topics.cart_alerts", "topics.churn_alerts",
      if: [topics.cartAlerts, topics.churnAlerts].contains(topics.deadLetters),
      "topics.dead_letters is an alert topic '\(topics.deadLetters)': its readers would get broken records; "
        + "name another")
    let others = [("topics.input", topics.input)] + outputs
    for (path, topic) in others {
      bench.refuse(
        "topics.state", path, if: topic == topics.state,
        "topics.state is also \(path), '\(topic)': compaction keeps one record a user there; name another")
    }
    let commit = configuration.commit
    bench.refuse(
      "commit.min_interval", "commit.max_interval",
      if: commit.minIntervalMilliseconds > commit.maxIntervalMilliseconds,
      "commit.min_interval \(span(commit.minIntervalMilliseconds)) is longer than commit.max_interval "
        + "\(span(commit.maxIntervalMilliseconds)); write at most that")
    judgeDelivery(configuration, &bench)
    judgeSecurity(configuration.kafka, &bench)
    judgePrivacy(configuration.privacy, &bench)
    let kafka = configuration.kafka
    let protocolName = kafka.properties["security.protocol"]?.lowercased() ?? ""
    bench.warn(
      "kafka.properties.sasl.username", "kafka.properties", "kafka.secrets",
      if: kafka.properties["sasl.username"] != nil && kafka.secrets["sasl.password"] == nil,
      "sasl.username has no password; write kafka.secrets: {sasl.password: {file: /path}}")
    bench.warn(
      "kafka.secrets", "kafka.properties",
      if: kafka.secrets["sasl.password"] != nil && !protocolName.hasPrefix("sasl"),
      "sasl.password is not used without SASL; write kafka.properties: {security.protocol: sasl_ssl}")
    if let listen = configuration.http.listen, !listen.isLoopback, configuration.http.token == nil {
      bench.warn(
        "http.listen", "http.token", if: true,
        "http.listen \(listen) can be reached from elsewhere, and nothing is asked for: whoever does can look at every "
          + "user; write http.token, or listen at 127.0.0.1 behind a proxy that asks")
    }
    if !configuration.rules.cart.enabled, !configuration.rules.churn.enabled {
      bench.warn(
        "cart.enabled", "churn.enabled", if: true,
        "cart.enabled and churn.enabled are both off: there is nothing left to tell of")
    }
  }

  private static func judgeDelivery(_ configuration: Configuration, _ bench: inout Bench) {
    let (state, commit, kafka) = (configuration.state, configuration.commit, configuration.kafka)
    bench.warn(
      "state.flush_after", "commit.max_interval",
      if: state.flushAfterMilliseconds < commit.maxIntervalMilliseconds,
      "state.flush_after \(span(state.flushAfterMilliseconds)) is shorter than commit.max_interval "
        + "\(span(commit.maxIntervalMilliseconds)): users are written with a cut, so they can wait that long")
    guard configuration.delivery == .exactlyOnce else { return }
    // librdkafka refuses it too, but only at start and without naming our option.
    if let text = kafka.properties["socket.timeout.ms"], let timeout = Int64(text) {
      bench.refuse(
        "kafka.properties.socket.timeout.ms", "kafka.properties", "kafka.transaction_timeout",
        if: timeout > kafka.transactionTimeoutMilliseconds,
        "socket.timeout.ms \(timeout) is longer than kafka.transaction_timeout "
          + "\(span(kafka.transactionTimeoutMilliseconds)): a request would outlive its transaction; write at "
          + "most \(kafka.transactionTimeoutMilliseconds)")
    }
  }

  /// When the first warning is possible at all.
  private static func noteChurn(_ churn: ChurnRules, _ bench: inout Bench) {
    guard churn.enabled else { return }
    let days = firstWarningDays(churn)
    bench.note(
      "churn.recent", "churn.min_active_days", "churn.evaluate_every",
      saying:
        "nobody can be warned of churn in the first \(days) days of data: \(churn.minimumActiveDays) active "
        + "\(churn.minimumActiveDays == 1 ? "day" : "days") must lie before the last "
        + "\(span(churn.recentMilliseconds)), and two evaluations "
        + "\(span(churn.evaluateEveryMilliseconds)) apart "
        + "must agree")
  }

  /// Days from the first event to the earliest possible warning. Active days are UTC days, so n of them can
  /// lie within little more than n − 2 days; the first evaluation that has them all before its recent window
  /// is followed by a second.
  static func firstWarningDays(_ churn: ChurnRules) -> Int64 {
    let every = churn.evaluateEveryMilliseconds
    let needed = churn.recentMilliseconds + Int64(max(0, churn.minimumActiveDays - 2)) * Milliseconds.day
    let first = needed / every + 1
    return (first + 1) * every / Milliseconds.day
  }
}
