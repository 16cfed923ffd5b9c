import Events
import Portrait
import Shard
import Triggers

/// A user as a recovery takes him in: looked at, touched by every kind of event, left alone for a year, written again.
/// Whatever his record held, nothing of it may come to harm later.
enum RestoredUser {
  /// What recovery checks before: a record is not ahead of the committed offset. Kafka's offsets stay far below.
  private static let mostOffset: Int64 = 1 << 48
  /// Between these a partition's watermark lies, milliseconds since 1970 UTC: the decoder refuses other times.
  private static let times = DecoderLimits.minimumTime...DecoderLimits.maximumTime

  static func check(_ record: StateRecord, _ key: [UInt8], _ value: [UInt8]) throws {
    guard case .user(let user, let state) = record.content else { return }
    let epoch = Epoch(hash: record.epoch, text: "e", rules: Rules())
    var shard = Shard(partition: 0, epoch: epoch, isJournaled: true)
    let stored = unsafe key.withUnsafeBytes { key in
      unsafe value.withUnsafeBytes { value in
        Result { () throws(StateError) in try unsafe shard.restore(StoredRecord(key: key, value: value)) }
      }
    }
    guard case .success = stored else {
      try promise(shard.userCount == 0, "a record that was refused left a user")
      return
    }
    try promise(shard.userCount == 1, "one record made \(shard.userCount) users")
    _ = shard.look(for: user)
    guard record.position.offset < mostOffset else { return }
    // A record is believed about its user's deadline until he is decoded. One that tells another than he has comes from
    // a defect, and ends the process with a remedy: `Shard.unreadable`.
    var whole = state
    guard record.deadline == whole.deadline(EpochConstants(Rules()))?.time else { return }
    let watermark = times.contains(record.position.watermark) ? record.position.watermark : 1_735_689_600_000
    do throws(RestoreProblem) {
      try shard.finishRestore(
        RestorePoint(
          recoveryPoint: Position(offset: record.position.offset, watermark: watermark),
          epochHash: record.epoch,
          storedCount: 1, clockLog: ClockLog(base: 0)))
    } catch {
      return
    }
    try touch(&shard, user, from: watermark)
  }

  private static func touch(_ shard: inout Shard, _ user: String, from watermark: Int64) throws {
    var slot = EventSlot()
    var output = TriggerOutput()
    var time = min(watermark, times.upperBound - 2 * 366 * Milliseconds.day)
    var offset = shard.position.offset
    for event in script(user) {
      time += 7 * Milliseconds.minute
      slot.set(event)
      slot.ts = time
      shard.apply(slot, at: offset, recordClock: time, into: &output)
      offset += 1
    }
    shard.advance(eventTime: time + 366 * Milliseconds.day, at: offset, recordClock: time, into: &output)
    var changes: [StateChange] = []
    _ = shard.flush(FlushLimit(ordinal: .max, users: .max, bytes: .max), into: &changes)
    for change in changes {
      guard let value = change.value else { continue }
      do throws(StateError) {
        _ = try StateRecord(key: change.key, value: value)
      } catch {
        throw HostileFault("what was written of a restored user cannot be read: \(error)")
      }
    }
  }

  /// One of each kind that changes a user.
  private static func script(_ user: String) -> [Event] {
    let isAnonymous = user.hasPrefix("anon:")
    func event(_ type: EventType) -> Event {
      Event(
        type: type, ts: 0, userID: isAnonymous ? nil : user,
        anonymousID: isAnonymous ? String(user.dropFirst(5)) : nil)
    }
    var add = event(.cartAdd)
    add.itemID = "i1"
    add.priceMinor = 1_999
    add.currency = Currency("EUR")
    var remove = event(.cartRemove)
    remove.itemID = "i1"
    var set = event(.cartSet)
    set.items = [.init(itemID: "i2", priceMinor: 500, quantity: 3), .init(itemID: "i3")]
    var purchase = event(.purchase)
    purchase.orderID = "o"
    purchase.valueMinor = DecoderLimits.maximumMoneyMinor
    purchase.currency = Currency("EUR")
    purchase.items = [.init(itemID: "i2", priceMinor: 500, quantity: 1)]
    var refund = event(.refund)
    refund.orderID = "o"
    refund.valueMinor = 500
    var dwell = event(.pageDwell)
    dwell.dwellMilliseconds = DecoderLimits.maximumDwellMilliseconds
    var profile = event(.profile)
    profile.traits = ["timezone": .text("Europe/Paris"), "age": .number(30)]
    return [
      event(.pageView), dwell, add, event(.search), remove, set, event(.checkoutStart), purchase, refund,
      profile, add,
      event(.cartClear), add, event(.favourite), event(.click), event(.review),
    ]
  }
}
