import Events
import Pipeline
import Portrait
import Shard
import Triggers

/// What is found in one partition's state, in the topic or in a snapshot: every record checked, whatever becomes of
/// it later.
public struct StateSurvey {
  /// Something that is wrong, and where.
  public struct Problem: Sendable, Hashable {
    public var place: String
    public var text: String
  }

  private struct Known {
    var kind: StateRecord.Kind
    var epoch: UInt64
    var bytes: Int
    var place: String
  }

  /// Told one by one up to here, counted beyond.
  public static let problemsTold = 100

  /// What stands last under each key, by the key's hash.
  private var known: [UInt64: Known] = [:]
  private var texts: Set<UInt64> = []
  public private(set) var records = 0
  public private(set) var tombstones = 0
  public private(set) var bytes: Int64 = 0
  public private(set) var oldest: Position?
  public private(set) var newest: Position?
  public private(set) var problems: [Problem] = []
  public private(set) var problemCount = 0

  public init() {}

  /// Takes a record in. nil value: a tombstone.
  public mutating func take(
    key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?, tombstonePosition: String?, place: String
  ) {
    records += 1
    guard let key = unsafe key else { return add("it has no key", place) }
    let name = unsafe Self.hash(key)
    bytes += Int64(key.count)
    guard let value = unsafe value else {
      tombstones += 1
      if unsafe StateRecord.epoch(ofKey: key) == nil,
        tombstonePosition.flatMap({ Position(text: $0) }) == nil
      {
        add("a tombstone without its position", place)
      }
      if let epoch = unsafe StateRecord.epoch(ofKey: key) { texts.remove(epoch) }
      known[name] = nil
      return
    }
    bytes += Int64(value.count)
    do throws(StateError) {
      let record = try unsafe StoredRecord(key: key, value: value)
      switch record.kind {
      case .user: _ = try record.user()
      case .gone: _ = try record.userKey()
      case .epoch:
        _ = try record.epochText()
        texts.insert(record.epoch)
      }
      if record.kind != .epoch {
        oldest = min(oldest ?? record.position, record.position)
        newest = max(newest ?? record.position, record.position)
      }
      known[name] = Known(
        kind: record.kind, epoch: record.epoch, bytes: key.count + value.count, place: place)
    } catch {
      add("\(error.message) (byte \(error.place))", place)
    }
  }

  private static func hash(_ key: UnsafeRawBufferPointer) -> UInt64 {
    var hash = StableHash(seed: 10)
    unsafe hash.combine(key)
    return hash.value
  }

  /// Notes something that is wrong.
  public mutating func add(_ text: String, _ place: String) {
    problemCount += 1
    if problems.count < Self.problemsTold { problems.append(Problem(place: place, text: text)) }
  }

  /// Everything has been taken in: what names an epoch must find its text.
  public mutating func finish() {
    for entry in known.values where entry.kind != .epoch && !texts.contains(entry.epoch) {
      add("it names an epoch whose text is not there", entry.place)
    }
  }

  /// Records that stand last under their key.
  public func count(_ kind: StateRecord.Kind) -> Int {
    known.values.reduce(0) { $0 + ($1.kind == kind ? 1 : 0) }
  }

  /// Bytes of users' records, key and value, smallest first.
  public var userBytes: [Int] { known.values.filter { $0.kind == .user }.map(\.bytes).sorted() }

  /// Holds the survey against what is committed beside the input's offset.
  public mutating func check(against metadata: CommitMetadata, nextOffset: Int64, end: Int64?, isExact: Bool)
  {
    let found = count(.user) + count(.gone)
    if isExact, found != metadata.storedCount {
      add(
        "\(found) users and markers are there, and the last commit counted \(metadata.storedCount)", "commit")
    }
    if let end, metadata.stateOffset >= end {
      add("offset \(metadata.stateOffset) was written, and the topic ends at \(end)", "commit")
    }
    if isExact, let newest, newest.offset > nextOffset {
      add("a record is current to offset \(newest.offset), and \(nextOffset) is committed", "commit")
    }
    if !texts.contains(metadata.epochHash) { add("the present epoch's text is not there", "commit") }
  }
}
