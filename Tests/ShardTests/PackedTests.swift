import Events
import Portrait
import Shard
import SideBySide
import TestSupport
import Testing
import Triggers

/// Users who were restored and not touched since: kept as their record, and to all appearances like the others.
@Suite struct PackedTests {
  static let day = Milliseconds.day
  static let rules = Rules()

  /// A shard in the midst of a random history, everyone flushed.
  static func settled(seed: UInt64, rules: Rules? = nil) -> CrashingShard {
    let world = RandomWorld.make(SeededGenerator(seed: seed), zones: CrashTests.zones)
    var rules = rules ?? world.rules
    if seed.isMultiple(of: 2) {
      // Some are to be gone, with their marker.
      rules.state.forgetAfterMilliseconds = 2 * Self.day
      rules.windows = [WindowSpec(name: "hour", lengthMilliseconds: Milliseconds.hour)]
      rules.churn.enabled = false
    }
    var subject = CrashingShard(epochs: [
      Epoch(hash: 1, text: "one", rules: rules), Epoch(hash: 2, text: "two", rules: Self.rules),
    ])
    for step in world.steps {
      switch step {
      case .event(let event, let clock): subject.append(.event(event, clock: clock))
      case .advance(let time, let clock): subject.append(.time(time, clock: clock))
      case .tick, .resume, .drain: break
      }
      while subject.hasMore { _ = subject.read(alerts: .max / 2) }
      subject.close(users: 1, all: false)
    }
    subject.close(users: .max, all: true)
    return subject
  }

  /// What the shard says that the state partition holds of users and of those who are gone.
  static func stored(_ shard: inout Shard) -> [[UInt8]: [UInt8]] {
    var records: [[UInt8]: [UInt8]] = [:]
    unsafe shard.forEachStored { key, value in records[unsafe Array(key)] = unsafe Array(value) }
    return records
  }

  static func states(_ shard: borrowing Shard) -> [String: UserState] {
    var states: [String: UserState] = [:]
    shard.forEachUser { states[$0] = copy $1 }
    return states
  }

  /// A record of epoch 1 with this content, and a checksum that fits.
  static func value(kind: UInt8, _ content: [UInt8], key: [UInt8]) -> [UInt8] {
    // Format, kind, epoch, offset, watermark.
    var value: [UInt8] = [1, kind, 1, 0, 0, 0, 0, 0, 0, 0, 3, 4] + content
    let sum = StateRecord.checksum(key, value)
    for shift in [UInt32(0), 8, 16, 24] { value.append(UInt8(truncatingIfNeeded: sum >> shift)) }
    return value
  }

