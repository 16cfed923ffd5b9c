/// What comes next: a binary heap of things with a time. Equal times keep the order in which they came.
struct Agenda<Item: Sendable>: Sendable {
  struct Entry: Sendable {
    /// Milliseconds since 1970 UTC.
    var time: Int64
    fileprivate var order: UInt64
    var item: Item

    fileprivate func precedes(_ other: Entry) -> Bool {
      (time, order) < (other.time, other.order)
    }
  }

  private var heap: [Entry] = []
  private var added: UInt64 = 0

  var count: Int { heap.count }

  mutating func add(_ item: Item, at time: Int64) {
    heap.append(Entry(time: time, order: added, item: item))
    added += 1
    var place = heap.count - 1
    while place > 0, case let parent = (place - 1) / 2, heap[place].precedes(heap[parent]) {
      heap.swapAt(place, parent)
      place = parent
    }
  }

  mutating func removeFirst() -> Entry? {
    guard let last = heap.popLast() else { return nil }
    guard let first = heap.first else { return last }
    heap[0] = last
    var place = 0
    while true {
      var least = place
      for child in [2 * place + 1, 2 * place + 2] where child < heap.count {
        if heap[child].precedes(heap[least]) { least = child }
      }
      if least == place { return first }
      heap.swapAt(place, least)
      place = least
    }
  }
}
