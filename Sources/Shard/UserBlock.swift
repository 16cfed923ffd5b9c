/// A user's block as it lies in the slab: when he is due, his key, and what is known of him. Valid until he changes.
///
/// ```
///  deadline 8 bytes │ units of the block 2 │ key's length 2, with the kind │ key │ content
/// ```
@safe struct UserBlock {
  enum Kind: UInt16, Sendable {
    /// The content is his state (`UserState+Block`).
    case state
    /// The content is his record as it was stored, with its length before it: he was not touched since it was read.
    case record
    /// He is gone; there is no content.
    case key
  }

  private let memory: UnsafeMutableRawPointer

  private static let unitPlace = 8
  private static let keyLengthPlace = 10
  private static let keyPlace = 12
  private static let kindShift: UInt16 = 14

  init(_ memory: UnsafeMutableRawPointer) { unsafe self.memory = memory }

  /// Bytes that a block takes.
  static func bytes(key: Int, content: Int) -> Int { keyPlace + key + content }

  /// His next deadline under the rules of the epoch in which he was last touched; `Int64.max`: none.
  var deadline: Int64 {
    get { unsafe memory.load(as: Int64.self) }
    nonmutating set { unsafe memory.storeBytes(of: newValue, as: Int64.self) }
  }

  /// See `BlockSlab.units`. 0: more than can be written down.
  var units: Int {
    get { Int(unsafe memory.load(fromByteOffset: Self.unitPlace, as: UInt16.self)) }
    nonmutating set {
      unsafe memory.storeBytes(
        of: UInt16(truncatingIfNeeded: newValue), toByteOffset: Self.unitPlace, as: UInt16.self)
    }
  }

  private var head: UInt16 { unsafe memory.load(fromByteOffset: Self.keyLengthPlace, as: UInt16.self) }

  var kind: Kind { unsafe Kind(rawValue: head >> Self.kindShift).unsafelyUnwrapped }

  /// His key in UTF-8.
  var key: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: memory + Self.keyPlace, count: Int(head & (1 << Self.kindShift - 1)))
  }

  /// Where the content begins.
  @unsafe var content: UnsafeMutableRawPointer {
    unsafe memory + Self.keyPlace + Int(head & (1 << Self.kindShift - 1))
  }

  /// Bytes that the content may take in this block. Of one that has a piece to itself nobody asks.
  var room: Int { units * BlockSlab.unit - Self.keyPlace - Int(head & (1 << Self.kindShift - 1)) }

  /// The stored record's value, envelope included. Only of a record.
  var value: UnsafeRawBufferPointer {
    let count = unsafe content.loadUnaligned(as: UInt32.self)
    return unsafe UnsafeRawBufferPointer(start: content + 4, count: Int(count))
  }

  /// Writes a key; at most 16,383 bytes.
  func setKey(_ key: UnsafeRawBufferPointer, _ kind: Kind) {
    precondition(key.count < 1 << Self.kindShift)
    let head = UInt16(key.count) | kind.rawValue << Self.kindShift
    unsafe memory.storeBytes(of: head, toByteOffset: Self.keyLengthPlace, as: UInt16.self)
    if let start = key.baseAddress {
      unsafe (memory + Self.keyPlace).copyMemory(from: start, byteCount: key.count)
    }
  }

  func setKind(_ kind: Kind) {
    let length = head & (1 << Self.kindShift - 1)
    unsafe memory.storeBytes(
      of: length | kind.rawValue << Self.kindShift, toByteOffset: Self.keyLengthPlace, as: UInt16.self)
  }

  func setState(_ bytes: UnsafeRawBufferPointer) {
    if let start = bytes.baseAddress { unsafe content.copyMemory(from: start, byteCount: bytes.count) }
  }

  func setRecord(_ value: UnsafeRawBufferPointer) {
    unsafe content.storeBytes(of: UInt32(value.count), as: UInt32.self)
    if let start = value.baseAddress { unsafe (content + 4).copyMemory(from: start, byteCount: value.count) }
  }
}
