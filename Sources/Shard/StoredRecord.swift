import Events
import Portrait
import Triggers

/// A state record as it lies in memory that somebody else owns: envelope read and checksum held, the content not
/// decoded yet, so that a record that an other one outdates costs nothing. Valid as long as the memory is.
@safe public struct StoredRecord {
  public let format: StateFormat
  public let kind: StateRecord.Kind
  /// Hash of the text of the epoch that the content was last touched in.
  public let epoch: UInt64
  /// What the content is current to.
  public let position: Position
  /// Of a user: see `StateRecord.deadline`.
  public let deadline: Int64?
  let key: UnsafeRawBufferPointer
  /// With its checksum.
  let value: UnsafeRawBufferPointer
  /// Where the content begins in the value.
  private let start: Int

  private static let checksumBytes = 4
  /// Format, kind, epoch, offset, watermark, checksum.
  private static let shortest = 1 + 1 + 8 + 1 + 1 + checksumBytes

  /// Reads the envelope.
  /// - Parameters:
  ///   - key: the record's key. - value: its value; both must outlive the stored record.
  /// - Throws: places are counted from the beginning of the value.
  public init(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) throws(StateError) {
    guard value.count >= Self.shortest else {
      throw StateError(.truncated, "a state record of \(value.count) bytes is too short", place: value.count)
    }
    let end = value.count - Self.checksumBytes
    let body = unsafe UnsafeRawBufferPointer(rebasing: value[..<end])
    let told = unsafe UInt32(littleEndian: value.loadUnaligned(fromByteOffset: end, as: UInt32.self))
    guard unsafe StateRecord.checksum(key, body) == told else {
      throw StateError(.checksum, "the checksum of a state record does not fit", place: end)
    }
    var reader = unsafe StateReader(body)
    let format = try reader.byte()
    guard let known = StateFormat(rawValue: format) else {
      throw StateError(
        .format, "a state record has format \(format), this release reads \(StateFormat.readable)",
        hint: "start the release that wrote it, or a later one; to go back, have that one write the earlier "
          + "format first (state.format), or delete the state topic and the group's offsets to rebuild from input",
        place: 0)
    }
    guard let kind = StateRecord.Kind(rawValue: try reader.byte()) else {
      throw StateError(.malformed, "there is no such kind of state record", place: 1)
    }
    self.format = known
    self.kind = kind
    epoch = try reader.fixed64()
    let offset = try reader.unsigned(below: 1 << 63)
    position = Position(offset: Int64(offset), watermark: try reader.signed())
    if kind == .user, try reader.unsigned(below: 2) == 1 {
      deadline = position.watermark &+ (try reader.signed())
    } else {
      deadline = nil
    }
    start = reader.place
    unsafe self.key = key
    unsafe self.value = value
    let isReserved = unsafe key.first == StateRecord.reserved
    let isOfEpoch = unsafe isReserved && key.elementsEqual(StateRecord.key(ofEpoch: epoch))
    if isReserved != (kind == .epoch) || isReserved != isOfEpoch {
      throw StateError(.foreign, "the key of a state record does not fit its kind", place: 1)
    }
    if kind == .gone { try reader.end() }
  }

  /// The content.
  @unsafe private var body: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(rebasing: value[..<(value.count - Self.checksumBytes)])
  }

  /// Longer than any key of a user.
  private static let longestKey = 4_096

  /// Throws if the key is not a text, or too long for a user's. Only of a user or of one who is gone.
  func checkKey() throws(StateError) {
    if unsafe key.count > Self.longestKey {
      throw StateError(.foreign, "the key of a state record is longer than a user's can be", place: 0)
    }
    var reader = unsafe StateReader(key)
    try reader.skipString(bytes: reader.rest)
  }

  /// The user's key. Only of a user or of one who is gone.
  public func userKey() throws(StateError) -> String {
    precondition(kind != .epoch, "an epoch's text is no user's")
    var reader = unsafe StateReader(key)
    return try reader.string(bytes: reader.rest)
  }

  /// The user's state. Only of a user.
  public func user() throws(StateError) -> UserState {
    precondition(kind == .user, "only a user's record holds a user")
    var reader = unsafe StateReader(body, from: start)
    let state = unsafe try format.user(key: key, from: &reader)
    try reader.end()
    return state
  }

  /// The text of an epoch. Only of an epoch's record.
  public func epochText() throws(StateError) -> String {
    precondition(kind == .epoch, "only an epoch's record holds its text")
    var reader = unsafe StateReader(body, from: start)
    return try reader.string(bytes: reader.rest)
  }

  /// The record as a value of its own.
  public func record() throws(StateError) -> StateRecord {
    let content: StateRecord.Content =
      switch kind {
      case .user: .user(try userKey(), try user())
      case .gone: .gone(try userKey())
      case .epoch: .epoch(try epochText())
      }
    return StateRecord(epoch: epoch, position: position, deadline: deadline, content: content)
  }
}

extension StateRecord {
  /// Reads a record that fills both lists.
  public init(key: [UInt8], value: [UInt8]) throws(StateError) {
    let result = unsafe key.withUnsafeBytes { key in
      unsafe value.withUnsafeBytes { value in
        Result { () throws(StateError) -> StateRecord in
          try unsafe StoredRecord(key: key, value: value).record()
        }
      }
    }
    self = try result.get()
  }
}
