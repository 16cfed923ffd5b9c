import CMemory
import Portrait

/// Memory for users' blocks, which are many, small, and outgrown one after the other.
///
/// Small blocks, of up to 1 KiB in steps of 16 bytes, lie in pages of 16 KiB, each of which holds blocks of one size
/// only; pages are cut from large pieces. A page whose last block has gone is free for any size: users who grow
/// together leave nothing behind. Larger blocks, which few users have, are the allocator's.
///
/// The first pieces are the allocator's; a large shard gets several at once, in the kernel's large pages, since
/// a user who is looked up would else cost a miss of the processor's page tables too.
///
/// ```
///  piece 1 MiB │ page │ page │ …     page: block │ block │ free ─► block │ free ─► never used …
/// ```
@safe struct BlockSlab: ~Copyable {
  /// Where a block lies. Of a small one: its piece from bit 16 on, in units from the piece's start below. Of a large
  /// one: its number, and the highest bit.
  typealias Place = UInt32

  static let unit = 16
  private static let unitsInPage = 1_024
  private static let unitsInPiece = 65_536
  private static let pagesInPiece = unitsInPiece / unitsInPage
  private static let smallUnits = 64
  /// Below 65,536, which a block could not write down.
  private static let largestUnits = 61_440
  private static let nobody = UInt32.max
  private static let large: Place = 1 << 31

  /// Blocks of one size. Places in it are in units from its start.
  private struct Page {
    /// Units of a block; 0: the page is free.
    var units: UInt16 = 0
    var blocks: UInt16 = 0
    /// Up to here blocks have been cut.
    var cut: UInt16 = 0
    /// The first block that was given back, which tells the next; `noBlock`: there is none.
    var free = Page.noBlock
    /// Pages of the same size that have room, or of free pages: the one after and the one before.
    var next = BlockSlab.nobody
    var previous = BlockSlab.nobody

    static let noBlock = UInt16.max

    var hasRoom: Bool { free != Self.noBlock || Int(cut) + Int(units) <= BlockSlab.unitsInPage }
  }

  /// A run of pieces that was asked for at once.
  private struct Chunk {
    var address: UInt
    /// In large pages; 0: it is one piece of the allocator's.
    var bytes: Int
  }

  private static let piecesOfAllocator = 16
  private static let mostPiecesAtOnce = 32

  private var chunks = FlatArray<Chunk>()
  private var pieces = FlatArray<UInt>()
  private var pages = FlatArray<Page>()
  /// The first page of each size that has room; of size 0: the first free page.
  private var roomy = FlatArray<UInt32>(repeating: BlockSlab.nobody, count: BlockSlab.smallUnits + 1)
  /// Addresses of large blocks, and the numbers that are free.
  private var largeBlocks = FlatArray<UInt>()
  private var freeNumbers = FlatArray<UInt32>()
  /// Memory asked for, for blocks.
  private(set) var bytes = 0

  init() {}

  deinit {
    for index in 0..<chunks.count {
      let memory = unsafe Self.pointer(chunks[index].address)
      if chunks[index].bytes == 0 {
        unsafe memory.deallocate()
      } else {
        unsafe ebb_release_large(memory, chunks[index].bytes)
      }
    }
    for index in 0..<largeBlocks.count where largeBlocks[index] != 0 {
      unsafe Self.pointer(largeBlocks[index]).deallocate()
    }
  }

  @unsafe @inline(__always) private static func pointer(_ address: UInt) -> UnsafeMutableRawPointer {
    unsafe UnsafeMutableRawPointer(bitPattern: address).unsafelyUnwrapped
  }

  /// The address of a block.
  @unsafe @inline(__always) func address(_ place: Place) -> UnsafeMutableRawPointer {
    if place & Self.large != 0 { return unsafe Self.pointer(largeBlocks[Int(place & ~Self.large)]) }
    return unsafe Self.pointer(pieces[Int(place >> 16)]) + Int(place & 0xFFFF) * Self.unit
  }

  /// The units that a block of so many bytes gets: as many as it takes up to 1 KiB, then in eight steps to each
  /// doubling; 0: above 960 KiB, which no state is.
  static func units(_ bytes: Int) -> Int {
    let units = (bytes + unit - 1) / unit
    if units <= smallUnits { return max(1, units) }
    if units > largestUnits { return 0 }
    let step = 1 << (Int.bitWidth - 1 - (units - 1).leadingZeroBitCount - 3)
    return (units + step - 1) & ~(step - 1)
  }

