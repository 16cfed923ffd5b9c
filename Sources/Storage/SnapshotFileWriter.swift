import Glibc
import Pipeline

/// Writes one snapshot beside the one that is there, and puts it in its place when it is safe.
///
/// What it writes to is locked, so that two processes with the same directory do not write into one another's file;
/// the lock goes with the process, however it ends.
struct SnapshotFileWriter: ~Copyable {
  private let place: SnapshotPlace
  private let partition: Int32
  private let file: OpenFile
  private var blocks: UInt32 = 0
  private var records: UInt64 = 0
  private var checksum: UInt64 = 0
  private(set) var bytes: Int64 = 0
  private var isPlaced = false

  /// Begins a file.
  static func create(_ place: SnapshotPlace, _ header: SnapshotHeader) throws(SnapshotError)
    -> SnapshotFileWriter
  {
    try place.checkDirectory()
    var writer = SnapshotFileWriter(
      place, header.partition, try lock(place.temporaryPath(header.partition)))
    try writer.write(SnapshotFormat.header(place.header(header)))
    return writer
  }

  private init(_ place: SnapshotPlace, _ partition: Int32, _ file: consuming OpenFile) {
    self.place = place
    self.partition = partition
    self.file = file
  }

  deinit {
    // Still locked: what lies there is this one's.
    if !isPlaced { _ = unsafe unlink(place.temporaryPath(partition)) }
  }

  /// An empty file that is this process's alone.
  private static func lock(_ path: String) throws(SnapshotError) -> OpenFile {
    for _ in 0..<8 {
      let file = try OpenFile(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK)
      guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else {
        throw SnapshotError("another process is writing it")
      }
      // It may have been put in its place, or taken away, between opening and locking.
      let mine = try file.status()
      var there = stat()
      guard unsafe lstat(path, &there) == 0, there.st_ino == mine.st_ino, there.st_dev == mine.st_dev else {
        continue
      }
      if mine.st_mode & S_IFMT != S_IFREG { throw SnapshotError("it is not a regular file") }
      guard ftruncate(file.descriptor, 0) == 0, fchmod(file.descriptor, 0o600) == 0 else {
        throw SnapshotError(OpenFile.sentence(errno))
      }
      return file
    }
    throw SnapshotError("other processes keep writing it")
  }

  private mutating func write(_ bytes: [UInt8]) throws(SnapshotError) {
    try file.write(bytes)
    self.bytes += Int64(bytes.count)
  }

  mutating func append(_ content: [UInt8], records count: Int) throws(SnapshotError) {
    guard content.count <= SnapshotFormat.maximumBlockBytes else {
      throw SnapshotError("a slice of \(content.count) bytes is too large for it")
    }
    let block = SnapshotFormat.block(.records, records: count, ordinal: blocks, content)
    try write(block.bytes)
    checksum = SnapshotFormat.chain(checksum, block.checksum)
    blocks += 1
    records += UInt64(count)
  }

  /// - Returns: records and bytes of the snapshot.
  consuming func finish(_ commit: SnapshotCommit) throws(SnapshotError) -> (records: UInt64, bytes: Int64) {
    let footer = SnapshotFileFooter(commit: commit, records: records, blocks: blocks, checksum: checksum)
    try write(
      SnapshotFormat.block(.footer, records: 0, ordinal: blocks, SnapshotFormat.content(footer)).bytes)
    try file.synchronize()
    guard unsafe rename(place.temporaryPath(partition), place.path(partition)) == 0 else {
      throw SnapshotError(OpenFile.sentence(errno))
    }
    isPlaced = true
    try place.openDirectory().synchronize()
    return (records, bytes)
  }
}
