import Triggers

/// States of users, each at a place that it keeps: pieces of memory that never move, free places used again.
@safe struct StateSlab: ~Copyable {
  /// States in one piece.
  private static let statesInPiece = 256

  private var pieces: [UnsafeMutablePointer<UserState>] = unsafe []
  /// Places that were ever used lie below it.
  private var end = 0
  private var free: [UInt32] = []

  init() {}

  deinit {
    var isFree = [Bool](repeating: false, count: end)
    for place in free { isFree[Int(place)] = true }
    for place in 0..<end where !isFree[place] { unsafe pointer(UInt32(place)).deinitialize(count: 1) }
    for piece in 0..<pieceCount { unsafe pieces[piece].deallocate() }
  }

  private var pieceCount: Int { unsafe pieces.count }

  @unsafe private func pointer(_ place: UInt32) -> UnsafeMutablePointer<UserState> {
    unsafe pieces[Int(place) / Self.statesInPiece] + Int(place) % Self.statesInPiece
  }

  /// Takes a state in; returns its place.
  mutating func insert(_ state: consuming UserState) -> UInt32 {
    let place: UInt32
    if let used = free.popLast() {
      place = used
    } else {
      if end == pieceCount * Self.statesInPiece {
        unsafe pieces.append(.allocate(capacity: Self.statesInPiece))
      }
      place = UInt32(end)
      end += 1
    }
    unsafe pointer(place).initialize(to: state)
    return place
  }

  /// Gives the state at a place back, with everything it holds.
  mutating func remove(_ place: UInt32) {
    unsafe pointer(place).deinitialize(count: 1)
    free.append(place)
  }

  /// The state at a place in use.
  subscript(place: UInt32) -> UserState {
    // Yielded in place: a copy would retain every list that the state holds.
    _read { yield unsafe pointer(place).pointee }
    _modify { yield unsafe &pointer(place).pointee }
  }
}
