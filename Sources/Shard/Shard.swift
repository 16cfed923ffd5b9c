import Events
import Portrait
import Triggers

/// Everything the daemon knows about one input partition: a deterministic state machine.
///
/// Records come in by `apply` (an event) or `advance` (a record whose name is not mapped), the wall clock by
/// `tick` on a quiet partition and by `resume` at a start. Alerts and counts leave in the `TriggerOutput` that
/// the caller passes. No clock, no I/O, no logger, no randomness: the state is a function of the calls.
///
/// - `UserTable`: users by key. `DeadlineQueue`: hints of who is due when.
/// - After each call no deadline at or before the watermark is pending.
/// - What has caused trouble: deadlines fire *before* the event that makes them due is applied, and once more
///   for its own user after it (a late event can arm a deadline that is already due).
public struct Shard: ~Copyable {
  public let partition: Int32
  private let constants: EpochConstants
  var users = UserTable()
  private var queue = DeadlineQueue()
  private var keyBuffer: [UInt8] = []
  /// Event time up to which deadlines have fired. `Int64.min`: nothing seen yet.
  public private(set) var watermark: Int64 = .min
  /// Largest event time seen (of applied, duplicate or unmapped records).
  public private(set) var latestEvent: Int64?
  /// Wall clock of the last resume.
  private var resumed: Int64 = .min

  public init(partition: Int32, rules: Rules) {
    self.partition = partition
    constants = EpochConstants(rules)
  }

  /// Users known.
  public var userCount: Int { users.count }

  // MARK: Input

  /// Takes an event in.
  /// - Parameter recordClock: timestamp of the event's record, milliseconds since 1970 UTC.
  public mutating func apply(
    _ event: borrowing EventSlot, recordClock: Int64, into output: inout TriggerOutput
  ) {
    let clock = max(recordClock, resumed)
    move(to: event.ts, clock, &output)
    guard let isIdentified = setKey(event) else { return }
    let hash = UserTable.hash(keyBuffer)
    var place = users.find(keyBuffer[...], hash)
    if event.type == .forget {
      if let place {
        users[place].state.erase(&output)
        users.remove(place)
      }
      return
    }
    if place == nil {
      let state = UserState(
        key: String(decoding: keyBuffer, as: UTF8.self), isIdentified: isIdentified, firstSeen: event.ts,
        constants)
      place = users.insert(state, hash)
    }
    let index = place!
    users[index].state.apply(event, watermark: watermark, clock: clock, constants, &output)
    fireDue(index, clock, &output)
  }

  /// Moves time for a record that has a time and nothing to apply.
  public mutating func advance(eventTime: Int64, recordClock: Int64, into output: inout TriggerOutput) {
    move(to: eventTime, max(recordClock, resumed), &output)
  }

  /// Lets time pass on a quiet partition. A tick that makes nothing due is not taken, nor one on a partition that
  /// has seen no event; ticks reach at most `time.tick_for` beyond the largest event time.
  /// - Returns: whether it was taken.
  @discardableResult
  public mutating func tick(clock: Int64, into output: inout TriggerOutput) -> Bool {
    guard let latestEvent else { return false }
    let rules = constants.rules.time
    let reach = min(clock, latestEvent.addingSaturated(rules.tickForMilliseconds))
    let mark = reach - rules.allowedLatenessMilliseconds
    guard mark > watermark, let next = nextDeadline(), next <= mark else { return false }
    watermark = mark
    fireAll(clock, &output)
    return true
  }

  /// From now on no deadline is judged by a clock earlier than this: after a pause nothing is sent as fresh.
  public mutating func resume(clock: Int64) {
    resumed = max(resumed, clock)
  }

  /// Fires everything that is pending, each deadline judged by its own time: the end of a recorded history.
  ///
  /// No event can come between any more, so each user's deadlines are fired in one go, which is many times as fast
  /// as going to and fro between users; the alerts are put in order of (time, first appearance) afterwards.
  /// - Parameter until: no deadline later than this.
  public mutating func drain(until: Int64 = .max, into output: inout TriggerOutput) {
    let before = output.alerts.count
    queue = DeadlineQueue()
    for index in users.placesByAppearance() {
      users[index].hinted = .max
      var isGone = false
      while !isGone, let deadline = users[index].state.deadline(constants), deadline.time <= until {
        watermark = max(watermark, deadline.time)
        let due = Due(index: index, deadline: deadline)
        isGone = handle(due, max(deadline.time, resumed), &output) == .isForgotten
      }
      if !isGone { schedule(index) }
    }
    let ordered = output.alerts[before...].enumerated()
      .sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
    output.alerts.replaceSubrange(before..., with: ordered.map(\.element))
  }

