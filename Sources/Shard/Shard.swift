import Events
import Portrait
import Triggers

/// Everything the daemon knows about one input partition: a deterministic state machine.
///
/// Records come in by `apply` (an event), `advance` (a record whose name is not mapped) or `skip` (one that was
/// refused), the wall clock by `tick` on a quiet partition and by `resume` at a start. Alerts and counts leave in
/// the `TriggerOutput` that the caller passes. No clock, no I/O, no logger, no randomness: the state is a function
/// of the calls, and the calls that no record tells of stand in `clockLog`.
///
/// - `UserTable`: users by key. `DeadlineQueue`: hints of who is due when. `DirtyQueue`, `Shard+Flush`: what has to
///   be written to the state topic. `Shard+Restore`: how it is read again. `Epoch`: under which rules.
/// - After each call no deadline at or before the watermark is pending (an epoch's start excepted).
/// - What has caused trouble: deadlines fire *before* the event that makes them due is applied, and once more
///   for its own user after it (a late event can arm a deadline that is already due). A record that a user's
///   stored state already includes still moves the watermark for all others.
public struct Shard: ~Copyable {
  public let partition: Int32
  /// Whether changes are kept account of, to be flushed. Without it users who are gone leave nothing.
  let isJournaled: Bool
  var epochs: EpochList
  /// Of the present epoch.
  var constants: EpochConstants
  var users = UserTable()
  private var queue = DeadlineQueue()
  private var keyBuffer: [UInt8] = []
  var stateWriter = StateWriter()
  /// The next offset to read, and the event time up to which deadlines have fired (`Int64.min`: nothing seen yet).
  public internal(set) var position = Position(offset: 0, watermark: .min)
  /// Largest event time seen (of applied, duplicate or unmapped records).
  public internal(set) var latestEvent: Int64?
  /// Wall clock of the last resume.
  var resumed: Int64 = .min
  /// Clock steps since the recovery point, as of the last `trimClockLog`.
  public internal(set) var clockLog = ClockLog()
  var dirty = DirtyQueue()
  /// Users who are gone and whose marker is stored, with its position: they wait for their tombstone.
  var graves: [Grave] = []
  /// Records in the state partition, markers included and texts of epochs not.
  public internal(set) var storedCount = 0

  struct Grave {
    var index: UInt32
    var position: Position
  }

  /// A shard whose state does not outlive the process.
  public init(partition: Int32, rules: Rules) {
    self.init(partition: partition, epoch: Epoch(hash: 0, text: "", rules: rules), isJournaled: false)
  }

  /// - Parameter isJournaled: whether the state is flushed and can be restored.
  public init(partition: Int32, epoch: Epoch, isJournaled: Bool) {
    self.partition = partition
    self.isJournaled = isJournaled
    epochs = EpochList(epoch)
    constants = epoch.constants
  }

  /// Users known.
  public var userCount: Int { users.count }
  /// Event time up to which deadlines have fired.
  public var watermark: Int64 { position.watermark }
  /// Name of the present epoch.
  public var epochHash: UInt64 { epochs.currentHash }

  // MARK: Input

  /// Takes an event in.
  ///
  /// - Parameters:
  ///   - offset: of its record; nil: the next.
  ///   - recordClock: timestamp of the event's record, milliseconds since 1970 UTC.
  ///   - alerts: when so many alerts wait in `output`, and the event makes more deadlines due at a later instant,
  ///     the watermark takes only a part of its way.
  /// - Returns: false if it took only a part of its way: the event is not applied yet; call again.
  @discardableResult
  public mutating func apply(
    _ event: borrowing EventSlot, at offset: Int64? = nil, recordClock: Int64, alerts limit: Int = .max,
    into output: inout TriggerOutput
  ) -> Bool {
    let offset = offset ?? position.offset
    let clock = max(recordClock, resumed)
    let before = position
    guard move(to: event.ts, clock, limit, &output) else { return false }
    position.offset = offset + 1
    guard let isIdentified = setKey(event) else { return true }
    let hash = UserTable.hash(keyBuffer)
    var place = users.find(keyBuffer[...], hash)
    if let place, offset < users[place].stored.offset { return true }
    if event.type == .forget {
      if let place, users.isLive(place) {
        unpack(place)
        users[state: place].erase(&output)
        remove(place, before)
      }
      return true
    }
    if place == nil || !users.isLive(place!) {
      let state = UserState(
        key: String(decoding: keyBuffer, as: UTF8.self), isIdentified: isIdentified, firstSeen: event.ts,
        constants)
      if let place {
        users.revive(place, state, epoch: epochs.current)
      } else {
        place = users.insert(state, hash, epoch: epochs.current)
      }
    }
    let index = place!
    touch(index, before)
    users[state: index].apply(event, watermark: position.watermark, clock: clock, constants, &output)
    fireDue(index, before, clock, &output)
    return true
  }

