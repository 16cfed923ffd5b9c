import Synchronization

/// How much input the lanes may take, which is one thing for the whole process: they share its memory.
///
/// ```
///  open ──► narrowed: a rest after every batch, in proportion to its records ──► shut: nothing is read
/// ```
/// Neither ends a lane's membership in its group: it rests for a second at most, and while the valve is shut it polls,
/// with no partition to read. No consumer is paused. What is owned stays owned, what waits to be written is written,
/// and no time passes on quiet partitions, since silence proves nothing then.
public final class InputValve: Sendable {
  /// A lane rests at most so long at a time, milliseconds: its group must not miss it.
  public static let longestRestMilliseconds: Int64 = 1_000

  private static let shut = Int64.max

  /// Nanoseconds of rest a record; 0: open; `shut`.
  private let rest = Atomic<Int64>(0)

  public init() {}

  /// Lets everything through.
  public func open() { rest.store(0, ordering: .relaxed) }

  /// Has lanes rest after each batch.
  ///
  /// - Parameter nanosecondsPerRecord: at least 1.
  public func narrow(nanosecondsPerRecord: Int64) {
    precondition(nanosecondsPerRecord > 0 && nanosecondsPerRecord < Self.shut)
    rest.store(nanosecondsPerRecord, ordering: .relaxed)
  }

  /// Lets nothing through any more.
  public func shut() { rest.store(Self.shut, ordering: .relaxed) }

  /// Whether nothing is let through.
  public var isShut: Bool { rest.load(ordering: .relaxed) == Self.shut }

  /// Whether everything is let through.
  public var isOpen: Bool { rest.load(ordering: .relaxed) == 0 }

  /// How long a lane is to rest that has taken in so many records, milliseconds.
  func restMilliseconds(after records: Int) -> Int64 {
    let each = rest.load(ordering: .relaxed)
    guard each > 0, each < Self.shut, records > 0 else { return 0 }
    let (product, isLong) = each.multipliedReportingOverflow(by: Int64(records))
    return isLong ? Self.longestRestMilliseconds : min(product / 1_000_000, Self.longestRestMilliseconds)
  }
}
