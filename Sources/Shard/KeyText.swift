import Events

/// A user's key in the making: `user_id`, else `anon:` + `anonymous_id`.
@safe struct KeyText: ~Copyable {
  private static let capacity = 8 + Event.maximumIdentifierBytes
  private let memory = UnsafeMutableRawPointer.allocate(byteCount: KeyText.capacity, alignment: 16)
  private var count = 0
  /// false for a user known only by `anonymous_id`.
  private(set) var isIdentified = false

  init() {}

  deinit { unsafe memory.deallocate() }

  /// The key in UTF-8. Valid until the next one is set.
  @unsafe var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: memory, count: count) }

  /// Takes the key of an event; false: it has none.
  mutating func set(_ event: borrowing EventSlot) -> Bool {
    count = 0
    if let id = event.userID {
      isIdentified = true
      append(event, id)
      return true
    }
    guard let id = event.anonymousID else { return false }
    isIdentified = false
    for byte in "anon:".utf8 {
      unsafe memory.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
      count += 1
    }
    append(event, id)
    return true
  }

  private mutating func append(_ event: borrowing EventSlot, _ id: TextRange) {
    precondition(
      id.count <= Event.maximumIdentifierBytes, "an identifier is longer than a decoder lets through")
    let place = count
    unsafe event.withText(id) { text in
      if let start = text.baseAddress {
        unsafe (memory + place).copyMemory(from: start, byteCount: text.count)
      }
    }
    count += Int(id.count)
  }
}
