import Dispatch
import Glibc
import Pipeline
import Synchronization

/// Something worth a line in the log.
public enum SnapshotNotice: Sendable, Hashable {
  case written(partition: Int32, records: UInt64, bytes: Int64, milliseconds: Int64)
  /// The snapshot that was there before is kept.
  case failed(partition: Int32, reason: String)
}

/// The snapshots of a group's partitions on this machine: written by one background queue for all lanes, read by
/// whoever recovers.
public final class SnapshotStore: SnapshotReader, SnapshotWriter {
  /// A file that is being written; touched on the queue only.
  ///
  /// `@unchecked`: the queue is serial.
  private final class Writing: @unchecked Sendable {
    let partition: Int32
    let began = DispatchTime.now()
    private var file: SnapshotFileWriter?

    init(partition: Int32) { self.partition = partition }

    func open(_ place: SnapshotPlace, _ header: SnapshotHeader) throws(SnapshotError) {
      file = try SnapshotFileWriter.create(place, header)
    }

    /// What failed or was dropped takes nothing more.
    func append(_ content: [UInt8], _ records: Int) throws(SnapshotError) {
      try file?.append(content, records: records)
    }

    func finish(_ commit: SnapshotCommit) throws(SnapshotError) -> (records: UInt64, bytes: Int64)? {
      guard let file = file.take() else { return nil }
      return try file.finish(commit)
    }

    func drop() { file = nil }
  }

  private struct Shared {
    var tickets: UInt64 = 0
    var writing: [SnapshotTicket: Writing] = [:]
    var waitingBytes = 0
  }

  private let place: SnapshotPlace
  private let maximumAge: Int64
  private let wall: @Sendable () -> Int64
  private let notify: @Sendable (SnapshotNotice) -> Void
  private let queue = DispatchQueue(label: "ebb-snapshots", qos: .utility)
  private let shared = Mutex(Shared())

  /// Bytes that may wait to be written; lanes come again.
  static let maximumWaitingBytes = 8 << 20
  /// Clocks are set, a little.
  static let futureMilliseconds: Int64 = 60_000

  /// - Parameters:
  ///   - tombstoneMilliseconds: how long the state topic keeps tombstones (`delete.retention.ms`); a snapshot is not
  ///     used when it is older than half of that.
  ///   - wall: milliseconds since 1970 UTC.
  public init(
    _ place: SnapshotPlace, tombstoneMilliseconds: Int64,
    wall: @escaping @Sendable () -> Int64, notify: @escaping @Sendable (SnapshotNotice) -> Void
  ) {
    self.place = place
    maximumAge = tombstoneMilliseconds / 2
    self.wall = wall
    self.notify = notify
  }

  // MARK: Writing

  public func begin(_ header: SnapshotHeader) -> SnapshotTicket? {
    let writing = Writing(partition: header.partition)
    let ticket = shared.withLock { shared in
      shared.tickets += 1
      let ticket = SnapshotTicket(shared.tickets)
      shared.writing[ticket] = writing
      return ticket
    }
    perform(writing) { [place] writing throws(SnapshotError) in try writing?.open(place, header) }
    return ticket
  }

  public func append(_ bytes: [UInt8], records: Int, to ticket: SnapshotTicket) -> Bool {
    let (writing, hasRoom) = shared.withLock { shared in
      let hasRoom = shared.waitingBytes < Self.maximumWaitingBytes
      if hasRoom { shared.waitingBytes += bytes.count }
      return (shared.writing[ticket], hasRoom)
    }
    guard hasRoom else { return false }
    perform(writing) { [self] writing throws(SnapshotError) in
      defer { shared.withLock { $0.waitingBytes -= bytes.count } }
      try writing?.append(bytes, records)
    }
    return true
  }

  public func finish(_ ticket: SnapshotTicket, _ commit: SnapshotCommit) {
    perform(take(ticket)) { [notify] writing throws(SnapshotError) in
      guard let writing, let written = try writing.finish(commit) else { return }
      let nanoseconds = DispatchTime.now().uptimeNanoseconds - writing.began.uptimeNanoseconds
      notify(
        .written(
          partition: writing.partition, records: written.records, bytes: written.bytes,
          milliseconds: Int64(nanoseconds / 1_000_000)))
    }
  }

  public func drop(_ ticket: SnapshotTicket, because reason: String?) {
    perform(take(ticket)) { writing throws(SnapshotError) in
      writing?.drop()
      if let reason { throw SnapshotError(reason) }
    }
  }

  public func settle(withinMilliseconds milliseconds: Int64) {
    let done = DispatchSemaphore(value: 0)
    queue.async { done.signal() }
    _ = done.wait(timeout: .now() + .milliseconds(Int(milliseconds)))
  }

  private func take(_ ticket: SnapshotTicket) -> Writing? {
    shared.withLock { $0.writing.removeValue(forKey: ticket) }
  }

  private func perform(
    _ writing: Writing?, _ body: @escaping @Sendable (Writing?) throws(SnapshotError) -> Void
  ) {
    queue.async { [notify] in
      do throws(SnapshotError) {
        try body(writing)
      } catch {
        guard let writing else { return }
        writing.drop()
        notify(.failed(partition: writing.partition, reason: error.reason))
      }
    }
  }

  // MARK: Reading

  public func read(
    _ partition: Int32,
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(PipelineError) -> Void
  ) throws(SnapshotError) -> Int64? {
    guard let reader = try SnapshotFileReader.open(place.path(partition)) else { return nil }
    try place.checkDirectory()
    let header = reader.header
    try check(header, partition)
    _ = try unsafe reader.read(
      { key, value, _ throws(SnapshotError) in
        do throws(PipelineError) {
          try unsafe body(key, value)
        } catch {
          throw SnapshotError(error.message)
        }
      }, damaged: { $0 })
    return header.snapshot.stateOffset
  }

  private func check(_ header: SnapshotFileHeader, _ partition: Int32) throws(SnapshotError) {
    if header != place.header(header.snapshot) {
      throw SnapshotError("it belongs to another group, or to other topics")
    }
    if header.snapshot.partition != partition {
      throw SnapshotError("it is partition \(header.snapshot.partition)'s")
    }
    let age = wall() - header.snapshot.writtenAt
    if age > maximumAge {
      throw SnapshotError("it is older than half of what the state topic keeps tombstones for")
    }
    if age < -Self.futureMilliseconds { throw SnapshotError("it is dated in the future") }
    if header.snapshot.stateOffset < 0 { throw .damaged("its header") }
  }

  public func forget(_ partition: Int32) {
    _ = unsafe unlink(place.path(partition))
  }
}
