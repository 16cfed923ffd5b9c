import Events
import Portrait
import Triggers

/// The envelope in which state is stored: the value of a record of the state topic or of a snapshot.
///
/// ```
///  key    user key, UTF-8 │ FF 'e' and the epoch's hash in 16 hexadecimal digits
///  value  format 1 byte · kind 1 byte · epoch 8 bytes · offset varint · watermark zigzag varint ·
///         (user) deadline: 0, or 1 and its distance from the watermark as zigzag varint · payload ·
///         checksum 4 bytes, over the key and all of the value before it
/// ```
/// The deadline tells when the user must be looked at next, so that one who is restored need not be decoded for it.
/// Fixed numbers have their lowest byte first. A key that begins with FF is never a user's: it is not UTF-8.
public struct StateRecord: Sendable, Hashable {
  public enum Kind: UInt8, Sendable, Hashable, CaseIterable {
    /// A user's state.
    case user = 1
    /// A user who has expired or was erased, until his tombstone.
    case gone = 2
    /// The text of an epoch.
    case epoch = 3
  }

  public enum Content: Sendable, Hashable {
    /// His key and his state.
    case user(String, UserState)
    /// The key of the user who is gone.
    case gone(String)
    case epoch(String)
  }

  /// The header that tells a tombstone's position, as `Position.text`.
  public static let positionHeader = "ebb_position"

  /// Hash of the text of the epoch that the content was last touched in.
  public var epoch: UInt64
  /// What the content is current to.
  public var position: Position
  /// Of a user: when he must be looked at next if nothing happens first, by the rules of `epoch`, milliseconds since
  /// 1970 UTC; nil: never.
  public var deadline: Int64?
  public var content: Content

  public init(epoch: UInt64, position: Position, deadline: Int64? = nil, content: Content) {
    self.epoch = epoch
    self.position = position
    self.deadline = deadline
    self.content = content
  }

  public var kind: Kind {
    switch content {
    case .user: .user
    case .gone: .gone
    case .epoch: .epoch
    }
  }

  /// The record's key.
  public var key: [UInt8] {
    switch content {
    case .user(let user, _): Array(user.utf8)
    case .gone(let user): Array(user.utf8)
    case .epoch: Self.key(ofEpoch: epoch)
    }
  }

  /// The key of an epoch's text.
  public static func key(ofEpoch epoch: UInt64) -> [UInt8] {
    var key: [UInt8] = [reserved, UInt8(ascii: "e")]
    for shift in stride(from: UInt64(60), through: 0, by: -4) {
      let digit = UInt8(truncatingIfNeeded: epoch >> shift & 15)
      key.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }
    return key
  }

  /// The first byte of keys that are no user's.
  static let reserved: UInt8 = 0xFF

  // MARK: Writing

  /// Appends the value.
  public func encode(format: StateFormat = .current, into writer: inout StateWriter) {
    switch content {
    case .user(var user, let state):
      user.withUTF8 { key in
        unsafe Self.encode(
          state, key: UnsafeRawBufferPointer(key), epoch: epoch, position: position, deadline: deadline,
          format: format, into: &writer)
      }
    case .gone(let user):
      Self.encodeGone(user, epoch: epoch, position: position, format: format, into: &writer)
    case .epoch(let text):
      let start = Self.begin(.epoch, epoch, position, format, &writer)
      writer.raw(text.utf8)
      Self.end(Self.key(ofEpoch: epoch), from: start, &writer)
    }
  }

  /// Appends the value of a user's record, straight from the state.
  ///
  /// - Parameters:
  ///   - key: the record's and the user's, in UTF-8.
  ///   - deadline: the user's next under the rules of `epoch`.
  public static func encode(
    _ user: borrowing UserState, key: UnsafeRawBufferPointer, epoch: UInt64, position: Position,
    deadline: Int64?,
    format: StateFormat = .current, into writer: inout StateWriter
  ) {
    let start = begin(.user, epoch, position, format, &writer)
    writer.byte(deadline == nil ? 0 : 1)
    if let deadline { writer.signed(deadline &- position.watermark) }
    unsafe format.encode(user, key: key, into: &writer)
    unsafe end(key, from: start, &writer)
  }

  /// Appends the value of the marker of a user who is gone.
  public static func encodeGone(
    _ user: String, epoch: UInt64, position: Position, format: StateFormat = .current,
    into writer: inout StateWriter
  ) {
    encodeGone(key: user.utf8, epoch: epoch, position: position, format: format, into: &writer)
  }

  /// As above, by the user's key in UTF-8.
  static func encodeGone(
    key: some Collection<UInt8>, epoch: UInt64, position: Position, format: StateFormat = .current,
    into writer: inout StateWriter
  ) {
    let start = begin(.gone, epoch, position, format, &writer)
    end(key, from: start, &writer)
  }

  private static func begin(
    _ kind: Kind, _ epoch: UInt64, _ position: Position, _ format: StateFormat, _ writer: inout StateWriter
  ) -> Int {
    let start = writer.count
    writer.byte(format.rawValue)
    writer.byte(kind.rawValue)
    writer.fixed64(epoch)
    writer.unsigned(UInt64(position.offset))
    writer.signed(position.watermark)
    return start
  }

  private static func end(_ key: some Collection<UInt8>, from start: Int, _ writer: inout StateWriter) {
    let sum = unsafe writer.withBytes { bytes in
      unsafe checksum(key, UnsafeRawBufferPointer(rebasing: bytes[start...]))
    }
    writer.fixed32(sum)
  }

  package static func checksum(_ key: some Collection<UInt8>, _ value: some Collection<UInt8>) -> UInt32 {
    var hash = StableHash(seed: 6)
    hash.combine(key)
    hash.combine(value)
    return UInt32(truncatingIfNeeded: hash.value)
  }
}
