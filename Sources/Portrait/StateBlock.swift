// The alphabet of a user's block: how the state of one user lies in memory while nobody looks at it. Fixed widths and
// no checks, for it is written and read with every event and never leaves the process; what is stored elsewhere is
// `StateWriter`'s.

/// Appends values to a block in the making. One writer serves all users: it keeps its memory.
///
/// Times and amounts are kept in 40 bits, times as their distance from an origin, which reaches 17 years to either
/// side. If one does not fit, `overflows` tells so at the end, and the block must be written again with `isWide`.
@safe public struct BlockWriter: ~Copyable {
  @usableFromInline var base: UnsafeMutableRawPointer
  @usableFromInline var capacity: Int
  @usableFromInline var written = 0
  @usableFromInline var wide = false
  @usableFromInline var overflow = false
  @usableFromInline var origin: Int64 = 0

  /// Bytes that may be written before `reserve` must be asked for more.
  public static let margin = 1_024

  /// Bytes written so far.
  @inlinable public var count: Int { written }
  /// Whether all times and amounts take eight bytes.
  @inlinable public var isWide: Bool { wide }
  /// Whether something was written that needs `isWide`.
  @inlinable public var overflows: Bool { overflow }

  public init() {
    capacity = 4_096
    unsafe base = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { unsafe base.deallocate() }

  /// Empties the writer. There is room for `margin` bytes.
  @inlinable public mutating func begin(isWide: Bool) {
    written = 0
    wide = isWide
    overflow = false
    origin = 0
  }

  /// Makes room for so many bytes and the margin.
  @inlinable public mutating func reserve(_ bytes: Int) {
    if written + bytes + 1_024 > capacity { grow(bytes) }
  }

  @usableFromInline mutating func grow(_ bytes: Int) {
    let wanted = max(2 * capacity, written + bytes + 2 * Self.margin)
    let more = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
    unsafe more.copyMemory(from: base, byteCount: written)
    unsafe base.deallocate()
    unsafe base = more
    capacity = wanted
  }

  /// The bytes. Valid until the writer changes.
  @unsafe @inlinable public var bytes: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: base, count: written)
  }

  @inlinable mutating func put<Value: BitwiseCopyable>(_ value: Value) {
    unsafe (base + written).storeBytes(of: value, as: Value.self)
    written += MemoryLayout<Value>.size
  }

  @inlinable public mutating func byte(_ value: UInt8) { put(value) }
  @inlinable public mutating func fixed16(_ value: UInt16) { put(value) }
  @inlinable public mutating func fixed32(_ value: UInt32) { put(value) }
  @inlinable public mutating func fixed64(_ value: UInt64) { put(value) }
  @inlinable public mutating func double(_ value: Double) { put(value.bitPattern) }

  /// The base of the times that follow, in full.
  @inlinable public mutating func origin(_ time: Int64) {
    put(time)
    origin = time
  }

  /// An amount of any size, most of them below 2³⁹.
  @inlinable public mutating func amount(_ value: Int64) {
    unsafe (base + written).storeBytes(of: value, as: Int64.self)
    if wide {
      written += 8
    } else {
      if (value << 24) >> 24 != value { overflow = true }
      written += 5
    }
  }

  /// A time, as its distance from the origin.
  @inlinable public mutating func time(_ time: Int64) { amount(time &- origin) }

  /// A number that is hardly ever above 254 or below 0.
  @inlinable public mutating func small(_ value: Int64) {
    if value >= 0, value < 255 {
      put(UInt8(truncatingIfNeeded: value))
    } else {
      put(UInt8.max)
      put(value)
    }
  }

  /// A count of bytes that is hardly ever above 65,534.
  @inlinable public mutating func size(_ value: Int) {
    if value < 65_535 {
      put(UInt16(truncatingIfNeeded: value))
    } else {
      put(UInt16.max)
      put(UInt32(value))
    }
  }

  /// Bytes as they are.
  @inlinable public mutating func raw(_ more: UnsafeRawBufferPointer) {
    reserve(more.count)
    if let start = more.baseAddress {
      unsafe (base + written).copyMemory(from: start, byteCount: more.count)
    }
    written += more.count
  }

  /// A value as it lies in memory.
  @inlinable public mutating func value<Value: BitwiseCopyable>(_ value: Value) { put(value) }

  /// Puts a value in the place of one that was written before.
  @inlinable public mutating func replace<Value: BitwiseCopyable>(at place: Int, with value: Value) {
    precondition(place + MemoryLayout<Value>.size <= written)
    unsafe (base + place).storeBytes(of: value, as: Value.self)
  }

  /// A value as it lies in memory, of which only the first bytes count.
  @inlinable public mutating func prefix<Value: BitwiseCopyable>(_ bytes: Int, of value: Value) {
    unsafe (base + written).storeBytes(of: value, as: Value.self)
    written += bytes
  }
}

