import Events
import Portrait
import Shard
import Triggers

/// What stands beside a partition's committed offset: everything that recovery needs to know of the moment of the
/// commit, written by the same transaction.
///
/// As text `ebb1:<base64url>:<8 hexadecimal digits>`, printable ASCII since the client reads it back as a C string.
public struct CommitMetadata: Sendable, Hashable {
  public var cut: CutNumber
  public var recoveryPoint: Position
  /// At the committed offset.
  public var watermark: Int64
  /// Largest event time seen by then.
  public var latestEvent: Int64?
  public var epochHash: UInt64
  /// Records in the state partition, markers included.
  public var storedCount: Int
  /// Offset of the last record of ours in the state partition, as far as is known; −1: none.
  public var stateOffset: Int64
  /// Since `recoveryPoint`.
  public var clockLog: ClockLog

  public init(
    cut: CutNumber, recoveryPoint: Position, watermark: Int64, latestEvent: Int64?, epochHash: UInt64,
    storedCount: Int, stateOffset: Int64, clockLog: ClockLog
  ) {
    self.cut = cut
    self.recoveryPoint = recoveryPoint
    self.watermark = watermark
    self.latestEvent = latestEvent
    self.epochHash = epochHash
    self.storedCount = storedCount
    self.stateOffset = stateOffset
    self.clockLog = clockLog
  }

  /// What a broker keeps by default (`offset.metadata.max.bytes`).
  public static let maximumBytes = 4_096
  /// With less room than this a clock log would be full for ever: every entry would have to wait for another flush.
  public static let leastBytes = 180
  /// The most that one more clock entry can add to the text.
  static let entryBytes = 42

  private static let mark = "ebb1:"

  /// The text that is committed.
  public var text: String { Self.text(of: content) }

  package static func text(of content: [UInt8]) -> String {
    mark + Base64URL.encode(content) + ":" + checksum(content)
  }

  package var content: [UInt8] {
    var writer = StateWriter()
    writer.fixed64(cut.owner)
    writer.unsigned(cut.sequence)
    writer.signed(recoveryPoint.offset)
    writer.signed(recoveryPoint.watermark)
    writer.signed(watermark)
    writer.byte(latestEvent == nil ? 0 : 1)
    if let latestEvent { writer.signed(latestEvent &- watermark) }
    writer.fixed64(epochHash)
    writer.unsigned(UInt64(storedCount))
    writer.signed(stateOffset)
    writer.signed(clockLog.base)
    writer.unsigned(UInt64(clockLog.entries.count))
    var last = ClockEntry(
      .advance, offset: recoveryPoint.offset, watermark: recoveryPoint.watermark, clock: watermark)
    for entry in clockLog.entries {
      writer.byte(entry.kind.rawValue)
      writer.signed(entry.offset &- last.offset)
      writer.signed(entry.watermark &- last.watermark)
      writer.signed(entry.clock &- last.clock)
      last = entry
    }
    return writer.bytes
  }

  /// Reads a text back.
  ///
  /// - Returns: nil for a text that is not ours at all.
  public init?(_ text: String) throws(PipelineError) {
    guard text.utf8.starts(with: "ebb".utf8) else { return nil }
    guard text.utf8.starts(with: Self.mark.utf8) else {
      throw Self.refused(
        "another version of Ebb wrote it", hint: "run the version that wrote it, or a newer one")
    }
    let parts = text.utf8.dropFirst(Self.mark.utf8.count).split(separator: UInt8(ascii: ":"))
    guard parts.count == 2, let bytes = Base64URL.decode(parts[0]),
      parts[1].elementsEqual(Self.checksum(bytes).utf8)
    else { throw Self.damaged }
    do throws(StateError) {
      self = try Self.read(bytes)
    } catch {
      throw Self.damaged
    }
  }

  private static func read(_ bytes: [UInt8]) throws(StateError) -> CommitMetadata {
    try StateReader.read(bytes) { reader throws(StateError) in
      let owner = try reader.fixed64()
      let sequence = try reader.unsigned()
      let point = Position(offset: try reader.signed(), watermark: try reader.signed())
      let watermark = try reader.signed()
      let latestEvent: Int64? = try reader.unsigned(below: 2) == 1 ? try reader.signed() &+ watermark : nil
      let epochHash = try reader.fixed64()
      let storedCount = Int(try reader.unsigned(below: 1 << 31))
      let stateOffset = try reader.signed()
      var log = ClockLog(base: try reader.signed())
      var last = ClockEntry(.advance, offset: point.offset, watermark: point.watermark, clock: watermark)
      for _ in 0..<(try reader.count(maximumBytes, each: 4)) {
        guard let kind = ClockEntry.Kind(rawValue: try reader.byte()) else {
          throw reader.malformed("an unknown kind of clock entry")
        }
        last = ClockEntry(
          kind, offset: try reader.signed() &+ last.offset, watermark: try reader.signed() &+ last.watermark,
          clock: try reader.signed() &+ last.clock)
        log.append(last)
      }
      return CommitMetadata(
        cut: CutNumber(owner: owner, sequence: sequence), recoveryPoint: point, watermark: watermark,
        latestEvent: latestEvent, epochHash: epochHash, storedCount: storedCount, stateOffset: stateOffset,
        clockLog: log)
    }
  }

  private static func checksum(_ bytes: [UInt8]) -> String {
    var hash = StableHash(seed: 7)
    hash.combine(bytes)
    return WireText.hexadecimal(UInt64(UInt32(truncatingIfNeeded: hash.value)), digits: 8)
  }

  private static let damaged = refused(
    "its checksum does not fit",
    hint: "delete the group's offsets and the state topic to build anew from input")

  private static func refused(_ message: String, hint: String) -> PipelineError {
    PipelineError(.state, "the text beside the committed offset cannot be used: \(message)", hint: hint)
  }
}

/// Base64 with the URL alphabet and no padding (RFC 4648, section 5).
enum Base64URL {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count * 4 + 2) / 3)
    var index = 0
    while index < bytes.count {
      let second = index + 1 < bytes.count ? bytes[index + 1] : 0
      let third = index + 2 < bytes.count ? bytes[index + 2] : 0
      let word = UInt32(bytes[index]) << 16 | UInt32(second) << 8 | UInt32(third)
      let digits = min(bytes.count - index, 3) + 1
      for digit in 0..<digits { text.append(alphabet[Int(word >> (18 - 6 * UInt32(digit)) & 63)]) }
      index += 3
    }
    return String(decoding: text, as: UTF8.self)
  }

  static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count * 3 / 4)
    var word: UInt32 = 0
    var bits = 0
    for character in text {
      guard let value = alphabet.firstIndex(of: character) else { return nil }
      word = word << 6 | UInt32(value)
      bits += 6
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
      }
    }
    return text.count % 4 == 1 ? nil : bytes
  }
}
