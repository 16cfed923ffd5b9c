import Shard

/// The wheel of deadlines alone, used as a shard uses it, so that it can be measured without users.
///
/// Users are numbers below the capacity. As in a shard each has at most one deadline, and one that is moved to later
/// leaves its hint where it is until that comes due.
struct DeadlineProbe: ~Copyable {
  private var wheel = DeadlineWheel()
  private var deadlines: [Int64]
  private var hinted: [Int64]

  init(capacity: Int) {
    deadlines = Array(repeating: .max, count: capacity)
    hinted = deadlines
  }

  /// Sets a user's deadline, whether there was one or not; milliseconds since 1970 UTC.
  mutating func set(_ user: Int, at time: Int64) {
    deadlines[user] = time
    if time < hinted[user] { hint(user, at: time) }
  }

  /// Takes a user's deadline away; his hint counts for nothing when it comes due.
  mutating func forget(_ user: Int) {
    deadlines[user] = .max
    hinted[user] = .max
  }

  private mutating func hint(_ user: Int, at time: Int64) {
    hinted[user] = time
    wheel.push(DeadlineHint(time: time, appearance: UInt64(user), index: UInt32(user)))
  }

  /// Takes the earliest deadline at or before `limit` out; nil: there is none.
  mutating func fire(upTo limit: Int64) -> Int? {
    while let first = wheel.popFirst(by: limit) {
      let user = Int(first.index)
      guard hinted[user] == first.time else { continue }
      hinted[user] = .max
      let deadline = deadlines[user]
      if deadline == first.time {
        deadlines[user] = .max
        return user
      }
      if deadline < .max { hint(user, at: deadline) }
    }
    return nil
  }
}
