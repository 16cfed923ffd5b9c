/// Users that have changed since they were last flushed, in the order of their first unflushed change.
///
/// A ring that grows: positions never go back along it, so its head is the recovery point.
struct DirtyQueue: ~Copyable {
  struct Item {
    var index: UInt32
    var position: Position
  }

  private var items: [Item] = []
  private var head = 0
  /// How many users have ever been queued: the ordinal of the next.
  private(set) var queued: UInt64 = 0

  init() {}

  var count: Int { items.count - head }
  var isEmpty: Bool { head == items.count }
  var first: Item? { isEmpty ? nil : items[head] }
  /// Ordinal of the first that waits.
  var firstOrdinal: UInt64 { queued - UInt64(count) }

  mutating func append(_ index: Int, _ position: Position) {
    items.append(Item(index: UInt32(index), position: position))
    queued += 1
  }

  mutating func popFirst() -> Item {
    let item = items[head]
    head += 1
    // Half of it is spent: moving the rest costs no more than what was popped since.
    if head >= 1024, head * 2 >= items.count {
      items.removeFirst(head)
      head = 0
    }
    return item
  }
}
