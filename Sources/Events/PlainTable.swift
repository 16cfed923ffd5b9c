/// A list that is made once and then only read: no reference is counted and nothing is copied when the hot path
/// reads it. Reads are bounds-checked.
@safe struct PlainTable<Element: BitwiseCopyable>: ~Copyable {
  private let base: UnsafeMutablePointer<Element>
  let count: Int

  /// - Parameter slack: elements behind the last whose memory may be read (and holds nothing of meaning).
  init(_ elements: [Element], slack: Int = 0) {
    count = elements.count
    unsafe base = .allocate(capacity: elements.count + slack)
    for index in elements.indices { unsafe (base + index).initialize(to: elements[index]) }
  }

  deinit { unsafe base.deallocate() }

  @inline(__always) subscript(index: Int) -> Element {
    @inline(__always) unsafeAddress {
      precondition(index >= 0 && index < count)
      return unsafe UnsafePointer(base + index)
    }
  }
}

extension PlainTable {
  /// Of the first element. Good for as long as the table lives.
  @inline(__always) var place: UnsafePointer<Element> { unsafe UnsafePointer(base) }
}

extension PlainTable where Element == UInt8 {
  /// For as long as the table lives.
  func text(_ range: TextRange) -> RawText {
    unsafe RawText(base, count: count).slice(Int(range.start), Int(range.count))
  }
}
