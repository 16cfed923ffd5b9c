import Events
import Portrait

/// The rules of an epoch with everything that can be derived from them once. A class, so that handing them on
/// does not copy them.
public final class EpochConstants: Sendable {
  public let rules: Rules
  public let portrait: PortraitRules
  /// Longest time for which a limit or a window still depends on a user's past, counted from his last activity,
  /// alert, warning or purchase.
  let memory: Memory

  struct Memory: Sendable {
    var windowsMilliseconds: Int64
    var afterAlertMilliseconds: Int64
    var afterWarningMilliseconds: Int64
  }

  public init(_ rules: Rules) {
    self.rules = rules
    var spans = rules.windows.map(\.lengthMilliseconds)
    if rules.churn.enabled {
      spans.append(rules.churn.recentMilliseconds)
      spans.append(rules.churn.recentMilliseconds + rules.churn.baselineMilliseconds)
    }
    if spans.isEmpty { spans = [Milliseconds.hour] }
    portrait = PortraitRules(
      gapMilliseconds: rules.sessions.gapMilliseconds, inferDwell: rules.sessions.inferDwell,
      purchasesByItem: rules.cart.purchaseScope == .item,
      tiers: PaneTiers(spans: spans, slack: rules.time.allowedLatenessMilliseconds))
    memory = Memory(
      windowsMilliseconds: spans.max()!,
      afterAlertMilliseconds: max(
        rules.cart.capWithinMilliseconds, rules.cart.betweenEpisodesMilliseconds,
        rules.cart.recoveryMilliseconds),
      afterWarningMilliseconds: rules.churn.enabled
        ? max(rules.churn.repeatMilliseconds, rules.churn.nextBandMilliseconds) : 0)
  }
}

/// What surrounds an event or deadline: the partition's watermark and the record's clock. The constants go beside it,
/// for a reference in here would be counted with every event.
struct Moment: BitwiseCopyable {
  /// After the record or tick that is being handled.
  let watermark: Int64
  /// Of the record or tick that is being handled, or of the last resume if that is later.
  let clock: Int64

  /// Whether an alert dated `time` is too old to be sent.
  func isStale(_ time: Int64, _ rules: AlertRules) -> Bool {
    guard let maxAge = rules.maxAgeMilliseconds else { return false }
    return clock.subtractingReportingOverflow(time).partialValue > maxAge
  }
}

/// Who a user is: his key where it lies. Valid only during the call that it is given to.
@safe public struct Identity {
  let bytes: UnsafeRawBufferPointer
  /// false for a user known only by `anonymous_id`.
  let isIdentified: Bool

  /// - Parameter key: the user key in UTF-8.
  public init(key: UnsafeRawBufferPointer, isIdentified: Bool) {
    unsafe bytes = key
    self.isIdentified = isIdentified
  }

  /// Calls `body` with the identity of a user with this key.
  public static func with<Result>(
    key: String, isIdentified: Bool, _ body: (Identity) -> Result
  ) -> Result {
    var key = key
    return key.withUTF8 { unsafe body(Identity(key: UnsafeRawBufferPointer($0), isIdentified: isIdentified)) }
  }

  /// The user key: `user_id`, else `anon:` + `anonymous_id`.
  var key: String { unsafe String(decoding: bytes, as: UTF8.self) }

  func alert(_ type: AlertType, episode: Int64, step: Int) -> AlertID {
    unsafe AlertID(type: type, key: bytes, episode: episode, step: step)
  }
}

extension Portrait {
  /// The configured windows as of `time`.
  func features(at time: Int64, _ constants: EpochConstants) -> [WindowFeatures] {
    constants.rules.windows.map { window in
      WindowFeatures(
        name: window.name, lengthMilliseconds: window.lengthMilliseconds,
        sums: self.window(window.lengthMilliseconds, at: time, constants.portrait.tiers))
    }
  }
}
