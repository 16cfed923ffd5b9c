import Events

/// Appends values to bytes. One writer serves many records: `removeAll` keeps its memory.
///
/// Bytes are written where they will lie, behind those that count, in an array that is always longer: to append is to
/// store, with one look at whether there is room and the array our own.
public struct StateWriter: Sendable {
  /// Only the first `written` bytes mean anything.
  private var storage: [UInt8] = []
  private var written = 0

  /// The longest spelling of a number, bytes.
  static let longestNumber = 10

  public init() {}

  public var count: Int { written }

  /// What was written so far, copied.
  public var bytes: [UInt8] { Array(storage[..<written]) }

  /// Calls `body` with what was written so far.
  public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try unsafe storage.withUnsafeBytes { try unsafe body(UnsafeRawBufferPointer(rebasing: $0[..<written])) }
  }

  /// Empties the writer and keeps its memory.
  public mutating func removeAll() { written = 0 }

  @inline(never) private mutating func grow(_ bytes: Int) {
    let more = max(storage.count, bytes, 128)
    storage.append(contentsOf: repeatElement(0, count: more))
  }

  /// Calls `body` with where up to `most` bytes may be stored; it returns how many it has.
  @inline(__always) mutating func write(atMost most: Int, _ body: (UnsafeMutableRawPointer) -> Int) {
    if storage.count &- written < most { grow(most) }
    let place = written
    written =
      unsafe place
      &+ storage.withUnsafeMutableBytes { buffer in
        unsafe body(buffer.baseAddress.unsafelyUnwrapped + place)
      }
  }

  @inline(__always) private mutating func put<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) {
    unsafe write(atMost: MemoryLayout<Value>.size) { place in
      unsafe place.storeBytes(of: value.littleEndian, as: Value.self)
      return MemoryLayout<Value>.size
    }
  }

  public mutating func byte(_ value: UInt8) { put(value) }

  /// LEB128: seven bits a byte, lowest first.
  public mutating func unsigned(_ value: UInt64) {
    unsafe write(atMost: Self.longestNumber) { unsafe Self.store(value, at: $0) }
  }

  /// Stores a number as `unsigned` does; returns how many bytes it takes.
  @inline(__always) static func store(_ value: UInt64, at start: UnsafeMutableRawPointer) -> Int {
    // Most numbers in a state are below 128.
    if value < 0x80 {
      unsafe start.storeBytes(of: UInt8(truncatingIfNeeded: value), as: UInt8.self)
      return 1
    }
    return unsafe storeSeveral(value, at: start)
  }

  @inline(never) private static func storeSeveral(_ value: UInt64, at start: UnsafeMutableRawPointer) -> Int {
    var rest = value
    var place = 0
    while rest >= 0x80 {
      unsafe start.storeBytes(
        of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: place, as: UInt8.self)
      rest >>= 7
      place &+= 1
    }
    unsafe start.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: place, as: UInt8.self)
    return place &+ 1
  }

  /// A count or an index; must not be negative.
  public mutating func count(_ value: Int) {
    unsigned(UInt64(value))
  }

  /// Zigzag, so that small negative numbers are short too.
  public mutating func signed(_ value: Int64) {
    unsigned(Self.zigzag(value))
  }

  @inline(__always) static func zigzag(_ value: Int64) -> UInt64 {
    UInt64(bitPattern: value << 1 ^ value >> 63)
  }

  /// Four bytes, lowest first.
  public mutating func fixed32(_ value: UInt32) { put(value) }

  /// Eight bytes, lowest first.
  public mutating func fixed64(_ value: UInt64) { put(value) }

  /// The bit pattern, eight bytes.
  public mutating func double(_ value: Double) { put(value.bitPattern) }

  /// UTF-8 with its length before it.
  public mutating func string(_ text: String) {
    count(text.utf8.count)
    raw(text.utf8)
  }

  /// Bytes as they are, without a length.
  public mutating func raw(_ more: some Collection<UInt8>) {
    let isDone: Void? = more.withContiguousStorageIfAvailable { unsafe raw(UnsafeRawBufferPointer($0)) }
    if isDone != nil { return }
    for byte in more { put(byte) }
  }

  /// Bytes as they are, without a length.
  public mutating func raw(_ more: UnsafeRawBufferPointer) {
    guard let start = more.baseAddress else { return }
    unsafe write(atMost: more.count) { place in
      unsafe place.copyMemory(from: start, byteCount: more.count)
      return more.count
    }
  }

  /// Three letters.
  package mutating func currency(_ currency: Currency) {
    for shift in [UInt32(16), 8, 0] { put(UInt8(truncatingIfNeeded: currency.code >> shift)) }
  }

  /// A time as its distance from another.
  package mutating func time(_ time: Int64, from base: Int64) {
    signed(time &- base)
  }

  /// As `time`, where the distance is likely to be a round one.
  package mutating func span(_ time: Int64, from base: Int64) {
    let (amount, unit) = SpanUnit.split(time &- base)
    unsigned(Self.zigzag(amount) << 2 | UInt64(unit))
  }
}

extension StateWriter: Equatable {
  /// Whether the same bytes were written.
  public static func == (left: StateWriter, right: StateWriter) -> Bool {
    if left.count != right.count { return false }
    return unsafe left.withBytes { left in
      unsafe right.withBytes { right in unsafe left.isSame(as: right) }
    }
  }
}
