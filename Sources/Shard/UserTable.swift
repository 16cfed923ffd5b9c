import Events
import Triggers

/// The users of a shard, found by key: flat open addressing over 64-bit hashes, small entries in one array, free
/// places used again. A user's state is in a slab; that of one who was restored and not touched since is packed.
struct UserTable: ~Copyable {
  /// What the table and the deadlines need to know about a user.
  struct Entry {
    var hash: UInt64
    /// Ordinal of the user's first appearance in this shard.
    var appearance: UInt64
    /// Time of the earliest hint in the deadline queue; `Int64.max`: none.
    var hinted = Int64.max
    /// What the user's record in the state topic is current to; events before its offset are in it already.
    var stored = Position.never
    /// Instead of a state: his record, or the key of one who is gone. nil: the state is at `slot`.
    fileprivate var packed: PackedUser?
    fileprivate var slot: UInt32 = 0
    /// Number of the epoch in which the user was last touched.
    var epoch: UInt16
    /// Number of the epoch that the stored record names; `noEpoch`: there is no record.
    var storedEpoch = Entry.noEpoch
    /// Whether the user waits in the dirty queue.
    var isDirty = false
    /// Expired or erased; only the key is left, until the state topic has forgotten it too.
    fileprivate(set) var isGone = false

    static let noEpoch = UInt16.max

    var isStored: Bool { storedEpoch != Self.noEpoch }
  }

  private static let empty: UInt32 = 0
  private static let removed = UInt32.max
  private static let nobody = UInt64.max

  /// Index + 1 into `entries`, `empty` or `removed`; a power of two long, at most 3/4 used.
  private var slots = [UInt32](repeating: UserTable.empty, count: 64)
  private var used = 0
  /// A free place has the appearance `nobody`, and neither a state nor a record.
  private var entries: [Entry] = []
  private var free: [UInt32] = []
  private var states = StateSlab()
  private var appearances: UInt64 = 0

  /// Users, without those that are gone.
  private(set) var count = 0
  /// Entries in use, with those that are gone.
  private(set) var entryCount = 0

  init() {}

