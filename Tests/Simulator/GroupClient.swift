import LogModel
import Pipeline

/// A consumer's membership of the group, as the client library keeps it: it hears of losses and rebalances with
/// its heartbeats, before the application does.
final class GroupClient {
  enum Phase {
    case out, joining, stable
  }

  let world: World
  let caller: Int
  let instance: String
  private(set) var phase = Phase.out
  private(set) var memberID = ""
  private(set) var generation: Int32 = -1
  /// The application has to give its partitions up and join again.
  private(set) var mustRejoin = false
  /// The group has gone on without this member.
  private(set) var isLost = false
  /// Another process has this one's instance id.
  private(set) var isFenced = false
  /// Hears nothing: neither heartbeats nor rebalances.
  var isDeaf = false

  init(_ world: World, caller: Int, instance: String) {
    self.world = world
    self.caller = caller
    self.instance = instance
  }

  var metadata: GroupMetadata {
    GroupMetadata(group: Names.group, generation: generation, memberID: memberID, instanceID: instance)
  }

  func heartbeat() {
    guard phase == .stable, !isDeaf else { return }
    world.cluster.caller = caller
    do {
      try world.cluster.heartbeat(metadata)
    } catch .rebalanceInProgress {
      mustRejoin = true
    } catch {
      take(error)
    }
  }

  private func take(_ error: KafkaError) {
    switch error {
    case .unknownMemberID, .illegalGeneration:
      // The client forgets who it was before it tells anybody.
      isLost = phase == .stable
      phase = .out
      memberID = ""
      generation = -1
    case .fencedInstanceID: isFenced = true
    case .rebalanceInProgress: phase = .out
    default: break
    }
  }

  /// The application has given everything up.
  func gaveUp() {
    isLost = false
    mustRejoin = false
    phase = .out
  }

  /// Goes on joining; returns an assignment once.
  func join() -> Assignment? {
    guard !isDeaf, phase != .stable, !isLost else { return nil }
    world.cluster.caller = caller
    do {
      if phase == .out {
        memberID = try world.cluster.joinGroup(
          Names.group, memberID: memberID, instanceID: instance, topics: [Names.input],
          sessionTimeout: world.plan.sessionTimeout, rebalanceTimeout: 20_000)
        phase = .joining
      }
      guard
        let assignment = try world.cluster.syncGroup(
          Names.group, memberID: memberID, instanceID: instance)
      else { return nil }
      phase = .stable
      generation = assignment.generation
      mustRejoin = false
      return assignment
    } catch {
      take(error)
      return nil
    }
  }
}
