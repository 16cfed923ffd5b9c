import ClusterSupport
import Foundation
import TestSupport
import Testing

/// Configurations that are read again under load.
@Suite(.serialized, .enabled(if: Wishes.brokers != nil, Wishes.skipped))
struct `Configurations change under load` {
  private typealias Scenario = `Members come, go and freeze`

  /// Every round another epoch, with the same alerts for this traffic; in every third the process is killed while it
  /// ends the old one, and in every fourth it is told twice in a row.
  @Test(.timeLimit(.minutes(20)))
  func `Read again under load, and killed at it, no alert is lost or doubled`() async throws {
    var configuration = ClusterConfiguration()
    configuration.state["flush_after"] = "5s"
    let rounds = 4 * Wishes.rounds
    try await Scenario.play("configuration read again", ["one", "two"], configuration) {
      [configuration] stage, rows in
      var changed = configuration
      for round in 1...rounds {
        let before = Set(try await stage.ground.committed().values.compactMap { $0.metadata?.epochHash })
        changed.state["forget_after"] = "\(200 + round)d"
        changed.state["flush_after"] = "\(1 + round % 5)s"
        let began = ContinuousClock.now
        for (number, instance) in stage.instances.enumerated() {
          try changed.write(on: stage.ground, instance: instance.name)
          instance.hangUp()
          if round % 4 == 0 {
            try await Task.sleep(for: .milliseconds(5 * round))
            instance.hangUp()
          }
          guard round % 3 == 0, number == round % 2 else { continue }
          try await Task.sleep(for: .milliseconds(20 * (round % 7)))
          instance.kill9()
          try instance.start()
        }
        _ = try await stage.until("every partition has been committed under the new epoch") {
          let hashes = try await stage.ground.committed().values.compactMap { $0.metadata?.epochHash }
          return Set(hashes).count == 1 && hashes.count == 6 && before.isDisjoint(with: hashes)
        }
        rows.append([
          "round \(round)\(round % 3 == 0 ? ", killed" : "")",
          "all partitions in the new epoch after \((ContinuousClock.now - began).milliseconds) ms",
        ])
      }
      let versions = Set(try await stage.ground.committedAlerts().map(\.configVersion))
      rows.append(["config_version seen so far", "\(versions.count)"])
    }
  }
}
