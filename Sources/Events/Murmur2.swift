/// The hash by which the Java client chooses a key's partition (Murmur2 by Austin Appleby, with Kafka's seed;
/// `org.apache.kafka.common.utils.Utils.murmur2`).
public enum Murmur2 {
  @inlinable public static func hash(_ bytes: some RandomAccessCollection<UInt8>) -> UInt32 {
    let multiplier: UInt32 = 0x5bd1_e995
    var hash = 0x9747_b28c ^ UInt32(truncatingIfNeeded: bytes.count)
    var index = bytes.startIndex
    var left = bytes.count
    func byte(_ distance: Int) -> UInt32 { UInt32(bytes[bytes.index(index, offsetBy: distance)]) }
    while left >= 4 {
      var word = byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24
      word = word &* multiplier
      word ^= word >> 24
      word = word &* multiplier
      hash = hash &* multiplier ^ word
      index = bytes.index(index, offsetBy: 4)
      left -= 4
    }
    if left > 0 {
      if left > 2 { hash ^= byte(2) << 16 }
      if left > 1 { hash ^= byte(1) << 8 }
      hash ^= byte(0)
      hash = hash &* multiplier
    }
    hash ^= hash >> 13
    hash = hash &* multiplier
    return hash ^ hash >> 15
  }

  /// The partition of a key, as the Java client and `murmur2_random` choose it.
  @inlinable public static func partition(of key: some RandomAccessCollection<UInt8>, count: Int32) -> Int32 {
    Int32(hash(key) & 0x7fff_ffff) % count
  }
}
