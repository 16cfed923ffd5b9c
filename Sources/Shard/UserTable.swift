import Events
import Triggers

/// The users of a shard, found by key: flat open addressing over hashes, small entries in one array, free places used
/// again. What is known of a user is a block in the slab.
///
/// A look-up waits for memory three times: for the slot, the entry, and the block. `prefetch` asks for them beforehand.
/// What looks without changing is inlined: the table is a large value, and would be copied onto the stack for a call.
struct UserTable: ~Copyable {
  /// What the table and the deadlines need to know about a user: half a cache line.
  struct Entry {
    /// Time of the earliest hint in the deadline wheel; `Int64.max`: none.
    var hinted = Int64.max
    /// Ordinal of the user's first appearance in this shard.
    var appearance: UInt64
    var hash: UInt32
    fileprivate var block: BlockSlab.Place
    /// A hint of his that a later one has overtaken and that is still in the wheel: the low half of its time; 0: none is
    /// known.
    var overtaken: UInt32 = 0
    /// Number of the epoch in which the user was last touched.
    var epoch: UInt16
    /// Whether the user waits in the dirty queue.
    var isDirty = false
    /// Expired or erased; only the key is left, until the state topic has forgotten it too.
    fileprivate(set) var isGone = false
  }

  /// What the state topic has of a user.
  struct Stored {
    /// What the record is current to; events before its offset are in it already.
    var position = Position.never
    /// Number of the epoch that the record names; `noEpoch`: there is no record.
    var epoch = Stored.noEpoch

    static let noEpoch = UInt16.max

    var exists: Bool { epoch != Self.noEpoch }
  }

  private static let empty: UInt32 = 0
  private static let removed = UInt32.max
  private static let nobody = UInt64.max

  /// Index + 1 into `entries`, `empty` or `removed`; a power of two long, at most 3/4 used.
  private var slots = FlatArray<UInt32>(repeating: UserTable.empty, count: 64)
  private var used = 0
  /// A free place has the appearance `nobody`, and no block.
  private var entries = FlatArray<Entry>()
  /// As long as `entries`, of a shard whose state is stored; else empty.
  private var records = FlatArray<Stored>()
  private let isStored: Bool
  private var free = FlatArray<UInt32>()
  private var slab = BlockSlab()
  private var appearances: UInt64 = 0

  /// Users, without those that are gone.
  private(set) var count = 0
  /// Entries in use, with those that are gone.
  private(set) var entryCount = 0

  /// Memory asked for: blocks, entries and slots.
  var bytes: Int { slab.bytes + entries.bytes + records.bytes + slots.bytes + free.bytes }

  /// What the part that is about to grow next takes beside itself while it does; 0: none is.
  var growthBytes: Int {
    let forSlots = (used + 1) * 32 > slots.count * 21 ? 2 * slots.bytes : 0
    return max(entries.growthBytes, records.growthBytes, forSlots)
  }

  /// - Parameter isStored: whether it is kept account of what the state topic has.
  init(isStored: Bool) { self.isStored = isStored }

  static func hash(_ key: UnsafeRawBufferPointer) -> UInt32 {
    var hash = StableHash(seed: 5)
    unsafe hash.combine(key)
    return UInt32(truncatingIfNeeded: hash.value)
  }

  /// The place of the user with this key.
  @inline(__always) func find(_ key: UnsafeRawBufferPointer, _ hash: UInt32) -> Int? {
    let mask = slots.count - 1
    var slot = Int(hash) & mask
    while true {
      let value = slots[slot]
      if value == Self.empty { return nil }
      if value != Self.removed {
        let index = Int(value - 1)
        if entries[index].hash == hash, unsafe block(index).key.isSame(as: key) { return index }
      }
      slot = (slot + 1) & mask
    }
  }

  // MARK: Before a look-up

  /// Asks for what `find` looks at first; then, when that has had time to come, for the entry that it leads to; then
  /// for that one's block.
  @inline(__always) func prefetchSlot(_ hash: UInt32) {
    unsafe ebbPrefetch(slots.address(Int(hash) & (slots.count - 1)))
  }

  @inline(__always) func prefetchEntry(_ hash: UInt32) {
    let value = slots[Int(hash) & (slots.count - 1)]
    if value == Self.empty || value == Self.removed { return }
    unsafe ebbPrefetch(entries.address(Int(value - 1)))
  }

