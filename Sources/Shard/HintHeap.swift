/// Deadline hints in order of (time, first appearance): a heap, for the few that `DeadlineWheel` has no bucket for.
struct HintHeap: ~Copyable {
  private var heap = FlatArray<DeadlineHint>()

  init() {}

  var count: Int { heap.count }
  var isEmpty: Bool { heap.count == 0 }
  var first: DeadlineHint? { heap.count == 0 ? nil : heap[0] }

  /// Children of a node: four lie side by side in memory, which halves the depth.
  private static let arity = 4

  mutating func push(_ hint: DeadlineHint) {
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

  /// Takes the first out of a heap that is not empty.
  mutating func popFirst() -> DeadlineHint {
    let first = heap[0]
    let last = heap.removeLast()
    if heap.count > 0 { sink(last) }
    return first
  }

  /// Takes any one out of a heap that is not empty: the cheapest.
  mutating func popAny() -> DeadlineHint { heap.removeLast() }

  /// Moves the hole at the top down to where `hint` belongs, and puts it there.
  private mutating func sink(_ hint: DeadlineHint) {
    let count = heap.count
    var hole = 0
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
