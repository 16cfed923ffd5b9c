import Portrait

/// Memory for users' blocks: large pieces, cut into blocks of fixed sizes, free ones used again by their size.
///
/// Sizes are multiples of 16 bytes up to 1 KiB, then eight to each doubling up to 1 MiB; what is larger, which no
/// state is, gets a piece to itself. Pieces never move. What is freed is kept for blocks of the same size: memory
/// follows the largest number of blocks of each size that there ever was at once.
@safe struct BlockSlab: ~Copyable {
  /// Where a block lies: its piece in the upper half, in units from the piece's start in the lower.
  typealias Place = UInt32

  private static let unit = 16
  private static let unitsInPiece = 65_536
  private static let smallUnits = 64
  /// Below 65,536, which a block could not write down.
  private static let largestUnits = 61_440
  /// Sizes: up to `smallUnits` each, then eight to each of ten doublings.
  private static let sizes = 64 + 8 * 10
  private static let nobody = Place.max

  private var pieces: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private var pieceCapacity = 64
  private var pieceCount = 0
  /// Pieces that held one large block, and hold nothing any more.
  private var emptyPieces: [Int] = []
  /// Units of the present piece that are cut.
  private var cut = BlockSlab.unitsInPiece
  private var present = 0
  /// First free block of each size; each tells the next.
  private var free = FlatArray<Place>(repeating: BlockSlab.nobody, count: BlockSlab.sizes)
  /// Bytes in pieces.
  private(set) var bytes = 0

  init() {
    unsafe pieces = .allocate(capacity: pieceCapacity)
  }

  deinit {
    for piece in 0..<pieceCount { unsafe pieces[piece]?.deallocate() }
    unsafe pieces.deallocate()
  }

  /// The address of a block.
  @unsafe @inline(__always) func address(_ place: Place) -> UnsafeMutableRawPointer {
    let piece = Int(place >> 16)
    precondition(piece < pieceCount)
    return unsafe pieces[piece].unsafelyUnwrapped + Int(place & 0xFFFF) * Self.unit
  }

  /// The units that a block of so many bytes gets; 0: a piece to itself.
  static func units(_ bytes: Int) -> Int {
    let units = (bytes + unit - 1) / unit
    if units <= smallUnits { return max(1, units) }
    if units > largestUnits { return 0 }
    let step = 1 << step(units)
    return (units + step - 1) & ~(step - 1)
  }

  /// Of units above `smallUnits`: how many binary digits are rounded away.
  private static func step(_ units: Int) -> Int { Int.bitWidth - 1 - (units - 1).leadingZeroBitCount - 3 }

  private static func size(_ units: Int) -> Int {
    if units <= smallUnits { return units - 1 }
    let step = step(units)
    return smallUnits + (step - 3) * 8 + (units >> step) - 9
  }

  /// A block of so many units, as `units` gave them.
  mutating func allocate(units: Int, bytes: Int) -> Place {
    if units == 0 { return allocateLarge(bytes) }
    let size = Self.size(units)
    let first = free[size]
    if first != Self.nobody {
      free[size] = unsafe address(first).load(as: Place.self)
      return first
    }
    if cut + units > Self.unitsInPiece { beginPiece() }
    let place = Place(present) << 16 | Place(cut)
    cut += units
    return place
  }

  /// Gives a block back.
  mutating func release(_ place: Place, units: Int) {
    if units == 0 { return releaseLarge(place) }
    let size = Self.size(units)
    unsafe address(place).storeBytes(of: free[size], as: Place.self)
    free[size] = place
  }

  private mutating func beginPiece() {
    // What is left of the last one is given to the sizes that fit.
    while cut < Self.unitsInPiece {
      let units = min(Self.smallUnits, Self.unitsInPiece - cut)
      release(Place(present) << 16 | Place(cut), units: units)
      cut += units
    }
    present = add(bytes: Self.unitsInPiece * Self.unit)
    cut = 0
  }

  /// A further piece.
  private mutating func add(bytes: Int) -> Int {
    // Readers may look a little beyond a block.
    let piece = UnsafeMutableRawPointer.allocate(byteCount: bytes + BlockReader.overhang, alignment: 64)
    self.bytes += bytes + BlockReader.overhang
    if let empty = emptyPieces.popLast() {
      unsafe pieces[empty] = piece
      return empty
    }
    if pieceCount == pieceCapacity {
      precondition(pieceCapacity < 65_536, "users take more than 64 GiB")
      let more = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: 2 * pieceCapacity)
      unsafe more.update(from: pieces, count: pieceCount)
      unsafe pieces.deallocate()
      unsafe pieces = more
      pieceCapacity *= 2
    }
    unsafe pieces[pieceCount] = piece
    pieceCount += 1
    return pieceCount - 1
  }

  private mutating func allocateLarge(_ bytes: Int) -> Place {
    Place(add(bytes: bytes)) << 16
  }

  private mutating func releaseLarge(_ place: Place) {
    let piece = Int(place >> 16)
    unsafe pieces[piece]?.deallocate()
    unsafe pieces[piece] = nil
    emptyPieces.append(piece)
  }
}
