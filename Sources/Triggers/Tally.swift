/// Why a step of a cart did not fire, in the order in which the limits are looked at.
public enum Limit: Int, Sendable, Hashable, CaseIterable {
  case optedOut, anonymous, belowMinimum, afterPurchase, betweenEpisodes, cap, quietHours

  /// As metrics and summaries spell it.
  public var name: String {
    switch self {
    case .optedOut: "opted_out"
    case .anonymous: "anonymous"
    case .belowMinimum: "below_minimum"
    case .afterPurchase: "after_purchase"
    case .betweenEpisodes: "between_episodes"
    case .cap: "cap"
    case .quietHours: "quiet_hours"
    }
  }
}

/// How an opened cart ended.
public enum CartEnding: Int, Sendable, Hashable, CaseIterable {
  case bought, recovered, retracted, boughtLate, cleared, erased, expiredAlerted, expiredLimited,
    expiredBelowMinimum

  /// As metrics and summaries spell it.
  public var name: String {
    switch self {
    case .bought: "bought"
    case .recovered: "recovered"
    case .retracted: "retracted"
    case .boughtLate: "bought_late"
    case .cleared: "cleared"
    case .erased: "erased"
    case .expiredAlerted: "expired_alerted"
    case .expiredLimited: "expired_limited"
    case .expiredBelowMinimum: "expired_below_minimum"
    }
  }
}

/// Why a churn warning that was due was not emitted.
public enum ChurnSuppression: Int, Sendable, Hashable, CaseIterable {
  case optedOut, anonymous, stale, `repeat`

  /// As metrics and summaries spell it.
  public var name: String {
    switch self {
    case .optedOut: "opted_out"
    case .anonymous: "anonymous"
    case .stale: "stale"
    case .repeat: "repeat"
    }
  }
}

/// Counts of what the triggers did. Only ever added to, except that a cart that counted as cleared can turn out
/// bought.
public struct Tally: Sendable, Hashable {
  /// Steps a configuration may have at most.
  public static let maximumSteps = 16

  public var cartsOpened: Int64 = 0
  private var endings = [Int64](repeating: 0, count: CartEnding.allCases.count)
  private var fired = [Int64](repeating: 0, count: maximumSteps)
  private var stale = [Int64](repeating: 0, count: maximumSteps)
  private var limited = [Int64](repeating: 0, count: maximumSteps * Limit.allCases.count)
  private var emitted = [Int64](repeating: 0, count: AlertType.allCases.count)
  private var suppressed = [Int64](repeating: 0, count: ChurnSuppression.allCases.count)
  /// Recoveries dropped as stale, by type.
  public var staleCartRecovered: Int64 = 0
  public var staleChurnRecovered: Int64 = 0
  public var evaluations: Int64 = 0
  public var evaluationsWithoutBaseline: Int64 = 0
  public var duplicates: Int64 = 0
  public var usersForgotten: Int64 = 0
  public var usersErased: Int64 = 0
  /// Amounts left out of a user's revenue because of their currency.
  public var otherCurrencyAmounts: Int64 = 0
  /// Adds beyond the bound of a cart, and traits beyond that of a user.
  public var cartOverflows: Int64 = 0
  public var traitOverflows: Int64 = 0
  /// Activity older than the oldest kept pane.
  public var beyondPanes: Int64 = 0

  public init() {}

  /// Carts that ended so.
  public subscript(ending: CartEnding) -> Int64 {
    get { endings[ending.rawValue] }
    set { endings[ending.rawValue] = newValue }
  }

  /// Steps (from 1) that fired.
  public subscript(fired step: Int) -> Int64 {
    get { fired[step - 1] }
    set { fired[step - 1] = newValue }
  }

  /// Steps (from 1) whose alert was stale.
  public subscript(stale step: Int) -> Int64 {
    get { stale[step - 1] }
    set { stale[step - 1] = newValue }
  }

  /// Steps (from 1) that a limit forbade.
  public subscript(limited step: Int, limit: Limit) -> Int64 {
    get { limited[(step - 1) * Limit.allCases.count + limit.rawValue] }
    set { limited[(step - 1) * Limit.allCases.count + limit.rawValue] = newValue }
  }

  /// Alerts emitted.
  public subscript(emitted type: AlertType) -> Int64 {
    get { emitted[Self.index(type)] }
    set { emitted[Self.index(type)] = newValue }
  }

  /// Churn warnings that were due and not emitted.
  public subscript(suppressed reason: ChurnSuppression) -> Int64 {
    get { suppressed[reason.rawValue] }
    set { suppressed[reason.rawValue] = newValue }
  }

  private static func index(_ type: AlertType) -> Int {
    switch type {
    case .cartAbandoned: 0
    case .cartRecovered: 1
    case .cartRetracted: 2
    case .churnWarning: 3
    case .churnRecovered: 4
    }
  }

  /// Adds all counts.
  public static func += (left: inout Tally, right: Tally) {
    func add(_ a: inout [Int64], _ b: [Int64]) {
      for index in a.indices { a[index] += b[index] }
    }
    left.cartsOpened += right.cartsOpened
    add(&left.endings, right.endings)
    add(&left.fired, right.fired)
    add(&left.stale, right.stale)
    add(&left.limited, right.limited)
    add(&left.emitted, right.emitted)
    add(&left.suppressed, right.suppressed)
    left.staleCartRecovered += right.staleCartRecovered
    left.staleChurnRecovered += right.staleChurnRecovered
    left.evaluations += right.evaluations
    left.evaluationsWithoutBaseline += right.evaluationsWithoutBaseline
    left.duplicates += right.duplicates
    left.usersForgotten += right.usersForgotten
    left.usersErased += right.usersErased
    left.otherCurrencyAmounts += right.otherCurrencyAmounts
    left.cartOverflows += right.cartOverflows
    left.traitOverflows += right.traitOverflows
    left.beyondPanes += right.beyondPanes
  }
}

/// What became of all carts opened so far; the parts add up to `opened`.
public struct CartAccounting: Sendable, Hashable {
  public var opened: Int64 = 0
  /// Final endings, and expired carts that are not forgotten yet.
  public var endings: [CartEnding: Int64] = [:]
  /// Not empty and not expired.
  public var open: Int64 = 0

  public init() {}

  /// Whether the parts add up.
  public var isBalanced: Bool {
    opened == open + endings.values.reduce(0, +)
  }
}
