import Events
import Portrait
import Triggers

// Who is due when: hints in the wheel, re-checked against the user's own deadline when they come up, and what firing
// a deadline does. Whoever is due is laid out on the desk, handled, and written back.
extension Shard {
  /// Overtaken hints are known of that are due within 49 days.
  private static var overtakenReach: Int64 { 1 << 32 }

  struct Due {
    var index: Int
    var time: Int64
  }

  /// The earliest pending deadline of any user, if it is at or before `limit`.
  public mutating func nextDeadline(by limit: Int64 = .max) -> Int64? {
    guard let due = takeDue(by: limit) else { return nil }
    hint(due.index, at: due.time)
    return due.time
  }

  /// Takes the earliest deadline at or before `limit` out of the wheel. Hints that are outdated on the way are
  /// put right, or dropped where their user is gone.
  mutating func takeDue(by limit: Int64) -> Due? {
    while let first = wheel.popFirst(by: limit) {
      // Of those who were near before the entries have come.
      if wheel.hasNear {
        prefetchSoon()
        prefetchNear()
      }
      let index = Int(first.index)
      // A hint that a newer one has overtaken, or of a user who is gone, counts for nothing.
      guard users.holds(index, first.appearance) else { continue }
      guard users[index].hinted == first.time else {
        if users[index].overtaken == UInt32(truncatingIfNeeded: first.time) { users[index].overtaken = 0 }
        continue
      }
      users[index].hinted = .max
      let time = deadline(index)
      if time == .max { continue }
      if time == first.time { return Due(index: index, time: time) }
      hint(index, at: time)
    }
    return nil
  }

  /// A user's deadline under the present epoch, `Int64.max`: none. One who was not touched in it is not changed by
  /// being looked at.
  private mutating func deadline(_ index: Int) -> Int64 {
    do throws(StateError) { return try readDeadline(index) } catch { unreadable(error) }
  }

  private mutating func readDeadline(_ index: Int) throws(StateError) -> Int64 {
    let block = users.block(index)
    if users[index].epoch == epochs.current {
      guard block.kind == .state, unsafe UserState.isDeadlineEarly(block.content) else {
        return block.deadline
      }
      take(index)
      let time = desk.state.deadline(constants)?.time ?? .max
      desk.put(into: &users, index, deadline: time, constants)
      return time
    }
    try layOut(index)
    convert(index)
    return desk.state.deadline(constants)?.time ?? .max
  }

  /// Gives a user a hint at this time, which is earlier than the one that he has, or that he has none of.
  ///
  /// Who comes back is to be looked at sooner than was thought: the hint of before stays in the wheel. When his visit is
  /// over it serves again, rather than a third.
  mutating func hint(_ index: Int, at time: Int64) {
    let present = users[index].hinted
    if present < .max {
      // Nearer than that, so that its upper half follows from the watermark.
      let isNear =
        present > position.watermark && present < position.watermark.addingSaturated(Self.overtakenReach)
      if isNear { users[index].overtaken = UInt32(truncatingIfNeeded: present) }
    } else if users[index].overtaken != 0 {
      let distance = users[index].overtaken &- UInt32(truncatingIfNeeded: position.watermark)
      let overtaken = position.watermark + Int64(distance)
      if overtaken <= time {
        users[index].hinted = overtaken
        users[index].overtaken = 0
        return
      }
    }
    users[index].hinted = time
    wheel.push(DeadlineHint(time: time, appearance: users[index].appearance, index: UInt32(index)))
  }

  /// Hints for everyone, from nothing.
  ///
  /// - Throws: a user who was last touched in another epoch, and has to be decoded for it, cannot be.
  mutating func scheduleAll() throws(StateError) {
    wheel = DeadlineWheel()
    for index in 0..<users.placeCount where users.isLive(index) {
      let time = try readDeadline(index)
      users[index].hinted = .max
      users[index].overtaken = 0
      if time < .max { hint(index, at: time) }
    }
  }

  /// Moves the watermark to what an event at this time allows; whether it went all the way.
  mutating func move(
    to eventTime: Int64, _ clock: Int64, _ limit: Int, _ output: inout TriggerOutput
  ) -> Bool {
    let mark = max(position.watermark, eventTime - constants.rules.time.allowedLatenessMilliseconds)
    if !soon.isEmpty { prefetchSoon() }
    // Also where the mark stays: a new epoch's deadlines may be due already.
    let isDue = wheel.first(by: mark) != nil
    if wheel.hasNear { prefetchNear() }
    if isDue {
      guard fireAll(upTo: mark, clock, limit, &output) else {
        note(ClockEntry(.advance, offset: position.offset, watermark: position.watermark, clock: clock))
        return false
      }
    } else {
      position.watermark = mark
    }
    latestEvent = max(latestEvent ?? eventTime, eventTime)
    return true
  }

  /// Asks for the entries of those who are due soon.
  @inline(never) private mutating func prefetchNear() {
    while let index = wheel.popNear() {
      users.prefetchEntry(at: index)
      soon.append(index)
    }
  }

  /// Asks for the blocks of those whose entries have been asked for, best a while ago.
  @inline(never) private mutating func prefetchSoon() {
    while let index = soon.popLast() { users.prefetchBlock(at: index) }
  }

  /// Fires what is due in the whole shard up to `mark`, in order of (time, first appearance), and moves the
  /// watermark there; or as far as the last instant handled, when so many alerts wait. An instant is handled whole.
  /// - Returns: whether it went all the way.
  mutating func fireAll(
    upTo mark: Int64, _ clock: Int64, _ limit: Int, _ output: inout TriggerOutput
  ) -> Bool {
    let before = position
    var handled = Int64.min
    while let due = takeDue(by: mark) {
      if output.alerts.count >= limit, due.time > handled, handled > before.watermark {
        hint(due.index, at: due.time)
        position.watermark = handled
        return false
      }
      handled = max(handled, due.time)
      fire(due, before, clock, &output)
    }
    position.watermark = mark
    return true
  }

  /// Fires a deadline that has been taken out of the wheel, and schedules its user's next.
  private mutating func fire(
    _ due: Due, _ before: Position, _ clock: Int64, _ output: inout TriggerOutput
  ) {
    take(due.index)
    change(due.index, before)
    let next = desk.state.deadline(constants)!
    if handle(due.index, next, clock, &output) == .stays {
      put(due.index, desk.state.deadline(constants)?.time)
    }
  }

  /// After an event: fires what is due for its user, writes him back, and schedules the rest.
  mutating func finish(
    _ index: Int, _ who: Identity, _ before: Position, _ clock: Int64, _ output: inout TriggerOutput
  ) {
    var next = desk.state.deadline(constants)
    while let due = next, due.time <= position.watermark {
      if handle(index, due, clock, &output) == .isForgotten { return }
      next = desk.state.deadline(constants)
    }
    put(index, next?.time)
  }

  /// Handles a deadline of the user on the desk.
  mutating func handle(
    _ index: Int, _ deadline: (time: Int64, kind: UserState.DeadlineKind), _ clock: Int64,
    _ output: inout TriggerOutput
  ) -> UserState.Remainder {
    desk.need(desk.state.needed(for: deadline.kind))
    let who = unsafe Identity(key: users.block(index).key, isIdentified: desk.state.isIdentified)
    let remainder = desk.state.fire(
      deadline.kind, of: who, at: deadline.time, watermark: position.watermark, clock: clock, constants,
      &output)
    if remainder == .isForgotten { remove(index) }
    return remainder
  }
}
