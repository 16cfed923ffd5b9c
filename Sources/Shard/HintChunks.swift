/// Hints in chains of chunks: the buckets of `DeadlineWheel`. 14 bytes a hint, and 8 bytes a chunk of 36.
///
/// Chunks come from slabs that never move, and go back to one free list when they are empty: after warm-up nothing
/// is allocated. A slab is kept until the end.
@safe struct HintChunks: ~Copyable {
  /// What a chunk holds of a hint; of its time the lower half, the upper one follows from the bucket.
  struct Entry {
    var timeLow: UInt32
    /// Below `appearanceEnd`.
    var appearance: UInt64
    var index: UInt32
  }

  /// Appearances are kept in 48 bits: a million new users a second for eight years.
  static let appearanceEnd: UInt64 = 1 << 48
  /// Hints in one chunk.
  static let capacity = 36
  /// In the place of a chunk: there is none.
  static let none: UInt32 = 0

  private static let chunkBytes = 512
  private static let chunksInSlab = 128
  // In a chunk: the next of its chain, how many hints it holds, then these, one behind the other without gaps.
  private static let countOffset = 4
  private static let entriesOffset = 8
  private static let entryBytes = 14
  // In an entry: the time, the lower and, at its end, the upper part of the appearance, and between them the index.
  private static let appearanceOffset = 4
  private static let indexOffset = 8
  private static let highOffset = 12

  private var slabs: [UnsafeMutableRawPointer] = unsafe []
  private var free = HintChunks.none
  /// Chunks of the last slab that were ever used.
  private var usedOfLast = HintChunks.chunksInSlab

  init() {}

  deinit {
    for slab in 0..<slabCount { unsafe slabs[slab].deallocate() }
  }

  private var slabCount: Int { unsafe slabs.count }

  /// Bytes taken from the system.
  var bytes: Int { slabCount * Self.chunksInSlab * Self.chunkBytes }

  /// Chunks are numbered from 1.
  @inline(__always) @unsafe private func pointer(_ chunk: UInt32) -> UnsafeMutableRawPointer {
    let place = Int(chunk) - 1
    return unsafe slabs[place / Self.chunksInSlab] + place % Self.chunksInSlab * Self.chunkBytes
  }

  /// An empty chunk, before `next` in its chain.
  private mutating func take(before next: UInt32) -> UInt32 {
    let chunk: UInt32
    if free != Self.none {
      chunk = free
      free = self.next(chunk)
    } else {
      if usedOfLast == Self.chunksInSlab {
        unsafe slabs.append(
          .allocate(byteCount: Self.chunksInSlab * Self.chunkBytes, alignment: Self.chunkBytes))
        usedOfLast = 0
      }
      usedOfLast += 1
      chunk = UInt32((slabCount - 1) * Self.chunksInSlab + usedOfLast)
    }
    setNext(chunk, next)
    unsafe pointer(chunk).storeBytes(of: 0, toByteOffset: Self.countOffset, as: UInt32.self)
    return chunk
  }

  /// Gives a chunk back; returns the one after it in its chain.
  mutating func give(_ chunk: UInt32) -> UInt32 {
    let next = next(chunk)
    setNext(chunk, free)
    free = chunk
    return next
  }

  /// The chunk after this one in its chain.
  func next(_ chunk: UInt32) -> UInt32 {
    unsafe pointer(chunk).load(as: UInt32.self)
  }

  private func setNext(_ chunk: UInt32, _ next: UInt32) {
    unsafe pointer(chunk).storeBytes(of: next, as: UInt32.self)
  }

  /// Asks for a chunk that is looked at a little later, or for none.
  @inline(__always) func prefetch(_ chunk: UInt32) {
    if chunk == Self.none { return }
    let start = unsafe pointer(chunk)
    for line in 0..<Self.chunkBytes / 64 { unsafe ebbPrefetch(start + 64 * line) }
  }

  func count(_ chunk: UInt32) -> Int {
    Int(unsafe pointer(chunk).load(fromByteOffset: Self.countOffset, as: UInt32.self))
  }

  /// Puts an entry into the chain that begins with `head`, which may be none.
  @inline(__always)
  mutating func append(_ entry: Entry, to head: inout UInt32) {
    if head == Self.none || count(head) == Self.capacity { head = take(before: head) }
    let chunk = unsafe pointer(head)
    let place = unsafe Int(chunk.load(fromByteOffset: Self.countOffset, as: UInt32.self))
    unsafe chunk.storeBytes(of: UInt32(place + 1), toByteOffset: Self.countOffset, as: UInt32.self)
    let base = unsafe chunk + Self.entriesOffset + Self.entryBytes * place
    unsafe base.storeBytes(of: entry.timeLow, as: UInt32.self)
    unsafe base.storeBytes(
      of: UInt32(truncatingIfNeeded: entry.appearance), toByteOffset: Self.appearanceOffset, as: UInt32.self)
    unsafe base.storeBytes(of: entry.index, toByteOffset: Self.indexOffset, as: UInt32.self)
    unsafe base.storeBytes(
      of: UInt16(entry.appearance >> 32), toByteOffset: Self.highOffset, as: UInt16.self)
  }

  /// One of the first `count` entries of a chunk.
  @inline(__always)
  func entry(_ place: Int, of chunk: UInt32) -> Entry {
    precondition(place < Self.capacity, "a chunk has no such place")
    let base = unsafe pointer(chunk) + Self.entriesOffset + Self.entryBytes * place
    let low = unsafe base.loadUnaligned(fromByteOffset: Self.appearanceOffset, as: UInt32.self)
    let high = unsafe base.loadUnaligned(fromByteOffset: Self.highOffset, as: UInt16.self)
    return Entry(
      timeLow: unsafe base.loadUnaligned(as: UInt32.self), appearance: UInt64(high) << 32 | UInt64(low),
      index: unsafe base.loadUnaligned(fromByteOffset: Self.indexOffset, as: UInt32.self))
  }

  /// Puts a whole chain before another one. Takes a step per chunk of `chain`.
  mutating func splice(_ chain: UInt32, onto head: inout UInt32) {
    var last = chain
    while next(last) != Self.none { last = next(last) }
    setNext(last, head)
    head = chain
  }
}