  @inline(__always) func prefetchBlock(_ hash: UInt32) {
    let value = slots[Int(hash) & (slots.count - 1)]
    if value == Self.empty || value == Self.removed { return }
    let entry = entries[Int(value - 1)]
    // Another one with the same slot: the look-up will go on from there by itself.
    if entry.hash != hash || entry.appearance == Self.nobody { return }
    prefetchBlock(of: entry)
  }

  /// The same for a user by his place, in two steps.
  @inline(__always) func prefetchEntry(at index: UInt32) { unsafe ebbPrefetch(entries.address(Int(index))) }

  @inline(__always) func prefetchBlock(at index: UInt32) {
    let entry = entries[Int(index)]
    if entry.appearance == Self.nobody { return }
    prefetchBlock(of: entry)
  }

  /// As much of it as browsing looks at.
  @inline(__always) private func prefetchBlock(of entry: Entry) {
    let address = unsafe slab.address(entry.block)
    unsafe ebbPrefetch(address)
    unsafe ebbPrefetch(address + 64)
    unsafe ebbPrefetch(address + 128)
  }

  // MARK: Coming and going

  /// About what the state of one who has just come takes, bytes: with it his first block is his first visit's.
  private static let firstContent = 104

  /// Puts in a user that is not there, with a state that is still to be written.
  mutating func insert(_ key: UnsafeRawBufferPointer, _ hash: UInt32, epoch: UInt16) -> Int {
    let place = unsafe newBlock(key, .state, content: Self.firstContent)
    return insert(
      Entry(appearance: appearances, hash: hash, block: place, epoch: epoch))
  }

  /// Puts in a stored user that is not there.
  mutating func insert(
    record value: UnsafeRawBufferPointer, of key: UnsafeRawBufferPointer, deadline: Int64?, _ hash: UInt32,
    epoch: UInt16
  ) -> Int {
    let place = unsafe newBlock(key, .record, content: 4 + value.count)
    unsafe fill(place, value, deadline)
    return insert(Entry(appearance: appearances, hash: hash, block: place, epoch: epoch))
  }

