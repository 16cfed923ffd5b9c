/// The queue of deadlines alone, used as a shard uses it, so that it can be measured without users.
///
/// Users are numbers below the capacity. As in a shard each has at most one deadline, and one that is moved to later
/// leaves its hint where it is until that comes due.
package struct DeadlineProbe: ~Copyable {
  private var queue = DeadlineQueue()
  private var deadlines: [Int64]
  private var hinted: [Int64]

  package init(capacity: Int) {
    deadlines = Array(repeating: .max, count: capacity)
    hinted = deadlines
  }

  /// Sets a user's deadline, whether there was one or not; milliseconds since 1970 UTC.
  package mutating func set(_ user: Int, at time: Int64) {
    deadlines[user] = time
    if time < hinted[user] { hint(user, at: time) }
  }

  private mutating func hint(_ user: Int, at time: Int64) {
    hinted[user] = time
    queue.push(DeadlineQueue.Hint(time: time, appearance: UInt64(user), index: UInt32(user)))
  }

  /// Takes the earliest deadline at or before `limit` out; nil: there is none.
  package mutating func fire(upTo limit: Int64) -> Int? {
    while let first = queue.first, first.time <= limit {
      _ = queue.popFirst()
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
