import LogModel
import Pipeline
import Shard

/// One partition's steps of time and epochs, as its commits tell them: the oracle's input beside the records.
struct CommittedHistory {
  enum Step {
    case clock(ClockEntry)
    case epoch(UInt64)
  }

  /// In order; each takes place before the first record at or beyond its offset.
  private(set) var steps: [(offset: Int64, step: Step)] = []
  private(set) var start: Int64 = 0
  private(set) var end: Int64 = 0
  private(set) var watermark: Int64 = .min
  private(set) var latestEvent: Int64?
  /// Clock entries so far, and where they stand in `steps`.
  private var entries: [ClockEntry] = []
  private var places: [Int] = []
  private var resumed: Int64 = .min

  /// Reads the commits of a partition; nil: there are none.
  init?(_ partition: Int32, _ world: World) throws(Difference) {
    let commits = world.cluster.commitHistory(Names.group, Names.input(partition))
    guard let first = commits.first else { return nil }
    start = first.offset
    var epoch: UInt64?
    var place = Position(offset: .min, watermark: .min)
    for commit in commits {
      guard let metadata = (try? CommitMetadata(commit.metadata)) ?? nil else {
        throw Difference("partition \(partition): metadata that cannot be read at offset \(commit.offset)")
      }
      let next = Position(offset: commit.offset, watermark: metadata.watermark)
      guard next >= place else {
        throw Difference(
          "partition \(partition): the committed position goes back from \(place.text) to \(next.text)")
      }
      take(metadata.clockLog, after: max(place, Position(offset: start, watermark: .min)))
      place = next
      if metadata.epochHash != epoch {
        epoch = metadata.epochHash
        steps.append((commit.offset, .epoch(metadata.epochHash)))
      }
      latestEvent = metadata.latestEvent
    }
    end = place.offset
    watermark = place.watermark
  }

  /// A log begins with what is known and goes on with what is new.
  private mutating func take(_ log: ClockLog, after point: Position) {
    if log.base > resumed {
      // A partition is taken up where it was committed last.
      append(ClockEntry(.resume, offset: point.offset, watermark: point.watermark, clock: log.base))
    }
    var known = min(log.entries.count, entries.count)
    while known > 0, !zip(entries.suffix(known), log.entries).allSatisfy({ $0.isSame(as: $1) }) { known -= 1 }
    if known > 0 {
      // Restarts in one place leave one entry, of which the clock moves.
      let last = log.entries[known - 1]
      entries[entries.count - 1] = last
      steps[places[places.count - 1]].step = .clock(last)
      if last.kind == .resume { resumed = max(resumed, last.clock) }
    }
    for entry in log.entries.dropFirst(known) { append(entry) }
  }

  private mutating func append(_ entry: ClockEntry) {
    entries.append(entry)
    places.append(steps.count)
    steps.append((entry.offset, .clock(entry)))
    if entry.kind == .resume { resumed = max(resumed, entry.clock) }
  }
}

extension ClockEntry {
  fileprivate func isSame(as other: ClockEntry) -> Bool {
    if kind == .resume, other.kind == .resume {
      return offset == other.offset && watermark == other.watermark
    }
    return self == other
  }
}