  /// Puts in one who is gone and was not there.
  mutating func insert(gone key: UnsafeRawBufferPointer, _ hash: UInt32, epoch: UInt16) -> Int {
    let place = unsafe newBlock(key, .key, content: 0)
    return insert(Entry(appearance: appearances, hash: hash, block: place, epoch: epoch, isGone: true))
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
      if isStored { records[index] = Stored() }
    } else {
      index = entries.count
      precondition(index < Int(UInt32.max) - 1, "a partition has more than 4 billion users")
      entries.append(entry)
      if isStored { records.append(Stored()) }
    }
    place(index, entry.hash)
    return index
  }

  private mutating func place(_ index: Int, _ hash: UInt32) {
    let mask = slots.count - 1
    var slot = Int(hash) & mask
    while slots[slot] != Self.empty && slots[slot] != Self.removed { slot = (slot + 1) & mask }
    if slots[slot] == Self.empty { used += 1 }
    slots[slot] = UInt32(index) + 1
  }

  /// Makes room, or sweeps out what was removed.
  private mutating func rebuild() {
    var size = slots.count
    while (entryCount + 1) * 2 > size { size *= 2 }
    slots = FlatArray(repeating: Self.empty, count: size)
    used = 0
    for index in 0..<entries.count where isUsed(index) { place(index, entries[index].hash) }
  }

  /// Leaves nothing of a user but the key.
  ///
  /// - Parameter epoch: nil: the one in which he was last touched.
  mutating func bury(_ index: Int, epoch: UInt16? = nil) {
    replaceBlock(index, .key, content: 0)
    appear(index, isGone: true, epoch: epoch ?? entries[index].epoch)
  }

  /// Puts a stored user in the place of whoever had the same key.
  mutating func replace(_ index: Int, record value: UnsafeRawBufferPointer, deadline: Int64?, epoch: UInt16) {
    replaceBlock(index, .record, content: 4 + value.count)
    unsafe fill(entries[index].block, value, deadline)
    appear(index, isGone: false, epoch: epoch)
  }

  /// A user who is gone comes back, with a state that is still to be written.
  mutating func revive(_ index: Int, epoch: UInt16) {
    block(index).setKind(.state)
    appear(index, isGone: false, epoch: epoch)
  }

  /// Hints of the one who was there bear another number.
  private mutating func appear(_ index: Int, isGone: Bool, epoch: UInt16) {
    count += (isGone ? 0 : 1) - (entries[index].isGone ? 0 : 1)
    entries[index].isGone = isGone
    entries[index].epoch = epoch
    entries[index].hinted = .max
    entries[index].overtaken = 0
    entries[index].appearance = appearances
    appearances += 1
  }

  /// Takes an entry out.
  mutating func remove(_ index: Int) {
    let mask = slots.count - 1
    var slot = Int(entries[index].hash) & mask
    while slots[slot] != UInt32(index) + 1 { slot = (slot + 1) & mask }
    slots[slot] = Self.removed
    if !entries[index].isGone { count -= 1 }
    entryCount -= 1
    slab.release(entries[index].block, units: block(index).units)
    entries[index].appearance = Self.nobody
    entries[index].isGone = false
    entries[index].isDirty = false
    free.append(UInt32(index))
  }

  // MARK: Blocks

  /// A user's block. Valid until he changes.
  @inline(__always) func block(_ index: Int) -> UserBlock {
    unsafe UserBlock(slab.address(entries[index].block))
  }

  private mutating func newBlock(
    _ key: UnsafeRawBufferPointer, _ kind: UserBlock.Kind, content: Int
  ) -> BlockSlab.Place {
    let bytes = UserBlock.bytes(key: key.count, content: content)
    let units = BlockSlab.units(bytes)
    let place = slab.allocate(units: units, bytes: bytes)
    let block = unsafe UserBlock(slab.address(place))
    block.deadline = .max
    block.units = units
    unsafe block.setKey(key, kind)
    return place
  }

  /// Puts a block with the same key and no content in the place of a user's.
  private mutating func replaceBlock(_ index: Int, _ kind: UserBlock.Kind, content: Int) {
    let old = block(index)
    let oldUnits = old.units
    let place = unsafe newBlock(old.key, kind, content: content)
    slab.release(entries[index].block, units: oldUnits)
    entries[index].block = place
  }

  private func fill(_ place: BlockSlab.Place, _ value: UnsafeRawBufferPointer, _ deadline: Int64?) {
    let block = unsafe UserBlock(slab.address(place))
    block.deadline = deadline ?? .max
    unsafe block.setRecord(value)
  }

  /// Writes a user's state.
  ///
  /// - Parameters:
  ///   - content: not his block's own. - growth: how many more bytes the block should have.
  mutating func setState(
    _ index: Int, _ content: UnsafeRawBufferPointer, growth: Int = 0, deadline: Int64
  ) {
    var block = self.block(index)
    let bytes = content.count + growth
    let units = unsafe BlockSlab.units(UserBlock.bytes(key: block.key.count, content: bytes))
    let present = block.units
    // A block that is a little too large stays while he browses, for he will grow again. Who is gone for now, as
    // nearly all are, keeps hardly more than he needs.
    let slack = growth > 0 ? 4 + present / 4 : 1 + present / 20
    let fits = units != 0 && units <= present && units + slack >= present
    if !fits {
      replaceBlock(index, .state, content: bytes)
      block = self.block(index)
    } else {
      block.setKind(.state)
    }
    block.deadline = deadline
    unsafe block.setState(content)
  }

  /// The key of a user or of one who is gone, in UTF-8.
  func key(_ index: Int) -> [UInt8] { unsafe Array(block(index).key) }

  // MARK: Looking around

  /// A user in place.
  subscript(index: Int) -> Entry {
    @inline(__always) _read { yield entries[index] }
    @inline(__always) _modify { yield &entries[index] }
  }

  /// What the state topic has of a user. Only where account is kept of it.
  subscript(stored index: Int) -> Stored {
    get { isStored ? records[index] : Stored() }
    set { records[index] = newValue }
  }

  /// Whether the place holds the user with this appearance still.
  @inline(__always) func holds(_ index: Int, _ appearance: UInt64) -> Bool {
    entries[index].appearance == appearance
  }

  /// The places of all users, in order of first appearance.
  func placesByAppearance() -> [Int] {
    var places: [Int] = []
    places.reserveCapacity(count)
    for index in 0..<entries.count where isLive(index) { places.append(index) }
    places.sort { entries[$0].appearance < entries[$1].appearance }
    return places
  }

  /// Places that may be in use: entries are found below it.
  var placeCount: Int { entries.count }

  /// Whether a user who is not gone is at this place.
  @inline(__always) func isLive(_ index: Int) -> Bool {
    isUsed(index) && !entries[index].isGone
  }

  /// Whether the place is in use, by a user or by one who is gone.
  @inline(__always) func isUsed(_ index: Int) -> Bool {
    entries[index].appearance != Self.nobody
  }
}
