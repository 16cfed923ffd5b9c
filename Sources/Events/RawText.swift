/// A stretch of text in memory that somebody else owns: a value inside the record that is being decoded.
///
/// Internal to decoding, and never kept beyond it: the JSON reader's buffers, the row scanner's and the
/// mapping's constants all outlive the decoding of one record, which is what makes its surface safe. Reads
/// are bounds-checked.
@safe struct RawText {
  let base: UnsafePointer<UInt8>?
  let count: Int

  init(_ base: UnsafePointer<UInt8>?, count: Int) {
    unsafe self.base = base
    self.count = unsafe base == nil ? 0 : count
  }

  init(_ buffer: UnsafeRawBufferPointer) {
    unsafe self.init(buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), count: buffer.count)
  }

  subscript(index: Int) -> UInt8 {
    precondition(index >= 0 && index < count)
    return unsafe base.unsafelyUnwrapped[index]
  }

  var buffer: UnsafeBufferPointer<UInt8> { unsafe UnsafeBufferPointer(start: base, count: count) }
  var raw: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base, count: count) }

  func slice(_ start: Int, _ count: Int) -> RawText {
    precondition(start >= 0 && count >= 0 && start + count <= self.count)
    return unsafe RawText(base.map { unsafe $0 + start }, count: count)
  }

  /// Without a line's end, and without the byte order mark that some exports begin with.
  func trimmedLine() -> RawText {
    var start = 0
    var end = count
    while end > 0, self[end - 1] == 0x0A || self[end - 1] == 0x0D { end -= 1 }
    if end >= 3, self[0] == 0xEF, self[1] == 0xBB, self[2] == 0xBF { start = 3 }
    return slice(start, end - start)
  }

  @inline(__always) func isEqual(to other: RawText) -> Bool { unsafe raw.isSame(as: other.raw) }

  func isEqual(to text: StaticString) -> Bool {
    unsafe isEqual(to: RawText(text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Only where an allocation does not matter.
  var string: String { unsafe String(decoding: buffer, as: UTF8.self) }

  /// For tables that live as long as the process: of the length and both ends, which overlap in a short text.
  var hash: UInt32 {
    guard let base = unsafe base, count > 0 else { return 0 }
    let start = unsafe UnsafeRawPointer(base)
    let head: UInt64
    let tail: UInt64
    if count >= 8 {
      head = unsafe start.loadUnaligned(as: UInt64.self)
      tail = unsafe start.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
    } else if count >= 4 {
      head = unsafe UInt64(start.loadUnaligned(as: UInt32.self))
      tail = unsafe UInt64(start.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
    } else {
      head = unsafe UInt64(base[0]) | UInt64(base[count / 2]) << 8
      tail = unsafe UInt64(base[count - 1])
    }
    let mixed = (head ^ UInt64(count)) &* 0x9e37_79b9_7f4a_7c15 ^ tail &* 0xc2b2_ae3d_27d4_eb4f
    return UInt32(truncatingIfNeeded: mixed >> 32)
  }
}