  // MARK: Deadlines

  private struct Due {
    var index: Int
    var deadline: (time: Int64, kind: UserState.DeadlineKind)
  }

  /// The earliest pending deadline of any user.
  public mutating func nextDeadline() -> Int64? {
    guard let due = takeDue(by: .max) else { return nil }
    hint(due.index, at: due.deadline.time)
    return due.deadline.time
  }

  /// Takes the earliest deadline at or before `limit` out of the queue. Hints that are outdated on the way are
  /// put right, or dropped where their user is gone.
  private mutating func takeDue(by limit: Int64) -> Due? {
    while let first = queue.first, first.time <= limit {
      _ = queue.popFirst()
      let index = Int(first.index)
      // A hint that a newer one has overtaken, or of a user who is gone, counts for nothing.
      guard users.holds(index, first.appearance), users[index].hinted == first.time else { continue }
      users[index].hinted = .max
      guard let deadline = users[index].state.deadline(constants) else { continue }
      if deadline.time == first.time { return Due(index: index, deadline: deadline) }
      hint(index, at: deadline.time)
    }
    return nil
  }

  private mutating func hint(_ index: Int, at time: Int64) {
    users[index].hinted = time
    queue.push(
      DeadlineQueue.Hint(time: time, appearance: users[index].appearance, index: UInt32(index)))
  }

  /// Sees to it that the user has a hint at or before the earliest deadline.
  private mutating func schedule(_ index: Int) {
    guard let deadline = users[index].state.deadline(constants), deadline.time < users[index].hinted else {
      return
    }
    hint(index, at: deadline.time)
  }

  private mutating func move(to eventTime: Int64, _ clock: Int64, _ output: inout TriggerOutput) {
    if let latestEvent, eventTime <= latestEvent { return }
    latestEvent = eventTime
    let mark = eventTime - constants.rules.time.allowedLatenessMilliseconds
    guard mark > watermark else { return }
    watermark = mark
    fireAll(clock, &output)
  }

  /// Fires what is due in the whole shard, in order of (time, first appearance).
  private mutating func fireAll(_ clock: Int64, _ output: inout TriggerOutput) {
    while let due = takeDue(by: watermark) { fire(due, clock, &output) }
  }

  /// Fires what is due for one user after an event, then schedules the rest.
  private mutating func fireDue(_ index: Int, _ clock: Int64, _ output: inout TriggerOutput) {
    while let deadline = users[index].state.deadline(constants), deadline.time <= watermark {
      let isGone = handle(Due(index: index, deadline: deadline), clock, &output) == .isForgotten
      if isGone { return }
    }
    schedule(index)
  }

  /// Fires a deadline that has been taken out of the queue, and schedules its user's next.
  private mutating func fire(_ due: Due, _ clock: Int64, _ output: inout TriggerOutput) {
    if handle(due, clock, &output) == .stays { schedule(due.index) }
  }

  private mutating func handle(
    _ due: Due, _ clock: Int64, _ output: inout TriggerOutput
  ) -> UserState.Remainder {
    let remainder = users[due.index].state.fire(
      due.deadline.kind, at: due.deadline.time, watermark: watermark, clock: clock, constants, &output)
    if remainder == .isForgotten { users.remove(due.index) }
    return remainder
  }

  // MARK: Users

  /// Writes the event's user key to `keyBuffer`; nil: the event has none, else whether it is a `user_id`.
  private mutating func setKey(_ event: borrowing EventSlot) -> Bool? {
    keyBuffer.removeAll(keepingCapacity: true)
    if let id = event.userID {
      keyBuffer.append(contentsOf: event.slice(id))
      return true
    }
    guard let id = event.anonymousID else { return nil }
    keyBuffer.append(contentsOf: "anon:".utf8)
    keyBuffer.append(contentsOf: event.slice(id))
    return false
  }

  /// What became of all carts, given the counts of every output this shard has written to.
  public func accounting(_ tally: Tally) -> CartAccounting {
    var accounting = CartAccounting()
    accounting.opened = tally.cartsOpened
    for ending in CartEnding.allCases { accounting.endings[ending] = tally[ending] }
    addStanding(to: &accounting)
    return accounting
  }

  /// Adds the carts that have not ended: open, or expired and not yet forgotten.
  public func addStanding(to accounting: inout CartAccounting) {
    var open: Int64 = 0
    var expired: [CartEnding: Int64] = [:]
    users.forEach { user in
      switch user.cartStanding {
      case .none: break
      case .some(.none): open += 1
      case .some(.some(let ending)): expired[ending, default: 0] += 1
      }
    }
    accounting.open += open
    for (ending, count) in expired { accounting.endings[ending, default: 0] += count }
  }
}
