import Shard

/// The wheel of deadlines alone, used as a shard uses it, so that it can be measured without users.
///
/// Users are numbers below the capacity. As in a shard each has at most one deadline, and one that is moved to later
/// leaves its hint where it is until that comes due.
struct DeadlineProbe: ~Copyable {
  /// As a shard's table has them, in one line of the cache.
  private struct Entry {
    var deadline = Int64.max
    var hinted = Int64.max
  }

  private var wheel = DeadlineWheel()
  private var entries: [Entry]

  init(capacity: Int) { entries = Array(repeating: Entry(), count: capacity) }

  /// Sets a user's deadline, whether there was one or not; milliseconds since 1970 UTC.
  mutating func set(_ user: Int, at time: Int64) {
    entries[user].deadline = time
    if time < entries[user].hinted { hint(user, at: time) }
  }

  /// Takes a user's deadline away; his hint counts for nothing when it comes due.
  mutating func forget(_ user: Int) {
    entries[user] = Entry()
  }

  private mutating func hint(_ user: Int, at time: Int64) {
    entries[user].hinted = time
    wheel.push(DeadlineHint(time: time, appearance: UInt64(user), index: UInt32(user)))
  }

  /// Takes the earliest deadline at or before `limit` out; nil: there is none.
  mutating func fire(upTo limit: Int64) -> Int? {
    while let first = wheel.popFirst(by: limit) {
      while let near = wheel.popNear() { prefetch(Int(near)) }
      let user = Int(first.index)
      guard entries[user].hinted == first.time else { continue }
      entries[user].hinted = .max
      let deadline = entries[user].deadline
      if deadline == first.time {
        entries[user].deadline = .max
        return user
      }
      if deadline < .max { hint(user, at: deadline) }
    }
    return nil
  }

  private func prefetch(_ user: Int) {
    unsafe entries.withUnsafeBufferPointer { unsafe ebbPrefetch($0.baseAddress! + user) }
  }
}
