/// The hints of one bucket of `DeadlineWheel` that spans a quarter of a second at most, in order, to be taken one by one.
struct HintRun: ~Copyable {
  /// Low bits of the time, then the appearance. Not private: the compiler does not survive that in a generic list.
  struct Ready: BitwiseCopyable {
    var key: UInt64
    var index: UInt32
  }

  /// Hints of one chunk are sorted by insertion, more of them first by their milliseconds.
  private static let milliseconds = 256
  /// More than so many of one millisecond are better sorted by their appearance's digits.
  private static let maximumOfOne = 64

  /// The last is the first in time.
  private var ready = FlatArray<Ready>()
  /// The time of all but for the low 16 bits, as the wheel orders times.
  private var base: UInt64 = 0
  private var places = FlatArray<UInt32>(repeating: 0, count: HintRun.milliseconds)

  init() {}

  @inline(__always) var isEmpty: Bool { ready.isEmpty }
  @inline(__always) var count: Int { ready.count }

  private static func key(_ entry: HintChunks.Entry) -> UInt64 {
    UInt64(entry.timeLow & 0xFFFF) << 48 | entry.appearance
  }

  /// Takes in the chain that begins with `head`, whose hints' times differ in their low byte only; false: there are too
  /// many of one millisecond, and nothing is taken in. It must be empty.
  mutating func fill(_ head: UInt32, of chunks: borrowing HintChunks, at start: UInt64) -> Bool {
    base = start & ~0xFFFF
    if chunks.next(head) == HintChunks.none {
      let count = chunks.count(head)
      for place in 0..<count { append(chunks.entry(place, of: head)) }
    } else {
      guard distribute(head, of: chunks) else { return false }
    }
    sort()
    return true
  }

  private mutating func append(_ entry: HintChunks.Entry) {
    ready.append(Ready(key: Self.key(entry), index: entry.index))
  }

  /// Puts each where its millisecond has its place.
  private mutating func distribute(_ head: UInt32, of chunks: borrowing HintChunks) -> Bool {
    for place in 0..<Self.milliseconds { places[place] = 0 }
    var chunk = head
    var total: UInt32 = 0
    var most: UInt32 = 0
    while chunk != HintChunks.none {
      for place in 0..<chunks.count(chunk) {
        let millisecond = Int(chunks.entry(place, of: chunk).timeLow & 0xFF)
        places[millisecond] += 1
        most = max(most, places[millisecond])
        total += 1
      }
      chunk = chunks.next(chunk)
    }
    if most > Self.maximumOfOne { return false }
    ready.resize(to: Int(total), with: Ready(key: 0, index: 0))
    var behind = total
    for millisecond in 0..<Self.milliseconds {
      behind -= places[millisecond]
      places[millisecond] = behind
    }
    chunk = head
    while chunk != HintChunks.none {
      for place in 0..<chunks.count(chunk) {
        let entry = chunks.entry(place, of: chunk)
        let millisecond = Int(entry.timeLow & 0xFF)
        ready[Int(places[millisecond])] = Ready(key: Self.key(entry), index: entry.index)
        places[millisecond] += 1
      }
      chunk = chunks.next(chunk)
    }
    return true
  }

  /// By insertion.
  private mutating func sort() {
    for index in 1..<max(1, ready.count) {
      let moved = ready[index]
      var hole = index
      while hole > 0, ready[hole - 1].key < moved.key {
        ready[hole] = ready[hole - 1]
        hole -= 1
      }
      if hole != index { ready[hole] = moved }
    }
  }

  private func hint(_ place: Int) -> DeadlineHint {
    let ready = ready[place]
    return DeadlineHint(
      time: DeadlineWheel.time(base | ready.key >> 48),
      appearance: ready.key & (HintChunks.appearanceEnd - 1),
      index: ready.index)
  }

  /// The first; nil: there is none.
  @inline(__always) var first: DeadlineHint? { isEmpty ? nil : hint(count - 1) }

  /// Takes the first out; there must be one.
  mutating func popFirst() -> DeadlineHint {
    let first = hint(count - 1)
    _ = ready.removeLast()
    return first
  }

  /// The user whose hint is so many behind the first; nil: there are not so many.
  @inline(__always) func user(behindFirst distance: Int) -> UInt32? {
    distance < count ? ready[count - 1 - distance].index : nil
  }
}
