import Events

/// An event's user key: `user_id`, where it lies, else `anon:` + `anonymous_id`, put together here.
@safe struct KeyText: ~Copyable {
  private static let capacity = 8 + Event.maximumIdentifierBytes
  private let memory = UnsafeMutableRawPointer.allocate(byteCount: KeyText.capacity, alignment: 16)
  private var text = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
  /// false for a user known only by `anonymous_id`.
  private(set) var isIdentified = false

  init() {}

  deinit { unsafe memory.deallocate() }

  /// The key in UTF-8. Valid until the next one is set, and as long as the event that it is of.
  @unsafe var bytes: UnsafeRawBufferPointer { unsafe text }

  /// Takes the key of an event; false: it has none.
  mutating func set(_ event: borrowing EventSlot) -> Bool {
    if let id = event.userID {
      isIdentified = true
      unsafe text = event.slice(id).raw
      return true
    }
    guard let id = event.anonymousID else { return false }
    isIdentified = false
    setAnonymous(event, id)
    return true
  }

  @inline(never) private mutating func setAnonymous(_ event: borrowing EventSlot, _ id: TextRange) {
    let id = unsafe event.slice(id).raw
    precondition(
      id.count <= Event.maximumIdentifierBytes, "an identifier is longer than a decoder lets through")
    var count = 0
    for byte in "anon:".utf8 {
      unsafe memory.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
      count += 1
    }
    if let start = id.baseAddress { unsafe (memory + count).copyMemory(from: start, byteCount: id.count) }
    unsafe text = UnsafeRawBufferPointer(start: memory, count: count + id.count)
  }
}
