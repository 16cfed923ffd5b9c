/// Hints at which time which user has a deadline: a plain binary heap. A hint that is no longer true is dropped
/// when it comes up, since every change of a user adds the hint that is.
struct Agenda {
  struct Hint {
    var time: Int64
    /// The user's first appearance, which orders users at one instant.
    var appearance: Int
    var key: String

    func isBefore(_ other: Hint) -> Bool {
      (time, appearance) < (other.time, other.appearance)
    }
  }

  private var heap: [Hint] = []

  var first: Hint? { heap.first }

  mutating func add(_ hint: Hint) {
    heap.append(hint)
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].isBefore(heap[parent]) else { break }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  mutating func removeFirst() -> Hint {
    heap.swapAt(0, heap.count - 1)
    let hint = heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
        if heap[child].isBefore(heap[least]) { least = child }
      }
      if least == parent { break }
      heap.swapAt(parent, least)
      parent = least
    }
    return hint
  }
}
