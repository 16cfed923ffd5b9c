extension UnsafeRawBufferPointer {
  /// Whether both hold the same bytes, eight at a time.
  @inlinable @inline(__always) public func isSame(as other: UnsafeRawBufferPointer) -> Bool {
    guard count == other.count else { return false }
    guard let left = baseAddress, let right = other.baseAddress else { return true }
    if count < 8 {
      for place in 0..<count where unsafe self[place] != other[place] { return false }
      return true
    }
    var place = 0
    // The last eight bytes are looked at whole, some of them twice.
    while place + 8 < count {
      if unsafe (left + place).loadUnaligned(as: UInt64.self)
        != (right + place).loadUnaligned(as: UInt64.self)
      {
        return false
      }
      place += 8
    }
    place = count - 8
    return unsafe (left + place).loadUnaligned(as: UInt64.self)
      == (right + place).loadUnaligned(as: UInt64.self)
  }
}