  static func unpackAll(_ shard: inout Shard) {
    for ordinal in 0..<shard.userCount { shard.unpack(user: ordinal) }
  }

  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func `What is stored of a user is the same whether he is packed or not`(seed: UInt64) throws {
    var subject = Self.settled(seed: seed)
    let topic = subject.stored.filter { $0.key.first != 0xFF }
    let before = Self.states(subject.shard)
    // As flushed and never restored.
    #expect(Self.stored(&subject.shard) == topic)
    try subject.crash { $0.shuffled() }
    #expect(subject.shard.packedCount == subject.shard.userCount)
    #expect(Self.stored(&subject.shard) == topic)
    #expect(Self.states(subject.shard) == before)
    Self.unpackAll(&subject.shard)
    #expect(subject.shard.packedCount == 0)
    #expect(Self.stored(&subject.shard) == topic)
    #expect(Self.states(subject.shard) == before)
  }

  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func `A packed user's deadlines fire as if he had never been packed`(seed: UInt64) throws {
    var packed = Self.settled(seed: seed)
    var plain = Self.settled(seed: seed)
    try packed.crash { $0.shuffled() }
    var (told, expected) = (TriggerOutput(), TriggerOutput())
    let latest = plain.shard.latestEvent
    let last = try #require(latest)
    for days in [1, 2, 9, 45, 200] as [Int64] {
      let next = (packed.shard.nextDeadline(), plain.shard.nextDeadline())
      #expect(next.0 == next.1)
      for shard in 0..<2 {
        let time = last + days * Self.day
        if shard == 0 {
          packed.shard.advance(eventTime: time, recordClock: time, into: &told)
        } else {
          plain.shard.advance(eventTime: time, recordClock: time, into: &expected)
        }
      }
    }
    #expect(CrashTests.differ(told.alerts, expected.alerts) == nil)
    #expect(Self.states(packed.shard) == Self.states(plain.shard))
    #expect(told.tally == expected.tally)
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `A packed user of an earlier epoch keeps his record, and comes due by the present rules`(
    seed: UInt64
  ) throws {
    var subject = Self.settled(seed: seed)
    let topic = subject.stored.filter { $0.key.first != 0xFF }
    subject.change(to: Epoch(hash: 2, text: "two", rules: Self.rules))
    let expected = subject.shard.nextDeadline()
    try subject.crash { $0.shuffled() }
    #expect(subject.shard.packedCount == subject.shard.userCount)
    #expect(Self.stored(&subject.shard) == topic)
    #expect(subject.shard.nextDeadline() == expected)
    Self.unpackAll(&subject.shard)
    // To be at hand is not to be touched: the record still names the earlier epoch.
    #expect(Self.stored(&subject.shard) == topic)
    #expect(subject.shard.nextDeadline() == expected)
  }

  @Test func `Looking at a packed user's deadline leaves him packed, and events that he knows too`() throws {
    var subject = Self.settled(seed: 3)
    try subject.crash { $0 }
    let users = subject.shard.userCount
    _ = subject.shard.nextDeadline()
    #expect(users > 0 && subject.shard.packedCount == users)
  }

  @Test func `A record that tells a deadline which has passed is refused at the restore`() throws {
    var shard = Shard(partition: 0, epoch: Epoch(hash: 1, text: "", rules: Self.rules), isJournaled: true)
    let point = Position(offset: 9, watermark: 1_700_000_000_000)
    let user = UserState(
      isIdentified: true, firstSeen: 1_600_000_000_000, EpochConstants(Self.rules))
    let record = StateRecord(
      epoch: 1, position: Position(offset: 8, watermark: point.watermark), deadline: point.watermark,
      content: .user("u", user))
    var writer = StateWriter()
    record.encode(into: &writer)
    try unsafe record.key.withUnsafeBytes { key in
      try unsafe writer.withBytes { try unsafe shard.restore(StoredRecord(key: key, value: $0)) }
    }
    shard.restore(
      Epoch(hash: 1, text: "", rules: Self.rules), at: Position(offset: 0, watermark: .min))
    let problem = RestoreProblem.overdue(deadline: point.watermark, watermark: point.watermark)
    let found = #expect(throws: RestoreProblem.self) {
      try shard.finishRestore(
        RestorePoint(recoveryPoint: point, epochHash: 1, storedCount: 1, clockLog: ClockLog()))
    }
    #expect(found == problem)
  }

  @Test func `A user of an earlier epoch who cannot be decoded is refused at the restore`() throws {
    var shard = Shard(partition: 0, epoch: Epoch(hash: 2, text: "", rules: Self.rules), isJournaled: true)
    let key = Array("u".utf8)
    // No deadline, and flags that there are not.
    let value = Self.value(kind: 1, [0, 0x7F], key: key)
    try unsafe key.withUnsafeBytes { key in
      try unsafe value.withUnsafeBytes { try unsafe shard.restore(StoredRecord(key: key, value: $0)) }
    }
    for hash in [1, 2] as [UInt64] {
      shard.restore(
        Epoch(hash: hash, text: "", rules: Self.rules), at: Position(offset: 0, watermark: .min))
    }
    let found = #expect(throws: RestoreProblem.self) {
      try shard.finishRestore(
        RestorePoint(
          recoveryPoint: Position(offset: 5, watermark: 5), epochHash: 2, storedCount: 1, clockLog: ClockLog()
        ))
    }
    guard case .unreadable = found else {
      Issue.record("found \(String(describing: found))")
      return
    }
  }

  @Test func `A key that is no text is refused at the restore`() throws {
    var shard = Shard(partition: 0, epoch: Epoch(hash: 1, text: "", rules: Self.rules), isJournaled: true)
    let key: [UInt8] = [0x75, 0xC3]
    let value = Self.value(kind: 2, [], key: key)
    #expect(throws: StateError.self) {
      try unsafe key.withUnsafeBytes { key in
        try unsafe value.withUnsafeBytes { try unsafe shard.restore(StoredRecord(key: key, value: $0)) }
      }
    }
  }
}
