import Pipeline

@testable import Kafka

/// The pace of a recovery of partition 3 that began at 0.
struct RecoveryPaceProbe {
  private var pace = RecoveryPace(now: 0, everyMilliseconds: 5_000)

  mutating func say(_ phase: RecoveryProgress.Phase, done: Int64, total: Int64, at now: Int64) -> String? {
    pace.sentence(
      for: RecoveryProgress(
        partition: 3, phase: phase, done: done, total: total, elapsedMilliseconds: now), at: now)
  }
}