  /// Moves time for a record that has a time and nothing to apply. As `apply` otherwise.
  @discardableResult
  public mutating func advance(
    eventTime: Int64, at offset: Int64? = nil, recordClock: Int64, alerts limit: Int = .max,
    into output: inout TriggerOutput
  ) -> Bool {
    let offset = offset ?? position.offset
    guard move(to: eventTime, max(recordClock, resumed), limit, &output) else { return false }
    position.offset = offset + 1
    return true
  }

  /// Passes over a record that says nothing.
  public mutating func skip(to nextOffset: Int64) {
    position.offset = max(position.offset, nextOffset)
  }

  /// What a tick came to.
  public enum TickOutcome: Sendable, Hashable {
    /// It would have made nothing due.
    case notTaken
    case taken
    /// It took a part of its way: so many alerts wait.
    case partly
  }

  /// Lets time pass on a quiet partition. A tick that makes nothing due is not taken, nor one on a partition that
  /// has seen no event; ticks reach at most `time.tick_for` beyond the largest event time.
  ///
  /// - Parameter limit: as for `apply`.
  @discardableResult
  public mutating func tick(
    clock: Int64, alerts limit: Int = .max, into output: inout TriggerOutput
  ) -> TickOutcome {
    guard let latestEvent else { return .notTaken }
    let rules = constants.rules.time
    let reach = min(clock, latestEvent.addingSaturated(rules.tickForMilliseconds))
    let mark = reach - rules.allowedLatenessMilliseconds
    // Always onwards: a step that left the position where it is could not be told from what came before it.
    guard mark > position.watermark, let next = nextDeadline(), next <= mark else { return .notTaken }
    let isComplete = fireAll(upTo: mark, clock, limit, &output)
    note(ClockEntry(.advance, offset: position.offset, watermark: position.watermark, clock: clock))
    return isComplete ? .taken : .partly
  }

  /// From now on no deadline is judged by a clock earlier than this: after a pause nothing is sent as fresh.
  public mutating func resume(clock: Int64) {
    resumed = max(resumed, clock)
    note(ClockEntry(.resume, offset: position.offset, watermark: position.watermark, clock: clock))
  }

  /// Moves time as a clock entry says, without noting it again.
  mutating func advance(to mark: Int64, clock: Int64, into output: inout TriggerOutput) {
    _ = fireAll(upTo: max(mark, position.watermark), clock, .max, &output)
  }

  private mutating func note(_ entry: ClockEntry) {
    if isJournaled { clockLog.append(entry) }
  }

