/// Lets at most so many through in a stretch of time, and says afterwards how many it held back.
///
/// No clock of its own: whoever asks brings the time, any that does not run backwards.
public struct RateLimiter: Sendable, Hashable {
  /// What becomes of one message.
  public enum Verdict: Sendable, Hashable {
    /// To be said; since the last that was, so many were held back.
    case pass(suppressedBefore: Int)
    case suppress
  }

  /// Messages let through in one interval.
  public let limit: Int
  public let intervalMilliseconds: Int64
  private var intervalStart: Int64?
  private var passed = 0
  private var suppressed = 0

  public init(limit: Int, intervalMilliseconds: Int64) {
    precondition(limit > 0 && intervalMilliseconds > 0)
    self.limit = limit
    self.intervalMilliseconds = intervalMilliseconds
  }

  /// Asks for one message at `now` (milliseconds of any steady clock).
  public mutating func admit(at now: Int64) -> Verdict {
    if intervalStart.map({ now - $0 >= intervalMilliseconds || now < $0 }) ?? true {
      intervalStart = now
      passed = 0
    }
    guard passed < limit else {
      suppressed += 1
      return .suppress
    }
    passed += 1
    defer { suppressed = 0 }
    return .pass(suppressedBefore: suppressed)
  }

  /// Those held back and not told yet, which then count as told: for a last word at the end of a stretch of
  /// rejects, or of the program. 0 while the interval still runs and `now` is given.
  public mutating func takeSuppressed(at now: Int64? = nil) -> Int {
    if let now, let intervalStart, now >= intervalStart, now - intervalStart < intervalMilliseconds {
      return 0
    }
    defer { suppressed = 0 }
    return suppressed
  }
}