  deinit {
    for entry in entries { entry.packed?.free() }
  }

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
        if entries[index].hash == hash, holds(index, key: key) { return index }
      }
      slot = (slot + 1) & mask
    }
  }

  private func holds(_ index: Int, key: some Collection<UInt8>) -> Bool {
    if let packed = entries[index].packed { return unsafe packed.key.elementsEqual(key) }
    return states[entries[index].slot].key.utf8.elementsEqual(key)
  }

  // MARK: Coming and going

  /// Puts in a user that is not there.
  mutating func insert(_ state: consuming UserState, _ hash: UInt64, epoch: UInt16) -> Int {
    let slot = states.insert(state)
    return insert(Entry(hash: hash, appearance: appearances, packed: nil, slot: slot, epoch: epoch))
  }

  /// Puts in a stored user that is not there, or one who is gone.
  mutating func insert(_ packed: PackedUser, isGone: Bool, _ hash: UInt64, epoch: UInt16) -> Int {
    insert(Entry(hash: hash, appearance: appearances, packed: packed, epoch: epoch, isGone: isGone))
  }

  private mutating func insert(_ entry: Entry) -> Int {
    if (used + 1) * 4 > slots.count * 3 { rebuild() }
    appearances += 1
    if !entry.isGone { count += 1 }
    entryCount += 1
    let index: Int
    if let place = free.popLast() {
      index = Int(place)
      entries[index] = entry
    } else {
      index = entries.count
      entries.append(entry)
    }
    place(index, entry.hash)
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
    for index in entries.indices where isUsed(index) { place(index, entries[index].hash) }
  }

  /// Leaves nothing of a user but the key.
  mutating func bury(_ index: Int) {
    let key = unsafe withKey(index) { unsafe PackedUser(key: $0) }
    replace(index, key, isGone: true, epoch: entries[index].epoch)
  }

  /// Puts a stored user, or one who is gone, in the place of whoever had the same key.
  mutating func replace(_ index: Int, _ packed: PackedUser, isGone: Bool, epoch: UInt16) {
    release(index)
    entries[index].packed = packed
    appear(index, isGone: isGone, epoch: epoch)
  }

  /// Puts a user who has come back in the place of the one who is gone.
  mutating func revive(_ index: Int, _ state: consuming UserState, epoch: UInt16) {
    release(index)
    entries[index].slot = states.insert(state)
    appear(index, isGone: false, epoch: epoch)
  }

  /// Hints of the one who was there bear another number.
  private mutating func appear(_ index: Int, isGone: Bool, epoch: UInt16) {
    count += (isGone ? 0 : 1) - (entries[index].isGone ? 0 : 1)
    entries[index].isGone = isGone
    entries[index].epoch = epoch
    entries[index].hinted = .max
    entries[index].appearance = appearances
    appearances += 1
  }

  /// Takes an entry out.
  mutating func remove(_ index: Int) {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: entries[index].hash) & mask
    while slots[slot] != UInt32(index) + 1 { slot = (slot + 1) & mask }
    slots[slot] = Self.removed
    if !entries[index].isGone { count -= 1 }
    entryCount -= 1
    release(index)
    entries[index].appearance = Self.nobody
    entries[index].isGone = false
    free.append(UInt32(index))
  }

  /// Gives back the state, or what stands for it.
  private mutating func release(_ index: Int) {
    if let packed = entries[index].packed {
      entries[index].packed = nil
      packed.free()
    } else {
      states.remove(entries[index].slot)
    }
  }

  // MARK: States

  /// A user in place.
  subscript(index: Int) -> Entry {
    _read { yield entries[index] }
    _modify { yield &entries[index] }
  }

  /// The state of a user who is neither packed nor gone.
  subscript(state index: Int) -> UserState {
    _read {
      precondition(entries[index].packed == nil, "a packed user was taken for one at hand")
      yield states[entries[index].slot]
    }
    _modify {
      precondition(entries[index].packed == nil, "a packed user was taken for one at hand")
      yield &states[entries[index].slot]
    }
  }

  /// The record of a user who has not been touched since he was restored; nil: his state is at hand, or he is gone.
  /// Valid until the user changes.
  func packed(_ index: Int) -> PackedUser? {
    entries[index].isGone ? nil : entries[index].packed
  }

  /// Puts the decoded state in the place of its record.
  mutating func unpack(_ index: Int, _ state: consuming UserState) {
    release(index)
    entries[index].slot = states.insert(state)
  }

  /// Calls `body` with the key of a user or of one who is gone, in UTF-8.
  func withKey<Result>(_ index: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    if let packed = entries[index].packed { return unsafe body(packed.key) }
    var key = states[entries[index].slot].key
    return key.withUTF8 { unsafe body(UnsafeRawBufferPointer($0)) }
  }

  /// The key of a user or of one who is gone, in UTF-8.
  func key(_ index: Int) -> [UInt8] {
    unsafe withKey(index) { unsafe Array($0) }
  }

  // MARK: Looking around

  /// Whether the place holds the user with this appearance still.
  func holds(_ index: Int, _ appearance: UInt64) -> Bool {
    entries[index].appearance == appearance
  }

  /// The places of all users, in order of first appearance.
  func placesByAppearance() -> [Int] {
    entries.indices.filter { isLive($0) }.sorted { entries[$0].appearance < entries[$1].appearance }
  }

  /// Places that may be in use: entries are found below it.
  var placeCount: Int { entries.count }

  /// Whether a user who is not gone is at this place.
  func isLive(_ index: Int) -> Bool {
    isUsed(index) && !entries[index].isGone
  }

  /// Whether the place is in use, by a user or by one who is gone.
  func isUsed(_ index: Int) -> Bool {
    entries[index].appearance != Self.nobody
  }
}