  /// Fires everything that is pending, each deadline judged by its own time: the end of a recorded history.
  ///
  /// No event can come between any more, so each user's deadlines are fired in one go, which is many times as fast
  /// as going to and fro between users; the alerts are put in order of (time, first appearance) afterwards.
  /// - Parameter until: no deadline later than this.
  public mutating func drain(until: Int64 = .max, into output: inout TriggerOutput) {
    precondition(!isJournaled, "a drained shard is at its end")
    let before = output.alerts.count
    let start = position
    queue = DeadlineQueue()
    for index in users.placesByAppearance() {
      users[index].hinted = .max
      var isGone = false
      while !isGone, let deadline = users[state: index].deadline(constants), deadline.time <= until {
        position.watermark = max(position.watermark, deadline.time)
        isGone = handle(index, deadline, start, max(deadline.time, resumed), &output) == .isForgotten
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
    var time: Int64
    /// nil: told when the user is unpacked.
    var kind: UserState.DeadlineKind?
  }

  /// The earliest pending deadline of any user.
  public mutating func nextDeadline() -> Int64? {
    guard let due = takeDue(by: .max) else { return nil }
    hint(due.index, at: due.time)
    return due.time
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
      guard let due = deadline(index) else { continue }
      if due.time == first.time { return due }
      hint(index, at: due.time)
    }
    return nil
  }

  /// A user's deadline under the present epoch. One who was not touched in it is not changed by being looked at.
  private func deadline(_ index: Int) -> Due? {
    do throws(StateError) { return try readDeadline(index) } catch { unreadable(error) }
  }

  private func readDeadline(_ index: Int) throws(StateError) -> Due? {
    let isPresent = users[index].epoch == epochs.current
    if let packed = users.packed(index) {
      if isPresent { return packed.deadline.map { Due(index: index, time: $0) } }
      return convertedDeadline(index, try packed.user())
    }
    if !isPresent { return convertedDeadline(index, users[state: index]) }
    return users[state: index].deadline(constants).map { Due(index: index, time: $0.time, kind: $0.kind) }
  }

  private func convertedDeadline(_ index: Int, _ state: UserState) -> Due? {
    var state = state
    state.convert(from: epochs.constants(users[index].epoch), to: constants)
    return state.deadline(constants).map { Due(index: index, time: $0.time, kind: $0.kind) }
  }

  private mutating func hint(_ index: Int, at time: Int64) {
    users[index].hinted = time
    queue.push(
      DeadlineQueue.Hint(time: time, appearance: users[index].appearance, index: UInt32(index)))
  }

  /// Sees to it that the user has a hint at or before the earliest deadline.
  private mutating func schedule(_ index: Int) {
    if let due = deadline(index), due.time < users[index].hinted { hint(index, at: due.time) }
  }

  /// Hints for everyone, from nothing.
  ///
  /// - Throws: a user who was last touched in another epoch, and has to be decoded for it, cannot be.
  mutating func scheduleAll() throws(StateError) {
    var hints: [DeadlineQueue.Hint] = []
    hints.reserveCapacity(users.count)
    for index in 0..<users.placeCount where users.isLive(index) {
      users[index].hinted = .max
      guard let due = try readDeadline(index), due.time < .max else { continue }
      users[index].hinted = due.time
      hints.append(
        DeadlineQueue.Hint(time: due.time, appearance: users[index].appearance, index: UInt32(index)))
    }
    queue = DeadlineQueue(hints)
  }

  /// Moves the watermark to what an event at this time allows; whether it went all the way.
  private mutating func move(
    to eventTime: Int64, _ clock: Int64, _ limit: Int, _ output: inout TriggerOutput
  ) -> Bool {
    let mark = max(position.watermark, eventTime - constants.rules.time.allowedLatenessMilliseconds)
    // Also where the mark stays: a new epoch's deadlines may be due already.
    if let first = queue.first, first.time <= mark {
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

  /// Fires what is due in the whole shard up to `mark`, in order of (time, first appearance), and moves the
  /// watermark there; or as far as the last instant handled, when so many alerts wait. An instant is handled whole.
  /// - Returns: whether it went all the way.
  private mutating func fireAll(
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

  /// Fires what is due for one user after an event, then schedules the rest.
  private mutating func fireDue(
    _ index: Int, _ before: Position, _ clock: Int64, _ output: inout TriggerOutput
  ) {
    while let deadline = users[state: index].deadline(constants), deadline.time <= position.watermark {
      if handle(index, deadline, before, clock, &output) == .isForgotten { return }
    }
    schedule(index)
  }

  /// Fires a deadline that has been taken out of the queue, and schedules its user's next.
  private mutating func fire(
    _ due: Due, _ before: Position, _ clock: Int64, _ output: inout TriggerOutput
  ) {
    touch(due.index, before)
    let kind = due.kind ?? users[state: due.index].deadline(constants)!.kind
    if handle(due.index, (due.time, kind), before, clock, &output) == .stays { schedule(due.index) }
  }

  private mutating func handle(
    _ index: Int, _ deadline: (time: Int64, kind: UserState.DeadlineKind), _ before: Position, _ clock: Int64,
    _ output: inout TriggerOutput
  ) -> UserState.Remainder {
    let remainder = users[state: index].fire(
      deadline.kind, at: deadline.time, watermark: position.watermark, clock: clock, constants, &output)
    if remainder == .isForgotten { remove(index, before) }
    return remainder
  }

  // MARK: Users

  /// A user is about to change: unpacks him, brings him to the present epoch, and notes that he must be flushed.
  private mutating func touch(_ index: Int, _ before: Position) {
    unpack(index)
    if users[index].epoch != epochs.current {
      users[state: index].convert(from: epochs.constants(users[index].epoch), to: constants)
      users[index].epoch = epochs.current
    }
    if isJournaled, !users[index].isDirty {
      users[index].isDirty = true
      dirty.append(index, before)
    }
  }

  private mutating func remove(_ index: Int, _ before: Position) {
    if isJournaled {
      touch(index, before)
      users.bury(index)
    } else {
      users.remove(index)
    }
  }

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
    forEachUser { user in
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
