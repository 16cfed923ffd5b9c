import LogModel
import Pipeline

// Everything that can go wrong, one thing at a time.
extension Schedule {
  mutating func mishap() {
    guard let process = world.processes.isEmpty ? nil : world.dice.pick(world.processes) else { return }
    switch world.dice.number(0...99) {
    case 0...34: process.arm(world.dice.pick(CrashPoint.allCases), after: world.dice.number(0...3))
    case 35...39: pause(process)
    case 40...41:
      world.hit(.deaf)
      process.deafUntil = world.now + plan.sessionTimeout * world.dice.number(1...3)
      if world.dice.chance(40) { process.arm(.beforeLost, after: 0) }
      world.note("\(process): hears nothing until \(process.deafUntil)")
    case 42...44: outage(process)
    case 45...56: unknownOutcome(process)
    case 57...70: errors(process)
    case 71...72: jumpOfWall()
    case 73...74: absence()
    case 75...79: changeConfiguration()
    case 80...84: joinOrLeave(process)
    case 85...86: doubleStart(process)
    case 87...89:
      world.hit(.cleanStop)
      process.stop()
    case 90...92: compact()
    case 93...94: shortOfMemory(process)
    default: reload()
    }
  }

  /// Less input is taken for a while, or none.
  private mutating func shortOfMemory(_ process: Process) {
    let isShut = world.dice.chance(70)
    process.throttledUntil = world.now + world.dice.number(100...60_000)
    if isShut { process.valve.shut() } else { process.valve.narrow(nanosecondsPerRecord: 300_000_000) }
    world.hit(isShut ? .valveShut : .valveNarrowed)
    world.note("\(process): \(isShut ? "reads nothing" : "rests") until \(process.throttledUntil)")
    if world.dice.chance(40) { process.arm(world.dice.pick(Self.usual), after: world.dice.number(0...2)) }
  }

  /// The configuration changes under the lanes that run; some change back before they are through with it.
  private mutating func reload() {
    let before = epoch
    epoch = world.dice.number(0...(plan.epochs.count - 1))
    for process in world.processes where world.dice.chance(80) {
      process.reconfigure(epoch)
      // Most of all where the old epoch's users are flushed in part.
      if world.dice.chance(50), !process.isRecovering {
        process.arm(
          world.dice.pick([.cutCommitted, .afterCommit, .cutBegun, world.dice.pick(Self.usual)]),
          after: world.dice.number(0...2))
      }
    }
    guard world.dice.chance(40) else { return }
    for _ in 0..<world.dice.number(0...2) {
      world.pass(world.dice.pick([1, 10, 200]))
      for process in world.processes { process.turn() }
    }
    epoch = world.dice.chance(60) ? before : world.dice.number(0...(plan.epochs.count - 1))
    for process in world.processes where world.dice.chance(90) { process.reconfigure(epoch) }
  }

  /// The configuration changes while a lane recovers what it was just assigned.
  mutating func reloadInRecovery() {
    for process in world.processes where process.isRecovering && world.dice.chance(3) {
      epoch = world.dice.number(0...(plan.epochs.count - 1))
      process.reconfigure(epoch)
      if world.dice.chance(40) { process.arm(world.dice.pick(Self.inRecovery), after: 0) }
    }
  }

  private mutating func pause(_ process: Process) {
    let isLong = world.dice.chance(60)
    let time =
      isLong
      ? plan.sessionTimeout + world.dice.number(500...15_000)
      : world.dice.number(100...plan.sessionTimeout - 1_500)
    if isLong, world.dice.chance(40) { process.arm(.beforeLost, after: 0) }
    if world.dice.chance(50) {
      return process.armNap(
        world.dice.pick(world.dice.chance(50) ? Self.inTransaction : Self.usual), of: time)
    }
    process.sleepsUntil = world.now + time
    world.hit(isLong ? .pauseBeyondSession : .pause)
    process.noteTimeout(time)
    world.note("\(process): sleeps until \(process.sleepsUntil)")
  }

  private static let usual = CrashPoint.allCases.filter { !$0.isRare }
  private static let inRecovery: [CrashPoint] = [
    .recoveryState, .recoveryInputOpen, .recoveryInput, .recoveryInput, .recoveryDone,
  ]
  private static let inTransaction: [CrashPoint] = [
    .insideProduce, .afterFlush, .afterProduce, .beforeOffsets, .afterOffsets, .beforeCommit,
  ]

  private mutating func outage(_ process: Process) {
    let isForAll = world.dice.chance(60)
    world.outageEnds = world.now + world.dice.number(200...9_000)
    if isForAll {
      world.cluster.faults.isOutage = true
    } else {
      world.cluster.faults.unreachable.insert(process.caller)
    }
    world.hit(isForAll ? .outage : .unreachable)
    world.note("\(isForAll ? "all" : "\(process)"): no brokers until \(world.outageEnds)")
  }

