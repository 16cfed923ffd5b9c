import Events
import Shard
import Triggers

/// A mapping's decoder twice: one walks records the quick way, the other by the parser alone.
final class EventReader {
  let name: String
  private var quick: Decoder
  private var plain: Decoder
  private var slot = EventSlot()

  init(_ name: String, _ mapping: Mapping) {
    self.name = name
    quick = Decoder(mapping: mapping)
    plain = Decoder(mapping: mapping)
    plain.usesQuickWalk(false)
    plain.usesQuickFill(false)
  }

  /// Decodes a record both ways, holds what came of it against what is documented, and hands over the events.
  ///
  /// - Returns: how many there were.
  func read(
    _ record: [UInt8], key: [UInt8]?, recordTime: Int64, _ body: (borrowing EventSlot) -> Void = { _ in }
  ) throws -> Int {
    let first = try Self.decode(&quick, &slot, record, key, recordTime, body)
    let second = try Self.decode(&plain, &slot, record, key, recordTime) { _ in }
    try promise(
      first.outcomes == second.outcomes && first.events == second.events,
      "\(name): two readings of one record")
    try promise(
      first.outcomes.count <= max(1, record.count), "\(name): \(first.outcomes.count) outcomes of one record")
    for case .rejected(let rejection) in first.outcomes {
      try promise(!rejection.reason.hint.isEmpty, "\(name): \(rejection.reason) says nothing")
      // A place is a path or a column of the mapping, not a part of the record.
      try promise(
        rejection.place.utf8.count <= 4_096, "\(name): a place of \(rejection.place.utf8.count) bytes")
    }
    for event in first.events { try Self.check(event, name, recordTime) }
    return first.events.count
  }

  private static func decode(
    _ decoder: inout Decoder, _ slot: inout EventSlot, _ record: [UInt8], _ key: [UInt8]?,
    _ recordTime: Int64,
    _ body: (borrowing EventSlot) -> Void
  ) throws -> (outcomes: [DecodeOutcome], events: [Event]) {
    var outcomes: [DecodeOutcome] = []
    var events: [Event] = []
    var most = 0
    unsafe record.withUnsafeBytes { bytes in
      unsafe (key ?? []).withUnsafeBytes { keyBytes in
        unsafe decoder.decodeEach(
          payload: bytes, key: key == nil ? nil : keyBytes, recordTimestamp: recordTime, into: &slot
        ) { slot, outcome in
          outcomes.append(outcome)
          guard outcome == .event else { return }
          events.append(slot.event())
          most = max(most, slot.bytes.count)
          body(slot)
        }
      }
    }
    // A text may be in the event more than once (constants, a user who is also the visitor), but not many times.
    try promise(
      most <= 8 * (record.count + (key?.count ?? 0)) + 65_536, "\(most) bytes of text from \(record.count)")
    return (outcomes, events)
  }

  /// What `Event` and `DecoderLimits` document.
  private static func check(_ event: Event, _ name: String, _ recordTime: Int64) throws {
    func hold(_ holds: Bool, _ field: String) throws {
      try promise(holds, "\(name): \(field) out of its bounds")
    }
    let future = recordTime < 0 ? Int64.max : recordTime + DecoderLimits().maximumFutureSkewMilliseconds
    try hold(
      event.ts >= DecoderLimits.minimumTime && event.ts <= min(future, DecoderLimits.maximumTime), "ts")
    try hold(!(event.userKey ?? "").isEmpty, "user")
    let identifiers = [
      event.eventID, event.userID, event.anonymousID, event.sessionID, event.itemID, event.category,
      event.brand,
      event.cartID, event.orderID,
    ]
    for case let id? in identifiers {
      try hold((1...Event.maximumIdentifierBytes).contains(id.utf8.count), "an identifier")
    }
    func money(_ amount: Int64?, _ field: String) throws {
      try hold((0...DecoderLimits.maximumMoneyMinor).contains(amount ?? 0), field)
    }
    func count(_ quantity: Int64?, _ field: String) throws {
      try hold((1...DecoderLimits.maximumQuantity).contains(quantity ?? 1), field)
    }
    try money(event.priceMinor, "price_minor")
    try money(event.valueMinor, "value_minor")
    try count(event.quantity, "quantity")
    try hold(
      (0...DecoderLimits.maximumDwellMilliseconds).contains(event.dwellMilliseconds ?? 0), "dwell_ms")
    try hold(abs(event.rating ?? 0) <= DecoderLimits.maximumRating, "rating")
    try hold((event.items ?? []).count <= Event.maximumItems, "items")
    for item in event.items ?? [] {
      try hold((1...Event.maximumIdentifierBytes).contains(item.itemID.utf8.count), "an item's id")
      try money(item.priceMinor, "an item's price")
      try count(item.quantity, "an item's quantity")
      let (sum, isBeyond) = (item.priceMinor ?? 0).multipliedReportingOverflow(by: item.quantity ?? 1)
      try hold(!isBeyond && sum <= DecoderLimits.maximumMoneyMinor, "an item's value")
    }
    try hold(event.traits.count <= Event.maximumTraits, "traits")
    for case .number(let number) in event.traits.values { try hold(number.isFinite, "a trait's number") }
  }
}

/// Decodes each input under the mapping that it names and under another, and lets a shard take the events in.
final class EventCheck: HostileCheck {
  /// Later than any of the seeds.
  private static let recordTime: Int64 = 1_798_761_600_000
  /// Events after which the shard is a new one, so that its users take no more and more memory.
  private static let mostEvents = 5_000

  private let readers: [EventReader]
  private var shard = EventCheck.makeShard()
  private var events = 0
  private var output = TriggerOutput()

  init(_ presets: [(name: String, mapping: Mapping)]) throws {
    readers = presets.map { EventReader($0.name, $0.mapping) }
  }

  private static func makeShard() -> Shard {
    Shard(partition: 0, rules: Rules())
  }

  /// The preset's number, with 128 added for a record that has a key of 16 bytes; that key; the record.
  func take(_ input: [UInt8]) throws -> Bool {
    guard let first = input.first else { return false }
    let hasKey = first >= 0x80
    let key = hasKey ? Array(input.dropFirst().prefix(16)) : nil
    let record = Array(input.dropFirst(hasKey ? 17 : 1))
    let second = record.reduce(record.count) { ($0 &* 31 &+ Int($1)) & 0xFFFF }
    var count = 0
    for number in [Int(first & 0x7F), second] {
      count += try readers[number % readers.count].read(record, key: key, recordTime: Self.recordTime) {
        slot in
        shard.apply(slot, recordClock: Self.recordTime, into: &output)
      }
    }
    events += count
    output.alerts.removeAll(keepingCapacity: true)
    if events >= Self.mostEvents {
      shard.drain(into: &output)
      output = TriggerOutput()
      shard = Self.makeShard()
      events = 0
    }
    return count > 0
  }
}
