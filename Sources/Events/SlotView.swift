/// What an `EventSlot` shows of its memory: a plain pointer and a count, so that reading an event counts no
/// reference and copies nothing.
///
/// Valid until the slot is cleared, filled, appended to or destroyed: it is used where it was asked for, and never
/// kept. Reads are bounds-checked; that rule is the only one that the caller has to keep.
@safe public struct SlotView<Element: BitwiseCopyable>: RandomAccessCollection {
  @usableFromInline let base: UnsafePointer<Element>
  public let count: Int

  @inlinable init(_ base: UnsafePointer<Element>, count: Int) {
    unsafe self.base = unsafe base
    self.count = count
  }

  @inlinable public var startIndex: Int { 0 }
  @inlinable public var endIndex: Int { count }

  @inlinable public subscript(index: Int) -> Element {
    precondition(index >= 0 && index < count)
    return unsafe base[index]
  }

  /// As memory, for hashing and copying.
  @inlinable public var raw: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(UnsafeBufferPointer(start: base, count: count))
  }

  @inlinable public func withContiguousStorageIfAvailable<Result>(
    _ body: (UnsafeBufferPointer<Element>) throws -> Result
  ) rethrows -> Result? {
    try unsafe body(UnsafeBufferPointer(start: base, count: count))
  }
}

/// Memory of a slot that grows to the largest event and stays: no reference count, no check for uniqueness.
@safe @usableFromInline struct SlotBlock<Element: BitwiseCopyable>: ~Copyable {
  /// Elements behind the last that may be overwritten, so that short texts are copied in one piece.
  @usableFromInline let slack: Int
  @usableFromInline var base: UnsafeMutablePointer<Element>
  @usableFromInline var capacity: Int
  @usableFromInline var count = 0

  @inlinable init(capacity: Int, slack: Int) {
    self.capacity = capacity
    self.slack = slack
    unsafe base = .allocate(capacity: capacity + slack)
  }

  @inlinable deinit { unsafe base.deallocate() }

  @inlinable var view: SlotView<Element> { unsafe SlotView(base, count: count) }

  /// Makes room for so many more.
  @inlinable mutating func reserve(_ more: Int) {
    if capacity - count < more { grow(more) }
  }

  @usableFromInline mutating func grow(_ more: Int) {
    while capacity - count < more { capacity *= 2 }
    let grown = UnsafeMutablePointer<Element>.allocate(capacity: capacity + slack)
    unsafe grown.update(from: base, count: count)
    unsafe base.deallocate()
    unsafe base = grown
  }

  @inlinable mutating func append(_ element: Element) {
    reserve(1)
    unsafe base[count] = element
    count += 1
  }

  @inlinable mutating func append(from start: UnsafePointer<Element>, count more: Int) {
    reserve(more)
    unsafe (base + count).update(from: start, count: more)
    count += more
  }
}

extension SlotBlock where Element == UInt8 {
  /// Appends text of which 32 bytes can be read, whatever its length: one copy without a call for almost all.
  @inlinable mutating func appendShort(_ start: UnsafePointer<UInt8>, count more: Int) {
    guard more <= 32 else { return unsafe append(from: start, count: more) }
    reserve(more)
    let from = unsafe UnsafeRawPointer(start)
    let to = unsafe UnsafeMutableRawPointer(base + count)
    let first = unsafe from.loadUnaligned(as: SIMD16<UInt8>.self)
    let second = unsafe from.loadUnaligned(fromByteOffset: 16, as: SIMD16<UInt8>.self)
    unsafe to.storeBytes(of: first, as: SIMD16<UInt8>.self)
    unsafe to.storeBytes(of: second, toByteOffset: 16, as: SIMD16<UInt8>.self)
    count += more
  }
}
