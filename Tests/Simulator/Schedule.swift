import LogModel
import Pipeline

/// What happens when: turns of the lanes, time, the shop, mishaps; then calm, until everything is consumed.
struct Schedule {
  let world: World
  var feed: Feed
  /// The configuration that processes start with.
  var epoch = 0
  var callers = 0
  /// Instances that should run, and when the dead ones start again.
  var instances: [String] = []
  var startsAt: [String: Int64] = [:]
  private var isBusy = true

  init(_ world: World) {
    self.world = world
    feed = Feed(world)
  }

  var plan: Plan { world.plan }

  mutating func run() throws(Difference) {
    try begin()
    try settle()
    // Nothing is left open that would hold readers back.
    for process in world.processes { process.kill() }
    world.leap(plan.transactionTimeout + 1)
    world.cluster.deliverAllMarkers()
  }

  /// The lanes start, and live through everything that the plan has in store.
  mutating func begin() throws(Difference) {
    for number in 0..<plan.lanes { instances.append("lane-\(number)") }
    for _ in 0..<plan.steps { try step() }
  }

  private mutating func step() throws(Difference) {
    if world.dice.chance(plan.trouble) { mishap() }
    if plan.trouble > 0 { reloadInRecovery() }
    if world.dice.chance(5) { isBusy.toggle() }
    if isBusy, world.dice.chance(60) { feed.send(world.dice.number(0...plan.burst)) }
    world.pass(world.dice.pick([1, 10, 50, 200, 500, 1_000, 2_500]))
    try turnAll()
    if world.isDone { isBusy = true }
  }

  private mutating func turnAll() throws(Difference) {
    startDue()
    for process in world.processes {
      world.waits = 0
      for _ in 0..<world.dice.number(1...3) where process.isRunning { process.turn() }
    }
    try bury()
  }

  /// Starts what should run and does not.
  private mutating func startDue() {
    for instance in instances {
      let isAlive = world.processes.contains { $0.instance == instance && $0.isAlive }
      guard !isAlive else { continue }
      let due = startsAt[instance] ?? 0
      if world.now >= due || world.isCalm { start(instance) }
    }
  }

  mutating func start(_ instance: String) {
    callers += 1
    let process = Process(world, caller: callers, instance: instance, epoch: epoch)
    world.note("\(process): starts, epoch \(epoch)")
    world.processes.append(process)
    if !world.isCalm, plan.trouble > 0, world.dice.chance(35) {
      process.arm(world.dice.pick(Self.earlyPoints), after: world.dice.number(0...2))
    }
  }

  private static let earlyPoints: [CrashPoint] = [
    .beforeAssigned, .afterAssigned, .beforeStart, .beforeInitialize, .afterInitialize, .recoveryCounts,
    .recoveryCommitted, .recoveryStateBounds, .recoveryStateOpen, .recoveryState, .recoveryInputBounds,
    .recoveryInputOpen, .recoveryInputOpen, .recoveryInput, .recoveryInput, .recoveryDone,
  ]

  /// Takes the dead out; who has ended by himself must have had a reason.
  private mutating func bury() throws(Difference) {
    for process in world.processes where !process.isAlive {
      if let ending = process.ending, ending.code != .fenced, ending.code != .output {
        throw Difference("\(process) ended: \(ending)")
      }
      let pause = world.dice.pick([0, 100, 2_000, 2_000, plan.sessionTimeout * 2])
      startsAt[process.instance] = world.now + pause
    }
    world.processes.removeAll { !$0.isAlive }
  }

  /// Nothing goes wrong any more: everything must be consumed and committed in bounded time.
  mutating func settle() throws(Difference) {
    world.note("calm")
    world.isCalm = true
    world.endOutage()
    world.cluster.faults.clear()
    for process in world.processes {
      process.disarm()
      process.sleepsUntil = 0
      process.deafUntil = 0
      process.throttledUntil = 0
    }
    var rounds = 0
    while !world.isDone {
      rounds += 1
      guard rounds < 1_500 else { throw Difference("not everything was consumed: \(world.standing)") }
      world.pass(world.dice.pick([50, 200, 500]))
      try turnAll()
    }
  }
}

extension World {
  /// Whether all input is consumed and committed.
  var isDone: Bool {
    let commits = cluster.committedOffsets(Names.group)
    return (0..<Int32(plan.partitions)).allSatisfy { number in
      guard let commit = commits[Names.input(number)] else { return false }
      return commit.offset > (ends[number] ?? -1)
    }
  }

  /// Where partitions stand, for people.
  var standing: String {
    let commits = cluster.committedOffsets(Names.group)
    return (0..<Int32(plan.partitions)).map { number in
      let offset = commits[Names.input(number)].map { "\($0.offset)" } ?? "nothing"
      return "partition \(number): \(offset) of \((ends[number] ?? -1) + 1)"
    }.joined(separator: ", ")
  }
}