  /// A block of so many units, as `units` gave them for so many bytes.
  mutating func allocate(units: Int, bytes: Int) -> Place {
    if units == 0 || units > Self.smallUnits { return allocateLarge(max(bytes, units * Self.unit)) }
    var page = roomy[units]
    if page == Self.nobody {
      page = beginPage(units)
      link(page, units)
    }
    let start = Place(page) * Place(Self.unitsInPage)
    let index = Int(page)
    let block: UInt16
    if pages[index].free != Page.noBlock {
      block = pages[index].free
      pages[index].free = unsafe address(start + Place(block)).load(as: UInt16.self)
    } else {
      block = pages[index].cut
      pages[index].cut += UInt16(units)
    }
    pages[index].blocks += 1
    if !pages[index].hasRoom { unlink(page, units) }
    return start + Place(block)
  }

  /// Gives a block back.
  mutating func release(_ place: Place, units: Int) {
    if place & Self.large != 0 { return releaseLarge(place, units) }
    let page = place / Place(Self.unitsInPage)
    let index = Int(page)
    precondition(Int(pages[index].units) == units)
    if !pages[index].hasRoom { link(page, units) }
    unsafe address(place).storeBytes(of: pages[index].free, as: UInt16.self)
    pages[index].free = UInt16(place % Place(Self.unitsInPage))
    pages[index].blocks -= 1
    if pages[index].blocks > 0 { return }
    unlink(page, units)
    pages[index] = Page()
    link(page, 0)
  }

  /// A page for blocks of a size.
  private mutating func beginPage(_ units: Int) -> UInt32 {
    if roomy[0] == Self.nobody { addPieces() }
    let page = roomy[0]
    unlink(page, 0)
    pages[Int(page)].units = UInt16(units)
    return page
  }

  private mutating func addPieces() {
    precondition(pieces.count < 32_768, "users of one partition take more than 32 GiB")
    let size = Self.unitsInPiece * Self.unit
    if pieces.count < Self.piecesOfAllocator {
      // Readers may look a little beyond a block.
      let memory = UnsafeMutableRawPointer.allocate(
        byteCount: size + BlockReader.overhang, alignment: 64)
      chunks.append(Chunk(address: UInt(bitPattern: memory), bytes: 0))
      return addPages(UInt(bitPattern: memory), pieces: 1, usable: Self.pagesInPiece)
    }
    let count = min(Self.mostPiecesAtOnce, 32_768 - pieces.count, pieces.count / 16 * 2)
    let memory = unsafe UInt(bitPattern: ebb_allocate_large(count * size))
    chunks.append(Chunk(address: memory, bytes: count * size))
    // Behind the last piece is nobody's memory: its last page stays empty.
    addPages(memory, pieces: count, usable: count * Self.pagesInPiece - 1)
  }

  private mutating func addPages(_ memory: UInt, pieces count: Int, usable: Int) {
    let size = Self.unitsInPiece * Self.unit
    for piece in 0..<count { pieces.append(memory + UInt(piece * size)) }
    bytes += count * size
    let first = pages.count
    for _ in 0..<count * Self.pagesInPiece { pages.append(Page()) }
    // The first is taken first.
    for page in (first..<first + usable).reversed() { link(UInt32(page), 0) }
  }

  // MARK: Lists of pages

  private mutating func link(_ page: UInt32, _ units: Int) {
    let first = roomy[units]
    pages[Int(page)].next = first
    pages[Int(page)].previous = Self.nobody
    if first != Self.nobody { pages[Int(first)].previous = page }
    roomy[units] = page
  }

  private mutating func unlink(_ page: UInt32, _ units: Int) {
    let (next, previous) = (pages[Int(page)].next, pages[Int(page)].previous)
    if previous == Self.nobody { roomy[units] = next } else { pages[Int(previous)].next = next }
    if next != Self.nobody { pages[Int(next)].previous = previous }
  }

  // MARK: Large blocks

  private mutating func allocateLarge(_ bytes: Int) -> Place {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes + BlockReader.overhang, alignment: 16)
    self.bytes += Self.units(bytes) * Self.unit
    let address = UInt(bitPattern: memory)
    if let number = freeNumbers.popLast() {
      largeBlocks[Int(number)] = address
      return number | Self.large
    }
    largeBlocks.append(address)
    return Place(largeBlocks.count - 1) | Self.large
  }

  private mutating func releaseLarge(_ place: Place, _ units: Int) {
    bytes -= units * Self.unit
    let number = place & ~Self.large
    unsafe Self.pointer(largeBlocks[Int(number)]).deallocate()
    largeBlocks[Int(number)] = 0
    freeNumbers.append(number)
  }
}
