/// Decides when a cut closes: at once when an alert is waiting (but not sooner after the last than the minimum),
/// else when offsets have waited for the maximum, or when the outbox is full. Pure: times come in, a decision
/// goes out.
struct CutSchedule: Sendable, Hashable {
  private var minimumMilliseconds: Int64
  private var maximumMilliseconds: Int64
  /// Since when offsets wait to be committed; nil: none do.
  private(set) var waitingSince: Int64?
  /// When the last cut was closed.
  private(set) var lastCut: Int64 = .min
  private var hasRecords = false

  init(minimumMilliseconds: Int64, maximumMilliseconds: Int64) {
    self.minimumMilliseconds = minimumMilliseconds
    self.maximumMilliseconds = maximumMilliseconds
  }

  /// Other intervals hold from now on.
  mutating func change(minimumMilliseconds: Int64, maximumMilliseconds: Int64) {
    self.minimumMilliseconds = minimumMilliseconds
    self.maximumMilliseconds = maximumMilliseconds
  }

  /// Input was processed, and left records to write or not.
  mutating func processed(at now: Int64, withRecords: Bool) {
    if waitingSince == nil { waitingSince = now }
    if withRecords { hasRecords = true }
  }

  /// How long until the cut should close; nil: there is nothing to carry.
  func wait(at now: Int64, isFull: Bool) -> Int64? {
    guard let waitingSince else { return nil }
    if isFull { return 0 }
    let due =
      hasRecords
      ? (lastCut == .min ? now : lastCut + minimumMilliseconds) : waitingSince + maximumMilliseconds
    return max(0, due - now)
  }

  /// The cut was closed.
  mutating func closed(at now: Int64) {
    cleared()
    lastCut = now
  }

  /// Nothing waits any more.
  mutating func cleared() {
    waitingSince = nil
    hasRecords = false
  }
}
