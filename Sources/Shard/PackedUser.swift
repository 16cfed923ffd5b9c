import Portrait
import Triggers

/// A user whom nobody has touched since he was restored: his key and his stored record as it came, in one piece of
/// memory; or only the key, of one who is gone.
///
/// Decoding a state takes longer, and keeping it takes twice the memory, so that neither is done for a million users
/// of whom most will not be seen for days. Not obvious: it is copied like a pointer and freed by hand. It belongs to
/// one place of one `UserTable`, which frees it, and is valid until then.
@safe struct PackedUser {
  // Deadline (8 bytes), bytes of the key (4), bytes of the value (4), key, value.
  private let memory: UnsafeMutableRawPointer
  private static let keyPlace = 16

  /// - Parameter deadline: as the record tells it; nil: none.
  init(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, deadline: Int64?) {
    let bytes = Self.keyPlace + key.count + value.count
    unsafe memory = .allocate(byteCount: bytes, alignment: 8)
    unsafe memory.storeBytes(of: deadline ?? .max, as: Int64.self)
    unsafe memory.storeBytes(of: UInt32(key.count), toByteOffset: 8, as: UInt32.self)
    unsafe memory.storeBytes(of: UInt32(value.count), toByteOffset: 12, as: UInt32.self)
    if let base = key.baseAddress {
      unsafe (memory + Self.keyPlace).copyMemory(from: base, byteCount: key.count)
    }
    if let base = value.baseAddress {
      unsafe (memory + Self.keyPlace + key.count).copyMemory(from: base, byteCount: value.count)
    }
  }

  /// Of one who is gone.
  init(key: UnsafeRawBufferPointer) {
    unsafe self.init(key: key, value: UnsafeRawBufferPointer(start: nil, count: 0), deadline: nil)
  }

  func free() {
    unsafe memory.deallocate()
  }

  /// The user's next deadline under the epoch that the record names; nil: none, or at the end of time.
  var deadline: Int64? {
    let time = unsafe memory.load(as: Int64.self)
    return time == .max ? nil : time
  }

  /// The key in UTF-8.
  var key: UnsafeRawBufferPointer {
    let count = unsafe memory.load(fromByteOffset: 8, as: UInt32.self)
    return unsafe UnsafeRawBufferPointer(start: memory + Self.keyPlace, count: Int(count))
  }

  /// The stored record's value, envelope included; empty for one who is gone.
  var value: UnsafeRawBufferPointer {
    let start = unsafe Self.keyPlace + key.count
    let count = unsafe memory.load(fromByteOffset: 12, as: UInt32.self)
    return unsafe UnsafeRawBufferPointer(start: memory + start, count: Int(count))
  }

  /// Decodes the state.
  func user() throws(StateError) -> UserState {
    try unsafe StoredRecord(key: key, value: value).user()
  }
}
