/// Spans and calendar steps in milliseconds since 1970 UTC. Days are UTC days.
public enum Milliseconds {
  public static let second: Int64 = 1_000
  public static let minute: Int64 = 60_000
  public static let hour: Int64 = 3_600_000
  public static let day: Int64 = 86_400_000

  /// The largest multiple of `step` at or before `time`, also for times before 1970.
  @inlinable public static func floor(_ time: Int64, to step: Int64) -> Int64 {
    let remainder = time % step
    return remainder >= 0 ? time - remainder : time - remainder - step
  }

  /// The number of the UTC day that holds `time` (1970-01-01 is 0).
  @inlinable public static func dayNumber(_ time: Int64) -> Int64 {
    floor(time, to: day) / day
  }
}