  private mutating func unknownOutcome(_ process: Process) {
    let (kind, effect): (FaultKind, Faults.Effect) = world.dice.pick([
      (.outcomeLostCommitted, .loseReply), (.outcomeLostAborted, .fail(.requestTimedOut)),
      (.outcomeLostPending, .delay),
    ])
    world.cluster.faults.inject(effect, on: [.endTransaction], caller: process.caller)
    world.hit(kind)
    world.note("\(process): the next end of a transaction: \(kind.rawValue)")
    if world.dice.chance(40) {
      process.arm(
        world.dice.pick([.beforeReadBack, .afterReadBack, .beforeInitialize, .afterInitialize]), after: 0)
    }
  }

  private mutating func errors(_ process: Process) {
    let coordinator: [KafkaError] = [
      .coordinatorNotAvailable, .notCoordinator, .coordinatorLoadInProgress, .concurrentTransactions,
    ]
    let skip = world.dice.number(0...2)
    let kind: FaultKind
    let kinds: Set<RequestKind>
    var effect: Faults.Effect
    var place: TopicPartition?
    switch world.dice.number(0...6) {
    case 0:
      kind = .coordinatorErrors
      kinds = [.endTransaction, .addOffsets, .addPartitions, .initProducerID, .offsetFetch, .txnOffsetCommit]
      effect = .fail(world.dice.pick(coordinator))
    case 1...2:
      kind = .produceErrors
      kinds = [.produce]
      effect = world.dice.pick([
        .fail(.requestTimedOut), .fail(.notLeaderOrFollower), .fail(.unknownServerError), .loseReply, .delay,
      ])
    case 3:
      kind = .offsetErrors
      kinds = [.txnOffsetCommit]
      effect = world.dice.pick([.fail(.unknownServerError), .loseReply, .delay, .fail(.requestTimedOut)])
    case 4:
      kind = .recordTooLarge
      kinds = [.produce]
      effect = .fail(.messageTooLarge)
      place = TopicPartition(Names.topic(.deadLetters), world.dice.number(0...(plan.alertPartitions - 1)))
    case 5:
      kind = .initializeErrors
      kinds = [.initProducerID]
      effect = world.dice.pick([.loseReply, .delay, .fail(.requestTimedOut)])
    default:
      kind = .fetchErrors
      kinds = [.fetch, .listOffset, .metadata, .joinGroup, .syncGroup, .heartbeat, .offsetFetch]
      effect = world.dice.pick([.fail(.requestTimedOut), .loseReply])
    }
    world.cluster.faults.inject(
      effect, on: kinds, caller: process.caller, place: place, skip: skip, times: world.dice.number(1...2))
    world.hit(kind)
    world.note("\(process): \(kind.rawValue): \(effect)")
    if world.dice.chance(50) {
      process.arm(world.dice.pick([.beforeAbort, .afterAbort, .afterAbort]), after: 0)
    }
  }

  private mutating func jumpOfWall() {
    let unit = 1_000 * plan.speed
    world.wallError =
      world.wallError == 0 ? world.dice.pick([-1, 1]) * world.dice.pick([2, 30, 3_000]) * unit : 0
    world.hit(.wallJump)
    world.note("the wall clock is off by \(world.wallError) ms")
  }

  /// Nobody is there for a day and a quarter; the shop goes on at its end.
  private mutating func absence() {
    for process in world.processes { process.kill() }
    world.processes.removeAll()
    startsAt.removeAll()
    compact(all: true)
    world.leap(max(30 * 3_600_000 / plan.speed, 60_000))
    world.hit(.longAbsence)
    world.note("everybody was away for 30 h")
    compact(all: true)
  }

  private mutating func changeConfiguration() {
    let next = world.dice.number(0...(plan.epochs.count - 1))
    if next == epoch { return }
    world.hit(next < epoch ? .configurationBack : .configurationChange)
    epoch = next
    world.note("the configuration is \(epoch) from now on")
    let isReloaded = world.dice.chance(50)
    for process in world.processes where world.dice.chance(70) {
      if isReloaded {
        process.reconfigure(next)
        if world.dice.chance(20) { process.arm(world.dice.pick(CrashPoint.allCases), after: 0) }
      } else if world.dice.chance(50) {
        process.stop()
      } else {
        process.kill()
      }
    }
  }

  private mutating func joinOrLeave(_ process: Process) {
    for other in world.processes where other !== process && world.dice.chance(30) {
      other.arm(.beforeRevoked, after: 0)
    }
    if world.dice.chance(50), instances.count < 4 {
      instances.append("lane-\(callers)-more")
      world.hit(.join)
    } else if instances.count > 1 {
      instances.removeAll { $0 == process.instance }
      if world.dice.chance(50) { process.stop() } else { process.kill() }
      world.hit(.leave)
      world.note("\(process): leaves")
    }
  }

  /// The same instance twice: the older one does not know it yet.
  private mutating func doubleStart(_ process: Process) {
    world.hit(.doubleStart)
    start(process.instance)
  }

  private mutating func compact(all: Bool = false) {
    let one = world.dice.number(0...(plan.partitions - 1))
    for number in 0..<plan.partitions where all || number == one {
      let report = try? world.cluster.compact(Names.state(Int32(number)))
      world.hit(.compaction)
      if let report, report.removedTombstones > 0 { world.hit(.tombstoneRetired) }
      world.note("state partition \(number) is compacted: \(report?.removed ?? 0) go")
    }
  }
}
