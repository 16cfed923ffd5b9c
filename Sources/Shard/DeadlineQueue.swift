/// When which user must be looked at: hints, re-checked when they come due.
///
/// A heap in order of (time, first appearance). A user has at most one hint that counts (its time is kept
/// in the table); a deadline that moves later leaves its hint where it is, so that an event costs nothing here.
struct DeadlineQueue: ~Copyable {
  struct Hint {
    var time: Int64
    var appearance: UInt64
    var index: UInt32

    static func < (left: Hint, right: Hint) -> Bool {
      left.time != right.time ? left.time < right.time : left.appearance < right.appearance
    }
  }

  private var heap: [Hint] = []

  init() {}

  /// Of many at once, in any order; in less time than one by one.
  init(_ hints: consuming [Hint]) {
    heap = hints
    if heap.count < 2 { return }
    for parent in stride(from: (heap.count - 2) / Self.arity, through: 0, by: -1) {
      sink(heap[parent], from: parent)
    }
  }

  var first: Hint? { heap.first }

  /// Children of a node: four lie side by side in memory, which halves the depth.
  private static let arity = 4

  mutating func push(_ hint: Hint) {
    heap.append(hint)
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / Self.arity
      if !(hint < heap[parent]) { break }
      heap[child] = heap[parent]
      child = parent
    }
    heap[child] = hint
  }

  mutating func popFirst() -> Hint {
    let first = heap[0]
    let last = heap.removeLast()
    if !heap.isEmpty { sink(last, from: 0) }
    return first
  }

  /// Moves a hole down to where `hint` belongs, and puts it there.
  private mutating func sink(_ hint: Hint, from place: Int) {
    let count = heap.count
    var hole = place
    while true {
      let firstChild = Self.arity * hole + 1
      if firstChild >= count { break }
      var least = firstChild
      for child in firstChild + 1..<max(firstChild + 1, min(firstChild + Self.arity, count))
      where heap[child] < heap[least] {
        least = child
      }
      if !(heap[least] < hint) { break }
      heap[hole] = heap[least]
      hole = least
    }
    heap[hole] = hint
  }
}
