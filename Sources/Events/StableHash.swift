/// A 64-bit hash whose value is part of stored state and of alert ids: it never changes between releases.
///
/// Eight bytes at a time, folded by a 64×64→128-bit multiplication (the construction of wyhash,
/// https://github.com/wangyi-fudan/wyhash); not keyed, not for secrets.
public struct StableHash: Sendable {
  @usableFromInline var state: UInt64

  @inlinable public init(seed: UInt64 = 0) {
    state = seed ^ 0xa076_1d64_78bd_642f
  }

  @inlinable static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }

  /// Adds a number.
  @inlinable public mutating func combine(_ value: UInt64) {
    state = Self.fold(state ^ value ^ 0xe703_7ed1_a0b4_28db, 0x8ebc_6af0_9c88_c6e3)
  }

  /// Adds a number.
  @inlinable public mutating func combine(_ value: Int64) {
    combine(UInt64(bitPattern: value))
  }

  /// Adds text with its length, as below, where it stands.
  @inlinable public mutating func combine(_ text: SlotView<UInt8>) {
    unsafe combine(text.raw)
  }

  /// Adds text with its length, so that neighbours cannot run into one another.
  @inlinable public mutating func combine(_ bytes: some Collection<UInt8>) {
    let isDone: Void? = bytes.withContiguousStorageIfAvailable {
      unsafe combine(UnsafeRawBufferPointer($0))
    }
    if isDone == nil { combineEach(bytes) }
  }

  /// As for any text.
  @inlinable public mutating func combine(_ bytes: UnsafeRawBufferPointer) {
    let count = bytes.count
    if let start = bytes.baseAddress {
      var place = 0
      while place + 8 <= count {
        combine(unsafe Self.word(start + place))
        place += 8
      }
      if place < count {
        var word: UInt64 = 0
        if count >= 8 {
          // The last eight bytes, without those that were taken already.
          word = unsafe Self.word(start + count - 8) >> UInt64(8 * (8 - (count - place)))
        } else {
          for place in 0..<count { word |= unsafe UInt64(bytes[place]) << UInt64(8 * place) }
        }
        combine(word)
      }
    }
    combine(UInt64(count) ^ 0x5899_65cc_7537_4cc3)
  }

  @inlinable @inline(__always) static func word(_ place: UnsafeRawPointer) -> UInt64 {
    unsafe UInt64(littleEndian: place.loadUnaligned(as: UInt64.self))
  }

  @inlinable mutating func combineEach(_ bytes: some Collection<UInt8>) {
    var word: UInt64 = 0
    var filled: UInt64 = 0
    var count: UInt64 = 0
    for byte in bytes {
      word |= UInt64(byte) << (8 * filled)
      filled += 1
      count += 1
      if filled == 8 {
        combine(word)
        word = 0
        filled = 0
      }
    }
    if filled > 0 { combine(word) }
    combine(count ^ 0x5899_65cc_7537_4cc3)
  }

  /// Adds text with its length; nil differs from empty.
  @inlinable public mutating func combine(_ text: String?) {
    if let text {
      combine(text.utf8)
    } else {
      combine(UInt64.max)
    }
  }

  /// The hash of what was added so far.
  @inlinable public var value: UInt64 {
    Self.fold(state ^ 0x1d8e_4e27_c47d_124f, 0xeb44_acca_b455_d165)
  }
}
