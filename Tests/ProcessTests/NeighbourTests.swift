import ClusterSupport
import Foundation
import TestSupport
import Testing

/// Several instances under load, of which some freeze, some join and some leave.
@Suite(.serialized, .timeLimit(.minutes(10)), .daemonLogs) struct `Instances freeze, join and leave` {
  @Test func `One that sleeps beyond its session and wakes up again harms nobody`() async throws {
    try await Trial.play("SIGSTOP beyond the session timeout", Trial.Plan(instances: ["one", "two"])) {
      trial, rows in
      for victim in trial.instances {
        try await trial.until("both have partitions") {
          trial.instances.allSatisfy { !$0.partitions.isEmpty }
        }
        let taken = victim.partitions
        let before = try await trial.witness.committed()
        victim.freeze()
        let takenOver = try await trial.untilOthersCommit(taken, before: before)
        let during = try await trial.witness.committed()
        victim.thaw()
        // It is told, drops what it had, and gets its share anew.
        let back = try await trial.until("it is a member again") {
          let now = try await trial.witness.committed()
          let share = victim.partitions
          return !share.isEmpty && share.allSatisfy { now[Int($0)].owner != during[Int($0)].owner }
        }
        #expect(victim.logs.count == 1, "the same process all the time")
        rows.append([
          "SIGSTOP of \(victim.name)",
          "\(taken.count) partitions taken over after \(takenOver.milliseconds) ms; "
            + "processing again \(back.milliseconds) ms after SIGCONT",
        ])
      }
    }
  }

  @Test func `Two that join and leave again and again change nothing`() async throws {
    try await Trial.play("two instances join and leave under load", Trial.Plan(guests: ["two", "three"])) {
      trial, rows in
      let guests = trial.guests
      for round in 1...2 {
        let before = try await trial.witness.committed()
        for guest in guests { try guest.start() }
        // Shares may be dealt anew while members come one after the other, so each look is at what they have by then.
        let joined = try await trial.until("each of three has two partitions, and the guests commit theirs") {
          guard (trial.instances + guests).allSatisfy({ $0.partitions.count == 2 }) else { return false }
          let now = try await trial.witness.committed()
          return guests.flatMap(\.partitions).allSatisfy { now[Int($0)].owner != before[Int($0)].owner }
        }
        // One leaves in good order, the other by a blow.
        guests[round % 2].kill9()
        let status = try await guests[(round + 1) % 2].stop()
        #expect(status == 0)
        let ends = try await trial.witness.edges().map(\.high)
        let left = try await trial.until("the one that stayed has everything, and commits it") {
          let now = try await trial.witness.committed()
          return trial.instances[0].partitions.count == Trial.partitions
            && zip(now, ends).allSatisfy { $0.nextOffset >= $1 }
        }
        rows.append([
          "round \(round)",
          "two joined, committing \(joined.milliseconds) ms after their start; stood in for "
            + "\(left.milliseconds) ms after they left",
        ])
      }
    }
  }
}