/// Reads a block. Trusts it: only for what a `BlockWriter` of this process wrote, with readable memory behind it.
@safe public struct BlockReader {
  @usableFromInline let start: UnsafeRawPointer
  @usableFromInline var read = 0
  @usableFromInline let wide: Bool
  @usableFromInline var origin: Int64 = 0

  /// How far behind the end of a block memory must be readable.
  public static let overhang = 64

  /// Bytes read so far.
  @inlinable public var place: Int { read }

  /// - Parameters:
  ///   - start: valid as long as the reader is used. - isWide: as the block was written.
  @inlinable public init(_ start: UnsafeRawPointer, isWide: Bool) {
    unsafe self.start = start
    wide = isWide
  }

  @inlinable mutating func take<Value: BitwiseCopyable>(_: Value.Type = Value.self) -> Value {
    let value = unsafe (start + read).loadUnaligned(as: Value.self)
    read += MemoryLayout<Value>.size
    return value
  }

  @inlinable public mutating func byte() -> UInt8 { take() }
  @inlinable public mutating func fixed16() -> UInt16 { take() }
  @inlinable public mutating func fixed32() -> UInt32 { take() }
  @inlinable public mutating func fixed64() -> UInt64 { take() }
  @inlinable public mutating func double() -> Double { Double(bitPattern: take()) }

  @inlinable public mutating func readOrigin() -> Int64 {
    origin = take()
    return origin
  }

  @inlinable public mutating func amount() -> Int64 {
    let value = unsafe (start + read).loadUnaligned(as: Int64.self)
    if wide {
      read += 8
      return value
    }
    read += 5
    return (value << 24) >> 24
  }

  @inlinable public mutating func time() -> Int64 { origin &+ amount() }

  @inlinable public mutating func small() -> Int64 {
    let value = take(UInt8.self)
    return value < 255 ? Int64(value) : take()
  }

  @inlinable public mutating func size() -> Int {
    let value = take(UInt16.self)
    return value < UInt16.max ? Int(value) : Int(take(UInt32.self))
  }

  /// A reader of what lies behind, from this place on.
  @inlinable public func at(_ place: Int) -> BlockReader {
    var reader = self
    reader.read = place
    return reader
  }

  /// A value as it lies in memory.
  @inlinable public mutating func value<Value: BitwiseCopyable>(_: Value.Type) -> Value { take() }

  /// The next bytes, where they are.
  @unsafe @inlinable public mutating func raw(_ count: Int) -> UnsafeRawBufferPointer {
    let bytes = unsafe UnsafeRawBufferPointer(start: start + read, count: count)
    read += count
    return unsafe bytes
  }

  /// A value of which only the first bytes count; what follows them is whatever lies there.
  @inlinable public mutating func prefix<Value: BitwiseCopyable>(_ bytes: Int, as: Value.Type) -> Value {
    let value = unsafe (start + read).loadUnaligned(as: Value.self)
    read += bytes
    return value
  }
}
