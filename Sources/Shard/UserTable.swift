import Events
import Triggers

/// The users of a shard, found by key: flat open addressing over 64-bit hashes, states in one array, free places
/// used again.
struct UserTable: ~Copyable {
  /// A user and what the table and the deadlines need to know about him.
  struct Entry {
    var state: UserState
    var hash: UInt64
    /// Ordinal of the user's first appearance in this shard.
    var appearance: UInt64
    /// Time of the earliest hint in the deadline queue; `Int64.max`: none.
    var hinted: Int64
    /// What the user's record in the state topic is current to; events before its offset are in it already.
    var stored = Position.never
    /// Number of the epoch in which the user was last touched.
    var epoch: UInt16
    /// Number of the epoch that the stored record names; `noEpoch`: there is no record.
    var storedEpoch = Entry.noEpoch
    /// Whether the user waits in the dirty queue.
    var isDirty = false
    /// Expired or erased; only the key is left, until the state topic has forgotten it too.
    var isGone = false

    static let noEpoch = UInt16.max

    var isStored: Bool { storedEpoch != Self.noEpoch }
  }

  private static let empty: UInt32 = 0
  private static let removed = UInt32.max
  private static let nobody = UInt64.max

  /// Index + 1 into `entries`, `empty` or `removed`; a power of two long, at most 3/4 used.
  private var slots = [UInt32](repeating: UserTable.empty, count: 64)
  private var used = 0
  /// A free place has the appearance `nobody` and an empty state.
  private var entries: [Entry] = []
  private var free: [UInt32] = []
  private var appearances: UInt64 = 0

  /// Users, without those that are gone.
  private(set) var count = 0
  /// Entries in use, with those that are gone.
  private(set) var entryCount = 0

  init() {}

  static func hash(_ key: some Collection<UInt8>) -> UInt64 {
    var hash = StableHash(seed: 5)
    hash.combine(key)
    return hash.value
  }

  /// The place of the user with this key.
  func find(_ key: some Collection<UInt8>, _ hash: UInt64) -> Int? {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while true {
      let value = slots[slot]
      if value == Self.empty { return nil }
      if value != Self.removed {
        let index = Int(value - 1)
        if entries[index].hash == hash, entries[index].state.key.utf8.elementsEqual(key) { return index }
      }
      slot = (slot + 1) & mask
    }
  }

  /// Puts in a user that is not there.
  mutating func insert(_ state: UserState, _ hash: UInt64, epoch: UInt16) -> Int {
    if (used + 1) * 4 > slots.count * 3 { rebuild() }
    let entry = Entry(state: state, hash: hash, appearance: appearances, hinted: .max, epoch: epoch)
    appearances += 1
    count += 1
    entryCount += 1
    let index: Int
    if let place = free.popLast() {
      index = Int(place)
      entries[index] = entry
    } else {
      index = entries.count
      entries.append(entry)
    }
    place(index, hash)
    return index
  }

  private mutating func place(_ index: Int, _ hash: UInt64) {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] != Self.empty && slots[slot] != Self.removed { slot = (slot + 1) & mask }
    if slots[slot] == Self.empty { used += 1 }
    slots[slot] = UInt32(index) + 1
  }

  /// Makes room, or sweeps out what was removed.
  private mutating func rebuild() {
    var size = slots.count
    while (entryCount + 1) * 2 > size { size *= 2 }
    slots = [UInt32](repeating: Self.empty, count: size)
    used = 0
    for index in entries.indices where entries[index].appearance != Self.nobody {
      place(index, entries[index].hash)
    }
  }

  /// Leaves nothing of a user but the key.
  mutating func bury(_ index: Int) {
    entries[index].isGone = true
    entries[index].state.clear(keepingKey: true)
    entries[index].hinted = .max
    // Hints of the one who is gone bear another number.
    entries[index].appearance = appearances
    appearances += 1
    count -= 1
  }

  /// Puts a user who has come back in the place of the one who is gone.
  mutating func revive(_ index: Int, _ state: UserState, epoch: UInt16) {
    entries[index].isGone = false
    entries[index].state = state
    entries[index].epoch = epoch
    entries[index].hinted = .max
    entries[index].appearance = appearances
    appearances += 1
    count += 1
  }

  /// Takes an entry out.
  mutating func remove(_ index: Int) {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: entries[index].hash) & mask
    while slots[slot] != UInt32(index) + 1 { slot = (slot + 1) & mask }
    slots[slot] = Self.removed
    if !entries[index].isGone { count -= 1 }
    entryCount -= 1
    entries[index].appearance = Self.nobody
    entries[index].isGone = false
    entries[index].state.clear(keepingKey: false)
    free.append(UInt32(index))
  }

  /// A user in place.
  subscript(index: Int) -> Entry {
    // Yielded in place: a copy would retain every list that the state holds.
    _read { yield entries[index] }
    _modify { yield &entries[index] }
  }

  /// Whether the place holds the user with this appearance still.
  func holds(_ index: Int, _ appearance: UInt64) -> Bool {
    entries[index].appearance == appearance
  }

  /// The places of all users, in order of first appearance.
  func placesByAppearance() -> [Int] {
    entries.indices.filter { entries[$0].appearance != Self.nobody && !entries[$0].isGone }
      .sorted { entries[$0].appearance < entries[$1].appearance }
  }

  /// Calls `body` with every user, in no meaningful order.
  func forEach(_ body: (borrowing UserState) -> Void) {
    for index in entries.indices where isLive(index) { body(entries[index].state) }
  }

  /// Places that may be in use: entries are found below it.
  var placeCount: Int { entries.count }

  /// Whether a user who is not gone is at this place.
  func isLive(_ index: Int) -> Bool {
    entries[index].appearance != Self.nobody && !entries[index].isGone
  }

  /// Whether the place is in use, by a user or by one who is gone.
  func isUsed(_ index: Int) -> Bool {
    entries[index].appearance != Self.nobody
  }
}
