import LogModel
import Pipeline
import Shard

/// One life of one lane: it has its own consumer, producer and memory, and all of it is gone when it is killed.
///
/// `@unchecked`: one thread.
final class Process: CustomStringConvertible, @unchecked Sendable {
  let world: World
  let caller: Int
  let instance: String
  let client: GroupClient
  let epoch: Int
  private let monitor = LaneMonitor()
  private var box: TransactionBox?
  private var lane: Lane<SimInput, SimOutput, SimRecoverer>?
  /// Not killed, not ended.
  private(set) var isAlive = true
  /// Until when it does not run at all.
  var sleepsUntil: Int64 = 0
  /// Until when it hears nothing of its group.
  var deafUntil: Int64 = 0
  /// Where it will be killed.
  private var doom: (point: CrashPoint, passes: Int)?
  /// Why it ended by itself.
  private(set) var ending: PipelineError?
  /// For a fault made on purpose: the state topic's ends when it began.
  private(set) var early: [Int32: Int64] = [:]
  var graves = Graves()

  init(_ world: World, caller: Int, instance: String, epoch: Int) {
    self.world = world
    self.caller = caller
    self.instance = instance
    self.epoch = epoch
    client = GroupClient(world, caller: caller, instance: instance)
    for partition in 0..<world.plan.partitions {
      early[Int32(partition)] = try? world.cluster.listOffset(
        Names.state(Int32(partition)), .latest, .readUncommitted)
    }
    let settings = Self.settings(world, epoch)
    let box = TransactionBox(self)
    self.box = box
    lane = Lane(
      input: SimInput(self), output: SimOutput(box: box), recoverer: SimRecoverer(self, settings),
      settings: settings, clock: world.clock, monitor: monitor, notify: { [unowned self] in take($0) })
  }

  var description: String { "\(instance)/\(caller)" }

  static func settings(_ world: World, _ epoch: Int) -> LaneSettings {
    let plan = world.plan
    let epochs = plan.epochs
    var settings = LaneSettings(
      plan: epochs[epoch],
      readEpoch: { (text, _) throws(PipelineError) in
        guard let known = epochs.first(where: { $0.epoch.text == text }) else {
          throw PipelineError(.state, "an epoch that nobody wrote", hint: "")
        }
        return known
      },
      configVersion: version(epochs[epoch].epoch), source: Names.source, inputTopic: Names.input,
      owner: world.newOwner())
    settings.minimumCutIntervalMilliseconds = plan.minimumCut
    settings.maximumCutIntervalMilliseconds = plan.maximumCut
    settings.outboxBytes = plan.outboxBytes
    settings.flushAfterMilliseconds = plan.flushAfter
    settings.maximumReplay = plan.maximumReplay
    settings.flushUsers = plan.flushUsers
    settings.metadataBytes = plan.metadataBytes
    settings.handoverMilliseconds = 2_000
    return settings
  }

  static func version(_ epoch: Epoch) -> String { String(epoch.hash, radix: 16) }

  // MARK: Life

  var isRunning: Bool { isAlive && world.now >= sleepsUntil }

  func heartbeat() {
    guard isRunning else { return }
    client.isDeaf = world.now < deafUntil
    client.heartbeat()
  }

  /// One turn of the lane, and of the thread that writes for it.
  func turn() {
    guard isRunning else { return }
    world.waits = 0
    do throws(PipelineError) {
      try point(.betweenTurns)
      client.isDeaf = world.now < deafUntil
      try lane!.turn()
      if world.dice.chance(70) { try box!.work(world.dice.number(1...6)) }
    } catch {
      end(error)
    }
  }

  /// Stops as the operator asks.
  func stop() {
    guard isRunning else { return }
    world.waits = 0
    world.note("\(self): is to stop")
    do throws(PipelineError) {
      monitor.stop()
      try lane!.turn()
      try lane!.close()
      world.note("\(self): has stopped")
      kill()
    } catch {
      end(error)
    }
  }

  private func end(_ error: PipelineError) {
    if error != .killed {
      world.note("\(self): ends: \(error)")
      ending = error
    }
    kill()
  }

  /// Nothing is left of it.
  func kill() {
    isAlive = false
    lane = nil
    box = nil
  }

  // MARK: Killing

  func arm(_ point: CrashPoint, after passes: Int) { doom = (point, passes) }

  func disarm() { doom = nil }

  var isArmed: Bool { doom != nil }

  /// The process has come here; perhaps it goes no further.
  func point(_ point: CrashPoint) throws(PipelineError) {
    guard let doom, doom.point == point else { return }
    if doom.passes > 0 {
      self.doom!.passes -= 1
      return
    }
    self.doom = nil
    world.hits.crashes[point, default: 0] += 1
    world.note("\(self): killed, \(point.rawValue)")
    throw .killed
  }

  func take(_ notice: LaneNotice) {
    if case .keptPartition = notice { world.hit(.parkedReturn) }
    if case .rejected = notice { return }
    world.note("\(self): \(notice)")
  }
}
