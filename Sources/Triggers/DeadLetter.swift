/// A record that cannot be decoded or is refused, on its way to the dead-letter topic: key and value unchanged,
/// and headers that say where it came from and what was wrong with it. Only where the topic takes no record of its
/// size is a value cut off, and says so.
public struct DeadLetter: Sendable, Hashable {
  /// Longest header text made here, in UTF-8 bytes; the rest is cut off at a character.
  public static let maximumHeaderBytes = 512

  /// Where it came from.
  public var topic: String
  public var partition: Int32
  public var offset: Int64
  /// What was wrong, without the payload: one word of a fixed list.
  public var reason: String
  /// Where in the record: a field or a byte; nil: the record as a whole.
  public var place: String?
  public var key: [UInt8]?
  public var value: [UInt8]?
  /// The headers that the record came with.
  public var original: [WireHeader]
  /// How long the value was, bytes, if only its head is kept.
  public var wholeBytes: Int?

  /// The name of the header that tells `wholeBytes`.
  public static let wholeBytesHeader = "ebb_whole_bytes"

  public init(
    topic: String, partition: Int32, offset: Int64, reason: String, place: String? = nil, key: [UInt8]?,
    value: [UInt8]?, original: [WireHeader] = []
  ) {
    self.topic = topic
    self.partition = partition
    self.offset = offset
    self.reason = reason
    self.place = place
    self.key = key
    self.value = value
    self.original = original
  }

  static let headerFields: [HeaderField<DeadLetter>] = [
    .text(
      "ebb_reason",
      "Why the record was refused: one word of a fixed list, such as invalid_utf8; never its payload."
    ) {
      safe($0.reason)
    },
    .text("ebb_topic", "The topic it came from.") { safe($0.topic) },
    .text("ebb_partition", "The partition it came from, a decimal number.") { String($0.partition) },
    .text("ebb_offset", "Its offset there, a decimal number.") { String($0.offset) },
    .optional("ebb_place", "The field or byte at fault. Left out where it is the record as a whole.") {
      $0.place.map(safe)
    },
    .optional(
      wholeBytesHeader,
      "How long the value was, a decimal number of bytes. Only where the dead-letter topic takes no record of that "
        + "size: then the head of the value is kept."
    ) { $0.wholeBytes.map(String.init) },
  ]

  /// The record to write: the headers it came with, in their order, then ours. Headers named like ours (it was
  /// a dead letter before) give way.
  public func record() -> WireRecord {
    let ours = HeaderField.headers(Self.headerFields, of: self)
    let names = Set(Self.headerFields.map(\.name))
    return WireRecord(key: key, value: value, headers: original.filter { !names.contains($0.name) } + ours)
  }

  /// Without control characters, and bounded.
  private static func safe(_ text: String) -> String {
    var safe = String.UnicodeScalarView()
    var bytes = 0
    for scalar in text.unicodeScalars {
      let kept: Unicode.Scalar =
        switch scalar.value {
        case 0...0x1F, 0x7F...0x9F, 0x2028, 0x2029: "\u{FFFD}"
        default: scalar
        }
      bytes += UTF8.width(kept)
      if bytes > maximumHeaderBytes { break }
      safe.append(kept)
    }
    return String(safe)
  }
}
