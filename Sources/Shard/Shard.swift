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
/// - `Shard+Deadlines`: who is due when, and what follows.
/// - `UserTable`: users by key, each a block of bytes. `Desk`: the one who is being looked at, laid out as a state.
///   `DeadlineWheel`: hints of who is due when. `DirtyQueue`, `Shard+Flush`: what has to
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
  var constants: EpochConstants { didSet { visitRules = VisitRules(constants.portrait) } }
  private var visitRules: VisitRules
  var users: UserTable
  var desk: Desk
  var wheel = DeadlineWheel()
  /// Places of users whose deadlines are near, and whose memory is on its way.
  var soon = FlatArray<UInt32>()
  private var keyText = KeyText()
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
  /// Nothing that was restored is current to more than this offset.
  var restoredOffset: Int64 = 0
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
    visitRules = VisitRules(epoch.constants.portrait)
    users = UserTable(isStored: isJournaled)
    desk = Desk(epoch.constants)
  }

  /// Users known.
  public var userCount: Int { users.count }
  /// Memory taken for users, their keys and their deadlines, bytes.
  public var memoryBytes: Int { users.bytes + wheel.bucketBytes }
  /// What the part of it that is about to grow next takes beside itself while it does, bytes; 0: none is.
  public var growthBytes: Int { users.growthBytes }
  /// Hints of deadlines, those included that count for nothing any more.
  package var hintCount: Int { wheel.count }
  /// No deadline is earlier than this; nil: none is pending. It may lie before the earliest, but never at or before the
  /// watermark for long.
  public var earliestDeadline: Int64? { wheel.lowerBound < .max ? wheel.lowerBound : nil }
  /// Event time up to which deadlines have fired.
  public var watermark: Int64 { position.watermark }
  /// Name of the present epoch.
  public var epochHash: UInt64 { epochs.currentHash }

  // MARK: Input

  /// Takes an event in.
  ///
  /// - Parameters:
  ///   - offset: of its record; nil: the next.
  ///   - hash: what `prefetch` returned for it; 0: it was not called.
  ///   - recordClock: timestamp of the event's record, milliseconds since 1970 UTC.
  ///   - alerts: when so many alerts wait in `output`, and the event makes more deadlines due at a later instant,
  ///     the watermark takes only a part of its way.
  /// - Returns: false if it took only a part of its way: the event is not applied yet; call again.
  @discardableResult
  public mutating func apply(
    _ event: borrowing EventSlot, at offset: Int64? = nil, hash: UInt32 = 0, recordClock: Int64,
    alerts limit: Int = .max, into output: inout TriggerOutput
  ) -> Bool {
    let offset = offset ?? position.offset
    let clock = max(recordClock, resumed)
    let before = position
    guard move(to: event.ts, clock, limit, &output) else { return false }
    position.offset = offset + 1
    guard keyText.set(event) else { return true }
    let key = unsafe keyText.bytes
    let hash = unsafe hash != 0 ? hash : UserTable.hash(key)
    let known = unsafe users.find(key, hash)
    if let known, offset < restoredOffset, offset < users[stored: known].position.offset { return true }
    if event.type == .forget {
      if let known, users.isLive(known) { erase(known, before, &output) }
      return true
    }
    let index: Int
    if let known, users.isLive(known) {
      index = known
      if event.type.isBrowsing, browse(known, event, before, &output) { return true }
      take(index)
    } else {
      desk.takeNew(isIdentified: keyText.isIdentified, firstSeen: event.ts, constants)
      if let known {
        users.revive(known, epoch: epochs.current)
        index = known
      } else {
        index = unsafe users.insert(key, hash, epoch: epochs.current)
      }
    }
    change(index, before)
    desk.need(.needed(by: event.type))
    let who = unsafe Identity(key: key, isIdentified: desk.state.isIdentified)
    desk.state.apply(event, of: who, watermark: position.watermark, clock: clock, constants, &output)
    finish(index, who, before, clock, &output)
    return true
  }

  /// Applies an event of browsing where its user's block lies; false: it has to go the long way.
  @inline(__always)
  private mutating func browse(
    _ index: Int, _ event: borrowing EventSlot, _ before: Position, _ output: inout TriggerOutput
  ) -> Bool {
    let block = users.block(index)
    guard users[index].epoch == epochs.current, block.kind == .state else { return false }
    let outcome = unsafe UserState.browse(
      event, in: block.content, room: block.room, watermark: position.watermark, visitRules)
    switch outcome {
    case .notInPlace: return false
    case .duplicate: output.tally.duplicates += 1
    // Never earlier than it was, so that his hint holds.
    case .applied(let deadline, _, _): block.deadline = deadline
    }
    change(index, before)
    return true
  }

  /// Asks for the memory that `apply` will look at, for an event that comes a little later. Worth while for batches:
  /// `prefetch` for all of them, then `prefetchUser`, then `prefetchState`, then `apply`.
  ///
  /// - Returns: for the other steps and `apply`.
  @discardableResult
  public mutating func prefetch(_ event: borrowing EventSlot) -> UInt32 {
    guard keyText.set(event) else { return 0 }
    let hash = unsafe UserTable.hash(keyText.bytes)
    users.prefetchSlot(hash)
    return hash
  }

  /// See `prefetch`. Mutating, like the next, so that nothing is copied for the call.
  public mutating func prefetchUser(_ hash: UInt32) { users.prefetchEntry(hash) }

  /// See `prefetch`.
  public mutating func prefetchState(_ hash: UInt32) { users.prefetchBlock(hash) }

  private mutating func erase(_ index: Int, _ before: Position, _ output: inout TriggerOutput) {
    take(index)
    change(index, before)
    desk.state.erase(&output)
    remove(index)
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
    guard mark > position.watermark, nextDeadline(by: mark) != nil else { return .notTaken }
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

  mutating func note(_ entry: ClockEntry) {
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
    wheel = DeadlineWheel()
    for index in users.placesByAppearance() {
      users[index].hinted = .max
      users[index].overtaken = 0
      take(index)
      change(index, start)
      var next = desk.state.deadline(constants)
      var isGone = false
      while !isGone, let deadline = next, deadline.time <= until {
        position.watermark = max(position.watermark, deadline.time)
        isGone = handle(index, deadline, max(deadline.time, resumed), &output) == .isForgotten
        next = isGone ? nil : desk.state.deadline(constants)
      }
      if !isGone { put(index, next?.time) }
    }
    let ordered = output.alerts[before...].enumerated()
      .sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
    output.alerts.replaceSubrange(before..., with: ordered.map(\.element))
  }

  // MARK: Users

  /// The user on the desk is about to change: brings him to the present epoch, and notes that he must be flushed.
  mutating func change(_ index: Int, _ before: Position) {
    if users[index].epoch != epochs.current {
      convert(index)
      users[index].epoch = epochs.current
    }
    if isJournaled, !users[index].isDirty {
      users[index].isDirty = true
      dirty.append(index, before)
    }
  }

  /// Brings the user on the desk to the present epoch.
  mutating func convert(_ index: Int) {
    desk.need(.neededByConversion)
    desk.state.convert(from: epochs.constants(users[index].epoch), to: constants)
  }

  /// Writes the user on the desk back, and sees to it that he has a hint at or before his deadline.
  mutating func put(_ index: Int, _ deadline: Int64?) {
    let time = deadline ?? .max
    desk.put(into: &users, index, deadline: time, constants)
    if time < users[index].hinted { hint(index, at: time) }
  }

  /// The user on the desk is gone. Of a shard whose state is stored he leaves his key, until the topic has
  /// forgotten him too.
  mutating func remove(_ index: Int) {
    if isJournaled { users.bury(index) } else { users.remove(index) }
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
    forEachUser { _, user in
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
