import Events
import Pipeline
import Portrait
import Settings
import Shard
import Triggers

/// What a seed decides before anything happens: sizes, bounds and the configurations to be run.
struct Plan {
  let seed: UInt64
  var lanes: Int
  var partitions: Int
  /// Of each topic of alerts.
  var alertPartitions: Int
  /// Milliseconds of wall time in one of the lanes' monotonic time.
  var speed: Int64
  var users: Int
  /// Turns of the world in which things go wrong.
  var steps: Int
  /// Events fed in one burst, at most.
  var burst: Int
  /// How likely a crash is armed in a step, percent; the other mishaps go with it.
  var trouble: Double
  var metadataBytes: Int
  var outboxBytes: Int
  var flushAfter: Int64
  var maximumReplay: Int64
  var flushUsers: Int
  var minimumCut: Int64
  var maximumCut: Int64
  var sessionTimeout: Int64
  var transactionTimeout: Int64
  /// `delete.retention.ms` of the state topic.
  var tombstoneRetention: Int64
  var hasTransactionalInput: Bool
  var hasSnapshots: Bool
  /// Records that the producer holds before it takes no more.
  var producerRoom: Int
  /// In the order in which they were written; the first is run first.
  var epochs: [EpochPlan]

  static let origin: Int64 = 1_772_442_000_000

  init(seed: UInt64) {
    self.seed = seed
    var dice = Dice(seed: seed)
    lanes = dice.pick([1, 1, 2, 2, 3, 4])
    partitions = dice.number(1...(lanes + 1))
    alertPartitions = dice.number(1...2)
    speed = dice.pick([1, 60, 600])
    users = dice.chance(6) ? dice.number(60...150) : dice.number(3...9)
    steps = dice.number(200...360)
    burst = users > 9 ? 40 : dice.pick([3, 6, 6, 12])
    trouble = dice.pick([0, 3, 6, 6, 10])
    metadataBytes = dice.pick([180, 190, 200, 300, 4096])
    outboxBytes = dice.pick([600, 2_500, 6_000, 1 << 20])
    flushAfter = dice.pick([0, 300, 2_000, 8_000])
    maximumReplay = dice.pick([5, 30, 500_000])
    flushUsers = dice.pick([1, 2, 5, 4_000])
    minimumCut = dice.pick([0, 10, 200])
    maximumCut = dice.pick([200, 1_000, 3_000])
    sessionTimeout = dice.pick([6_000, 10_000])
    transactionTimeout = dice.pick([4_000, 15_000])
    tombstoneRetention = 60_000
    hasTransactionalInput = dice.chance(30)
    hasSnapshots = dice.chance(40)
    producerRoom = dice.pick([1, 4, 100])
    if users > 9 {
      // A slow producer would not be through with a crowd before its transaction times out, ever.
      producerRoom = 100
      transactionTimeout = 15_000
    }
    let unit = max(1_000, 1_000 * speed)
    epochs = (0..<3).map { number in Self.epoch(seed, number, unit, &dice) }
  }

  private static func epoch(_ seed: UInt64, _ number: Int, _ unit: Int64, _ dice: inout Dice) -> EpochPlan {
    let rules = dice.rules(unit: unit)
    let text = "a simulated epoch, \(seed).\(number)"
    var limits = DecoderLimits(maximumRecordBytes: 2_048)
    limits.maximumFutureSkewMilliseconds = rules.time.maxFutureSkewMilliseconds
    let hash = (0x5851_f42d_4c95_7f2d &+ seed &* 8 &+ UInt64(number)) &* 0x9e37_79b9_7f4a_7c15
    return EpochPlan(
      epoch: Epoch(hash: hash, text: text, rules: rules), mapping: Self.mapping, limits: limits)
  }

  private static let mapping: Mapping = {
    do {
      return try MappingFile.preset(named: "native")
    } catch {
      preconditionFailure("the native mapping cannot be read: \(error)")
    }
  }()
}

extension Dice {
  /// Rules in which everything happens within a few dozen units.
  mutating func rules(unit: Int64) -> Rules {
    var rules = Rules()
    rules.time.allowedLatenessMilliseconds = pick([0, unit, unit, 5 * unit])
    rules.time.idleAfterMilliseconds = pick([unit, 3 * unit])
    rules.time.tickForMilliseconds = pick([0, 60 * unit, 600 * unit, 600 * unit])
    rules.time.maxFutureSkewMilliseconds = pick([5, 50]) * unit
    rules.sessions.gapMilliseconds = pick([4, 10]) * unit
    rules.sessions.inferDwell = chance(40)
    rules.windows = windows(unit)
    cart(&rules.cart, unit)
    churn(&rules.churn, unit)
    rules.alerts.maxAgeMilliseconds = pick([nil, nil, 40 * unit, 2_000 * unit])
    rules.alerts.anonymous = chance(60)
    rules.state.forgetAfterMilliseconds = pick([10 * unit, 30 * unit, 400 * unit])
    return rules
  }

  private mutating func windows(_ unit: Int64) -> [WindowSpec] {
    let hop = 5 * Milliseconds.minute
    let spans: [Int64] =
      unit < Milliseconds.minute
      ? pick([[hop], [hop, 2 * hop]]) : pick([[hop], [12 * hop, Milliseconds.day], [36 * hop]])
    return spans.enumerated().map { WindowSpec(name: "w\($0.offset)", lengthMilliseconds: $0.element) }
  }

  private mutating func cart(_ cart: inout CartRules, _ unit: Int64) {
    cart.stepsMilliseconds = pick([
      [5 * unit, 15 * unit, 40 * unit], [3 * unit, 6 * unit], [10 * unit], [4 * unit, 80 * unit],
    ])
    cart.expiryMilliseconds = cart.stepsMilliseconds.last! + pick([0, 5 * unit, 20 * unit])
    cart.forgottenMilliseconds = cart.expiryMilliseconds + pick([unit, 20 * unit, 100 * unit])
    cart.defaultMinimumValueMinor = pick([0, 0, 500])
    cart.purchaseScope = pick([.any, .item])
    cart.activityExtends = chance(60)
    cart.activityExtendsAtMostMilliseconds = pick([10 * unit, 40 * unit])
    cart.silenceAfterPurchaseMilliseconds = pick([0, 5 * unit, 20 * unit])
    cart.betweenEpisodesMilliseconds = pick([0, 5 * unit, 20 * unit])
    cart.capAlerts = pick([1, 3, 8])
    cart.capWithinMilliseconds = pick([20 * unit, 100 * unit])
    cart.recoveryMilliseconds = pick([10 * unit, 60 * unit])
  }

  private mutating func churn(_ churn: inout ChurnRules, _ unit: Int64) {
    churn.enabled = chance(50)
    churn.recentMilliseconds = pick([20, 60]) * unit
    churn.baselineMilliseconds = pick([60, 200]) * unit
    churn.minimumActiveDays = 1
    churn.enterScore = pick([10, 30])
    churn.leaveScore = churn.enterScore - pick([0, 10])
    churn.watchScore = churn.enterScore
    churn.warningScore = churn.enterScore + 10
    churn.criticalScore = churn.warningScore + 10
    churn.repeatMilliseconds = pick([50, 200]) * unit
    churn.nextBandMilliseconds = 20 * unit
    churn.evaluateEveryMilliseconds = pick([5, 20]) * unit
  }
}
