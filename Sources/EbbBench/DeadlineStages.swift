import Measuring
import Shard

/// The wheel of deadlines with so many pending: as users of a day have them, ends of sessions half an hour ahead and
/// steps and evaluations up to three days.
final class DeadlineLoad {
  let pending: Int
  private var probe: DeadlineProbe
  private var now = DemoShop.start
  private var random = BenchRandom(seed: 3)
  private var spans: [Int64] = []
  private var turn = 0

  init(pending: Int) {
    self.pending = pending
    probe = DeadlineProbe(capacity: pending * 2)
    spans = (0..<(1 << 16)).map { _ in
      switch random.below(4) {
      case 0, 1: Int64(1_800_000 + random.below(1_000))
      case 2: 3_600_000 * Int64(1 + random.below(72)) + Int64(random.below(1_000))
      default: Int64(random.below(86_400_000))
      }
    }
  }

  /// Time ahead of the present, drawn beforehand.
  private func span() -> Int64 {
    turn = (turn + 1) & (spans.count - 1)
    return spans[turn]
  }

  private(set) var isFilled = false

  /// Users 0 ..< pending have deadlines, and the others none.
  func fill() {
    if isFilled { return }
    isFilled = true
    for user in 0..<pending { probe.set(user, at: now + span()) }
  }

  /// Deadlines for users who had none. They are forgotten afterwards, so that the next run can insert them again; their
  /// hints stay until they come due, as in a shard.
  func insert(_ count: Int, _ meter: inout Meter) {
    meter.measure { for user in pending..<pending + count { probe.set(user, at: now + span()) } }
    for user in pending..<pending + count { probe.forget(user) }
  }

  /// Every event moves the deadline of its user to later.
  func move(_ users: [UInt32], from start: Int, _ count: Int, _ meter: inout Meter) {
    meter.measure {
      for place in start..<start + count {
        now += 1
        probe.set(Int(users[place % users.count]), at: now + span())
      }
    }
  }

  /// Lets so many come due, each of whom gets another.
  func fire(_ count: Int, _ meter: inout Meter) {
    meter.measure {
      var left = count
      while left > 0 {
        now += 1_000
        while left > 0, let user = probe.fire(upTo: now) {
          probe.set(user, at: now + span())
          left -= 1
        }
      }
    }
  }
}

final class DeadlineStage: Stage {
  enum Kind: String {
    case insert = "insert"
    case move = "move to later"
    case fire = "fire, and set the next"
  }

  let kind: Kind
  let unit = "deadline"
  private let load: DeadlineLoad
  private let count: Int
  private var users: [UInt32] = []
  private var place = 0

  init(_ kind: Kind, _ load: DeadlineLoad, count: Int) {
    self.kind = kind
    self.load = load
    self.count = count
  }

  var name: String { kind.rawValue }

  var fixedInput: String? {
    switch kind {
    case .insert: "insert deadline"
    case .move: "move deadline"
    case .fire: "fire deadline"
    }
  }

  func prepare() {
    load.fill()
    users = Access.uniform.sequence(1 << 20, users: load.pending, seed: 5)
    _ = run()
  }

  func run() -> Sample {
    var meter = Meter()
    switch kind {
    case .insert: load.insert(count, &meter)
    case .move:
      load.move(users, from: place, count, &meter)
      place = (place + count) % users.count
    case .fire: load.fire(count, &meter)
    }
    return meter.sample(perEach: count)
  }

  static func group(pending: Int, count: Int) -> StageGroup {
    let load = DeadlineLoad(pending: pending)
    let kinds: [Kind] = [.insert, .move, .fire]
    return StageGroup(
      title: "Deadlines: with \(pending.grouped) pending",
      stages: kinds.map { DeadlineStage($0, load, count: count) })
  }
}
