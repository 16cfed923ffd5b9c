import CMemory

/// A list of plain numbers that belongs to one owner: no reference counting, no copy behind anybody's back. A long one
/// lies in the kernel's large pages.
@safe struct FlatArray<Element: BitwiseCopyable>: ~Copyable {
  private var base: UnsafeMutablePointer<Element>
  private var capacity: Int
  private(set) var count = 0
  var isEmpty: Bool { count == 0 }

  init(minimumCapacity: Int = 64) {
    capacity = max(1, minimumCapacity)
    unsafe base = Self.allocate(capacity)
  }

  init(repeating element: Element, count: Int) {
    self.init(minimumCapacity: count)
    unsafe base.initialize(repeating: element, count: count)
    self.count = count
  }

  deinit { unsafe Self.release(base, capacity) }

  /// From so many bytes on an array lies in large pages: half of one is lost at its end on average.
  private static var largeBytes: Int { 16 << 20 }

  @unsafe private static func allocate(_ capacity: Int) -> UnsafeMutablePointer<Element> {
    let bytes = capacity * MemoryLayout<Element>.stride
    guard bytes >= largeBytes else { return .allocate(capacity: capacity) }
    return unsafe ebb_allocate_large(bytes)!.bindMemory(to: Element.self, capacity: capacity)
  }

  @unsafe private static func release(_ base: UnsafeMutablePointer<Element>, _ capacity: Int) {
    let bytes = capacity * MemoryLayout<Element>.stride
    guard bytes >= largeBytes else { return unsafe base.deallocate() }
    unsafe ebb_release_large(base, bytes)
  }

  /// Memory asked for.
  var bytes: Int { capacity * MemoryLayout<Element>.stride }

  /// What it takes beside itself when it grows next, if that is near; else 0.
  var growthBytes: Int { count >= capacity / 8 * 7 ? bytes : 0 }

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

  /// Takes the last one out of an array that is not empty.
  mutating func removeLast() -> Element {
    precondition(count > 0)
    count -= 1
    return unsafe base[count]
  }

  /// Has it hold so many, what is new being this one.
  mutating func resize(to count: Int, with element: Element) {
    self.count = min(self.count, count)
    while self.count < count { append(element) }
  }

  @inline(never) private mutating func grow() {
    // By half: what is never written to takes no memory, but what is copied does for a moment.
    let wanted = capacity + max(64, capacity / 2)
    let more = unsafe Self.allocate(wanted)
    unsafe more.update(from: base, count: count)
    unsafe Self.release(base, capacity)
    unsafe base = more
    capacity = wanted
  }

  /// Where an element lies, to be brought nearer.
  @unsafe func address(_ index: Int) -> UnsafeRawPointer { unsafe UnsafeRawPointer(base + index) }
}
