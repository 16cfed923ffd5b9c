import Events
import Measuring
import Shop

/// The mix of events of the demo's shop, for any user at any time: native records whose user, time and identifier have
/// a fixed width and are written over before each is decoded. So an event is made in the time that decoding takes.
struct EventTemplates {
  /// Where the variable fields of a record stand.
  private struct Places {
    var start: Int
    var count: Int
    var user: Int
    var time: Int
    var identifier: Int
  }

  private var bytes: [UInt8] = []
  private var places: [Places] = []
  private var turn = 0
  private var number: UInt64 = 0

  private static let user = "u00000000"
  private static let identifier = "e0000000000000000"
  private static let time: Int64 = 1_000_000_000_000

  /// - Parameter count: how many different events, from the demo's stream. Those that let a user be forgotten are
  ///   left out: the population stays what it is.
  init(count: Int = 4_096) {
    // After some days: with carts that are come back to, and purchases.
    var shop = DemoShop.simulator(users: DemoShop.users)
    for _ in 0..<20_000 { _ = shop.next() }
    while places.count < count {
      var event = shop.next().event
      if event.type == .forget { continue }
      (event.userID, event.anonymousID, event.eventID) = (Self.user, nil, Self.identifier)
      event.ts = Self.time
      let record = NativeJSON.bytes(of: event)
      let start = bytes.count
      places.append(
        Places(
          start: start, count: record.count, user: start + Self.find(Self.user, in: record) + 1,
          time: start + Self.find("\(Self.time)", in: record),
          identifier: start + Self.find(Self.identifier, in: record) + 1))
      bytes += record
    }
  }

  private static func find(_ text: String, in record: [UInt8]) -> Int {
    let wanted = Array(text.utf8)
    for start in 0...(record.count - wanted.count)
    where record[start..<start + wanted.count].elementsEqual(wanted) { return start }
    preconditionFailure("a native record without \(text)")
  }

  /// The next event of the mix, for this user (below 10^8) at this time (ms since 1970 UTC), decoded into the slot.
  mutating func next(
    user: UInt32, time: Int64, _ decoder: inout Decoder, into slot: inout EventSlot
  ) {
    let place = places[turn]
    turn = turn + 1 == places.count ? 0 : turn + 1
    number &+= 1
    write(UInt64(user), digits: 8, at: place.user)
    write(UInt64(time), digits: 13, at: place.time)
    write(number, digits: 16, at: place.identifier)
    let outcome = unsafe bytes.withUnsafeBytes { all in
      unsafe decoder.decode(
        payload: UnsafeRawBufferPointer(rebasing: all[place.start..<place.start + place.count]),
        recordTimestamp: time, into: &slot)
    }
    precondition(outcome == .event, "the shop's events can be read: \(outcome)")
  }

  private mutating func write(_ number: UInt64, digits: Int, at place: Int) {
    var number = number
    for offset in stride(from: digits - 1, through: 0, by: -1) {
      bytes[place + offset] = UInt8(ascii: "0") + UInt8(number % 10)
      number /= 10
    }
  }
}
