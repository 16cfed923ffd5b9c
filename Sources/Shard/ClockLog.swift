/// A step of a partition's time that its records do not tell: recovery takes it again at the same place.
public struct ClockEntry: Sendable, Hashable {
  public enum Kind: UInt8, Sendable, Hashable, CaseIterable {
    /// The watermark moved by the wall clock, or took a part of a large jump.
    case advance
    /// The daemon took the partition up: nothing is judged by an earlier clock from here on.
    case resume
  }

  public var kind: Kind
  /// Takes place before the first record at or beyond this offset.
  public var offset: Int64
  /// Watermark after it.
  public var watermark: Int64
  /// The clock that deadlines are judged by, milliseconds since 1970 UTC.
  public var clock: Int64

  public init(_ kind: Kind, offset: Int64, watermark: Int64, clock: Int64) {
    self.kind = kind
    self.offset = offset
    self.watermark = watermark
    self.clock = clock
  }
}

/// The clock entries since the recovery point, in order, and the resume that held there.
///
/// Not obvious: an entry at the recovery point itself is kept when it is a resume (whether it came before or after
/// the change is not known, and taking it twice changes nothing), and dropped when it is an advance (the recovery
/// point's watermark already includes it).
public struct ClockLog: Sendable, Hashable {
  /// Clock of the last resume before `entries`; `Int64.min`: none.
  public private(set) var base: Int64
  public private(set) var entries: [ClockEntry]

  public init(base: Int64 = .min, entries: [ClockEntry] = []) {
    self.base = base
    self.entries = entries
  }

  public mutating func append(_ entry: ClockEntry) {
    // Restarts without a record in between leave one entry.
    if entry.kind == .resume, let last = entries.last, last.kind == .resume, last.offset == entry.offset,
      last.watermark == entry.watermark
    {
      entries[entries.count - 1].clock = max(last.clock, entry.clock)
      return
    }
    entries.append(entry)
  }

  /// Drops what lies before the recovery point.
  public mutating func trim(to point: Position) {
    var kept = 0
    while kept < entries.count {
      let entry = entries[kept]
      let place = Position(offset: entry.offset, watermark: entry.watermark)
      if entry.kind == .resume {
        guard place < point else { break }
        base = max(base, entry.clock)
      } else if place > point {
        break
      }
      kept += 1
    }
    if kept > 0 { entries.removeFirst(kept) }
  }
}
