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
  private(set) var epoch: Int
  private let monitor = LaneMonitor()
  var valve: InputValve { monitor.valve }
  /// Until when its valve is not open.
  var throttledUntil: Int64 = 0
  private var box: TransactionBox?
  private var lane: Lane<SimInput, SimOutput, SimRecoverer>?
  /// Not killed, not ended.
  private(set) var isAlive = true
  /// Something of it is on the stack.
  private(set) var isInside = false
  /// Until when it does not run at all.
  var sleepsUntil: Int64 = 0
  /// Until when it hears nothing of its group.
  var deafUntil: Int64 = 0
  /// Where it will be killed.
  private var doom: (point: CrashPoint, passes: Int)?
  /// Where it will fall asleep, and for how long.
  private var nap: (point: CrashPoint, time: Int64)?
  /// Why it ended by itself.
  private(set) var ending: PipelineError?
  /// For a fault made on purpose: the state topic's ends when it began.
  private(set) var early: [Int32: Int64] = [:]
  var graves = Graves()
  /// How often the cut in flight was begun.
  var sendings = 0
  private(set) var disk: SnapshotDisk?

  init(_ world: World, caller: Int, instance: String, epoch: Int) {
    self.world = world
    self.caller = caller
    self.instance = instance
    self.epoch = epoch
    client = GroupClient(world, caller: caller, instance: instance)
    let settings = Self.settings(world, epoch, owner: world.newOwner())
    let box = TransactionBox(self)
    self.box = box
    if world.plan.hasSnapshots { disk = SnapshotDisk(self) }
    lane = Lane(
      input: SimInput(self), output: SimOutput(box: box), recoverer: SimRecoverer(self, settings),
      snapshots: disk,
      settings: settings, clock: world.clock, monitor: monitor, notify: { [unowned self] in take($0) })
  }

  var description: String { "\(instance)/\(caller)" }

  static func settings(_ world: World, _ epoch: Int, owner: UInt64) -> LaneSettings {
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
      owner: owner)
    settings.minimumCutIntervalMilliseconds = plan.minimumCut
    settings.maximumCutIntervalMilliseconds = plan.maximumCut
    settings.outboxBytes = plan.outboxBytes
    settings.flushAfterMilliseconds = plan.flushAfter
    settings.maximumReplay = plan.maximumReplay
    settings.flushUsers = plan.flushUsers
    settings.metadataBytes = plan.metadataBytes
    settings.handoverMilliseconds = 2_000
    settings.snapshotEveryMilliseconds = 3_000
    return settings
  }

  static func version(_ epoch: Epoch) -> String { String(epoch.hash, radix: 16) }

  /// Before it is a member.
  func lookAtEnds() {
    guard world.mutation == .highWatermarkBeforeCommit else { return }
    for partition in 0..<Int32(world.plan.partitions) {
      early[partition] = try? world.cluster.listOffset(Names.state(partition), .latest, .readUncommitted)
    }
  }

  // MARK: Life

  var isRunning: Bool { isAlive && world.now >= sleepsUntil }

  func heartbeat() {
    guard isRunning else { return }
    client.isDeaf = world.now < deafUntil
    client.heartbeat()
  }

  /// One turn of the lane.
  func turn() {
    guard isRunning, !isInside else { return }
    if world.now >= throttledUntil { valve.open() }
    inside { process throws(PipelineError) in
      try process.point(.betweenTurns)
      process.client.isDeaf = process.world.now < process.deafUntil
      try process.lane!.turn()
    }
  }

  /// What the thread beside it does meanwhile: writes.
  func write() {
    guard isRunning, !isInside else { return }
    inside { process throws(PipelineError) in try process.box!.work(process.world.dice.number(1...6)) }
  }

  /// The epoch of the last reload; nil: there was none.
  private(set) var reloaded: Epoch?

  /// Whether partitions wait for their state.
  var isRecovering: Bool { isAlive && monitor.latest.waiting > 0 }

  /// Gets another configuration while it runs: another epoch, other intervals and bounds, or both.
  func reconfigure(_ next: Int) {
    guard isAlive else { return }
    let plan = world.plan
    let standing = monitor.latest
    if next != epoch, standing.changing > 0 { world.hit(.reloadWhileEpochBegins) }
    if next != epoch, standing.waiting > 0 { world.hit(.reloadInRecovery) }
    world.hit(next < epoch ? .reloadBack : next > epoch ? .reload : .reloadOfBounds)
    world.note("\(self): reloads, epoch \(next)")
    epoch = next
    reloaded = plan.epochs[next].epoch
    // Whoever the settings say they are for, the lane keeps its own name.
    var settings = Self.settings(world, next, owner: 0)
    settings.minimumCutIntervalMilliseconds = world.dice.pick([plan.minimumCut, 0, 10, 200])
    settings.maximumCutIntervalMilliseconds = world.dice.pick([plan.maximumCut, 200, 3_000])
    settings.flushAfterMilliseconds = world.dice.pick([plan.flushAfter, 0, 2_000])
    settings.maximumReplay = world.dice.pick([plan.maximumReplay, 5, 500_000])
    settings.snapshotEveryMilliseconds = world.dice.pick([1_000, 3_000, 9_000])
    monitor.post(.configure(settings))
  }

  private func inside(_ body: (Process) throws(PipelineError) -> Void) {
    isInside = true
    defer { isInside = false }
    do throws(PipelineError) {
      try body(self)
    } catch {
      end(error)
    }
  }

  /// Stops as the operator asks.
  func stop() {
    guard isRunning, !isInside else { return }
    world.note("\(self): is to stop")
    monitor.stop()
    inside { process throws(PipelineError) in
      try process.lane!.turn()
      try process.lane!.close()
      process.world.note("\(process): has stopped")
      process.kill()
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
    disk = nil
  }

  // MARK: Killing

  func arm(_ point: CrashPoint, after passes: Int) { doom = (point, passes) }

  /// The process will fall asleep there, in the middle of its turn.
  func armNap(_ point: CrashPoint, of time: Int64) { nap = (point, time) }

  func disarm() {
    doom = nil
    nap = nil
  }

  /// The process has come here; perhaps it goes no further.
  func point(_ point: CrashPoint) throws(PipelineError) {
    if let nap, nap.point == point {
      self.nap = nil
      try sleep(nap.time, at: point)
    }
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

  /// The rest of the world goes on, and perhaps without this one.
  private func sleep(_ time: Int64, at point: CrashPoint) throws(PipelineError) {
    world.hit(.napInTurn)
    noteTimeout(time)
    sleepsUntil = world.now + time
    world.note("\(self): sleeps until \(sleepsUntil), \(point.rawValue)")
    while !isRunning { try world.passInTurn(500) }
    world.note("\(self): wakes up")
  }

  /// Counts a sleep that the transaction in flight does not survive.
  func noteTimeout(_ time: Int64) {
    guard time > world.plan.transactionTimeout, world.cluster.transactionStatus("ebb-\(instance)") == .ongoing
    else { return }
    world.hit(.transactionTimeout)
  }

  func take(_ notice: LaneNotice) {
    if case .keptPartition = notice { world.hit(.parkedReturn) }
    if case .snapshotDropped(let partition, let reason) = notice {
      world.doubts.append("a snapshot of partition \(partition) was in doubt: \(reason)")
    }
    if case .rejected = notice { return }
    world.note("\(self): \(notice)")
  }
}
