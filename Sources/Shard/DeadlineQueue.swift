/// When which user must be looked at: hints, re-checked when they come due.
///
/// A binary heap in order of (time, first appearance). A user has at most one hint that counts (its time is kept
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

  var first: Hint? { heap.first }
  var count: Int { heap.count }

  mutating func push(_ hint: Hint) {
    heap.append(hint)
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      if !(heap[child] < heap[parent]) { break }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  mutating func popFirst() -> Hint {
    let first = heap[0]
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      sink(0)
    }
    return first
  }

  private mutating func sink(_ start: Int) {
    var parent = start
    while true {
      var child = 2 * parent + 1
      if child >= heap.count { return }
      if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
      if !(heap[child] < heap[parent]) { return }
      heap.swapAt(child, parent)
      parent = child
    }
  }
}
