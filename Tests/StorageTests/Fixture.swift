import Foundation
import Pipeline
import Shard
import Storage
import Synchronization
import TestSupport

/// A key and a value as bytes.
struct Record: Hashable {
  var key: [UInt8]
  var value: [UInt8]
}

/// A directory of its own, gone with the fixture, and a store there.
final class Fixture: Sendable {
  static let now: Int64 = 1_772_442_000_000
  static let day: Int64 = 86_400_000

  let directory: String
  let notices = Mutex<[SnapshotNotice]>([])
  private let clock = Mutex(Fixture.now)

  init() throws {
    directory = NSTemporaryDirectory() + "ebb-snapshots-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  func place(group: String = "ebb", input: String = "clicks", state: String = "ebb-state") -> SnapshotPlace {
    SnapshotPlace(directory: directory, group: group, inputTopic: input, stateTopic: state)
  }

  func store(_ place: SnapshotPlace? = nil) -> SnapshotStore {
    SnapshotStore(
      place ?? self.place(), tombstoneMilliseconds: Self.day, wall: { self.clock.withLock { $0 } },
      notify: { notice in self.notices.withLock { $0.append(notice) } })
  }

  func advance(_ milliseconds: Int64) { clock.withLock { $0 += milliseconds } }

  /// Of partition 3.
  var path: String { place().path(3) }
  var bytes: [UInt8] { [UInt8](FileManager.default.contents(atPath: path) ?? Data()) }
  var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted() }

  func overwrite(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }

  static let commit = SnapshotCommit(
    cut: CutNumber(owner: 7, sequence: 9), position: Position(offset: 1_000, watermark: 5))

  static func blocks(_ count: Int, of records: Int = 5) -> [[Record]] {
    (0..<count).map { block in
      (0..<records).map { number in
        Record(
          key: Array("user-\(block)-\(number)".utf8),
          value: Array(repeating: UInt8(number), count: 3 + 7 * block))
      }
    }
  }

  static func encoded(_ records: [Record]) -> [UInt8] {
    var writer = SnapshotBytes()
    for record in records { writer.append(record) }
    return writer.bytes
  }

  /// Writes a snapshot of partition 3, through to its place.
  func write(
    _ blocks: [[Record]], with store: SnapshotStore, stateOffset: Int64 = 77, writtenAt: Int64 = Fixture.now
  ) {
    let header = SnapshotHeader(partition: 3, stateOffset: stateOffset, writtenAt: writtenAt)
    guard let ticket = store.begin(header) else { return }
    for block in blocks {
      while !store.append(Self.encoded(block), records: block.count, to: ticket) {
        store.settle(withinMilliseconds: 1_000)
      }
    }
    store.finish(ticket, Self.commit)
    store.settle(withinMilliseconds: 10_000)
  }
}

extension SnapshotStore {
  /// What a recovery would be handed, and the offset; or why not.
  func contents(_ partition: Int32 = 3) -> Result<(offset: Int64, records: [Record])?, SnapshotError> {
    var records: [Record] = []
    do throws(SnapshotError) {
      let offset = try unsafe read(partition) { key, value throws(PipelineError) in
        records.append(Record(key: unsafe Array(key), value: unsafe Array(value)))
      }
      return .success(offset.map { ($0, records) })
    } catch {
      return .failure(error)
    }
  }

  func reason(_ partition: Int32 = 3) -> String? {
    if case .failure(let error) = contents(partition) { return error.reason }
    return nil
  }
}
