extension StateRecord {
  /// The epoch whose text the record with this key holds; nil: the key is a user's.
  public static func epoch(ofKey key: UnsafeRawBufferPointer) -> UInt64? {
    guard key.count == 18, unsafe key[0] == reserved, unsafe key[1] == UInt8(ascii: "e") else { return nil }
    let epoch = unsafe UInt64(String(decoding: key.dropFirst(2), as: UTF8.self), radix: 16)
    // One spelling only: no sign, no capitals.
    guard let epoch, unsafe key.elementsEqual(self.key(ofEpoch: epoch)) else { return nil }
    return epoch
  }
}

extension Position {
  /// Before everything.
  static let never = Position(offset: .min, watermark: .min)
}
