import Pipeline
import Portrait
import Shard
import Storage

/// A snapshot's file as it would be written, its checksums fitting whatever lies in it.
enum SnapshotFile {
  /// - Parameters:
  ///   - records: the content of its one block. - count: how many there are said to be.
  static func whole(
    _ header: SnapshotFileHeader, commit: SnapshotCommit, records: [UInt8], count: Int
  ) -> [UInt8] {
    let block = SnapshotFormat.block(.records, records: count, ordinal: 0, records)
    let footer = SnapshotFileFooter(
      commit: commit, records: UInt64(count), blocks: 1, checksum: SnapshotFormat.chain(0, block.checksum))
    let end = SnapshotFormat.block(.footer, records: 0, ordinal: 1, SnapshotFormat.content(footer))
    return SnapshotFormat.header(header) + block.bytes + end.bytes
  }
}

extension SnapshotRecords {
  /// One record as it lies in a block.
  static func bytes(key: [UInt8], value: [UInt8]) -> [UInt8] {
    var writer = StateWriter()
    append(key: key, value: value, to: &writer)
    return writer.bytes
  }
}
