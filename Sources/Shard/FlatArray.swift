/// A list of plain numbers that belongs to one owner: no reference counting, no copy behind anybody's back.
@safe struct FlatArray<Element: BitwiseCopyable>: ~Copyable {
  private var base: UnsafeMutablePointer<Element>
  private var capacity: Int
  private(set) var count = 0

  init(minimumCapacity: Int = 64) {
    capacity = max(1, minimumCapacity)
    unsafe base = .allocate(capacity: capacity)
  }

  init(repeating element: Element, count: Int) {
    self.init(minimumCapacity: count)
    unsafe base.initialize(repeating: element, count: count)
    self.count = count
  }

  deinit { unsafe base.deallocate() }

  subscript(index: Int) -> Element {
    @inline(__always) _read {
      precondition(index >= 0 && index < count)
      yield unsafe base[index]
    }
    @inline(__always) _modify {
      precondition(index >= 0 && index < count)
      yield unsafe &base[index]
    }
  }

  mutating func append(_ element: Element) {
    if count == capacity { grow() }
    unsafe base[count] = element
    count += 1
  }

  mutating func popLast() -> Element? {
    if count == 0 { return nil }
    count -= 1
    return unsafe base[count]
  }

  @inline(never) private mutating func grow() {
    // By half: what is never written to takes no memory, but what is copied does for a moment.
    let wanted = capacity + max(64, capacity / 2)
    let more = UnsafeMutablePointer<Element>.allocate(capacity: wanted)
    unsafe more.update(from: base, count: count)
    unsafe base.deallocate()
    unsafe base = more
    capacity = wanted
  }

  /// Where an element lies, to be brought nearer.
  @unsafe func address(_ index: Int) -> UnsafeRawPointer { unsafe UnsafeRawPointer(base + index) }
}
