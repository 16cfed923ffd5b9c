/// A point in a partition's history.
public struct Position: Sendable, Hashable, Comparable, BitwiseCopyable {
  /// Offset of the next record of the input partition.
  public var offset: Int64
  /// Event time up to which deadlines have fired, milliseconds since 1970 UTC; `Int64.min`: nothing seen yet.
  public var watermark: Int64

  public init(offset: Int64, watermark: Int64) {
    self.offset = offset
    self.watermark = watermark
  }

  /// By offset, then by watermark: ticks move the watermark and leave the offset.
  public static func < (left: Position, right: Position) -> Bool {
    left.offset != right.offset ? left.offset < right.offset : left.watermark < right.watermark
  }

  /// `offset:watermark` in decimal, as the header of a tombstone tells it.
  public var text: String { "\(offset):\(watermark)" }

  /// Reads `text`; nil for anything else.
  public init?(text: some StringProtocol) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let offset = Int64(parts[0]), let watermark = Int64(parts[1]) else { return nil }
    self.init(offset: offset, watermark: watermark)
    // One spelling only.
    guard self.text == text else { return nil }
  }
}
