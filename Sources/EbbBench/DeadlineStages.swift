import Measuring
import Shard

/// The wheel of deadlines with so many pending: as users of a day have them, ends of sessions half an hour ahead and
/// steps and evaluations up to three days.
struct DeadlineLoad: ~Copyable {
  let pending: Int
  private var probe: DeadlineProbe
  private var now = DemoShop.start
  /// Times ahead of the present, drawn beforehand.
  private var spans = DrawnSpans()
  private var isFilled = false

  init(pending: Int) {
    self.pending = pending
    probe = DeadlineProbe(capacity: pending * 2)
  }

  /// Users 0 ..< pending have deadlines, and the others none.
  mutating func fill() {
    if isFilled { return }
    isFilled = true
    for user in 0..<pending { probe.set(user, at: now + spans.next()) }
  }

  /// Deadlines for users who had none.
  mutating func insert(_ count: Int) {
    for user in pending..<pending + count { probe.set(user, at: now + spans.next()) }
  }

  /// Forgets those that were inserted, so that the next run can insert them again; their hints stay until they come
  /// due, as in a shard.
  mutating func forget(_ count: Int) {
    for user in pending..<pending + count { probe.forget(user) }
  }

  /// Every event moves the deadline of its user to later.
  mutating func move(_ users: [UInt32], from start: Int, _ count: Int) {
    for place in start..<start + count {
      now += 1
      probe.set(Int(users[place % users.count]), at: now + spans.next())
    }
  }

  /// Lets so many come due, each of whom gets another.
  mutating func fire(_ count: Int) {
    var left = count
    while left > 0 {
      now += 1_000
      while left > 0, let user = probe.fire(upTo: now) {
        probe.set(user, at: now + spans.next())
        left -= 1
      }
    }
  }
}

/// Times ahead of the present, over and over.
private struct DrawnSpans {
  private let spans: [Int64]
  private var turn = 0

  init() {
    var random = BenchRandom(seed: 3)
    spans = (0..<(1 << 16)).map { _ in
      switch random.below(4) {
      case 0, 1: Int64(1_800_000 + random.below(1_000))
      case 2: 3_600_000 * Int64(1 + random.below(72)) + Int64(random.below(1_000))
      default: Int64(random.below(86_400_000))
      }
    }
  }

  mutating func next() -> Int64 {
    turn = (turn + 1) & (spans.count - 1)
    return spans[turn]
  }
}

/// One load for the stages of a group, which work on it in turn.
final class DeadlineLoadBox {
  var load: DeadlineLoad

  init(pending: Int) { load = DeadlineLoad(pending: pending) }
}

final class DeadlineStage: Stage {
  enum Kind: String {
    case insert = "insert"
    case move = "move to later"
    case fire = "fire, and set the next"
  }

  let kind: Kind
  let unit = "deadline"
  private let box: DeadlineLoadBox
  private let count: Int
  private var users: [UInt32] = []
  private var place = 0

  init(_ kind: Kind, _ box: DeadlineLoadBox, count: Int) {
    self.kind = kind
    self.box = box
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
    box.load.fill()
    users = Access.uniform.sequence(1 << 20, users: box.load.pending, seed: 5)
    _ = run()
  }

  func run() -> Sample {
    var meter = Meter()
    switch kind {
    case .insert:
      meter.measure { box.load.insert(count) }
      box.load.forget(count)
    case .move:
      meter.measure { box.load.move(users, from: place, count) }
      place = (place + count) % users.count
    case .fire: meter.measure { box.load.fire(count) }
    }
    return meter.sample(perEach: count)
  }

  static func group(pending: Int, count: Int) -> StageGroup {
    let box = DeadlineLoadBox(pending: pending)
    let kinds: [Kind] = [.insert, .move, .fire]
    return StageGroup(
      title: "Deadlines: with \(pending.grouped) pending",
      stages: kinds.map { DeadlineStage($0, box, count: count) })
  }
}
