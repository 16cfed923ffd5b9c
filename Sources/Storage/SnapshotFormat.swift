import Events
import Pipeline
import Portrait
import Shard

/// What stands at the beginning of a snapshot's file.
public struct SnapshotFileHeader: Sendable, Hashable {
  public var group: String
  public var inputTopic: String
  public var stateTopic: String
  public var snapshot: SnapshotHeader

  public init(group: String, inputTopic: String, stateTopic: String, snapshot: SnapshotHeader) {
    self.group = group
    self.inputTopic = inputTopic
    self.stateTopic = stateTopic
    self.snapshot = snapshot
  }
}

/// What stands at its end.
public struct SnapshotFileFooter: Sendable, Hashable {
  public var commit: SnapshotCommit
  public var records: UInt64
  public var blocks: UInt32
  /// Over the checksums of all blocks, in order.
  public var checksum: UInt64

  package init(commit: SnapshotCommit, records: UInt64, blocks: UInt32, checksum: UInt64) {
    self.commit = commit
    self.records = records
    self.blocks = blocks
    self.checksum = checksum
  }
}

/// How a snapshot's file is laid out. Fixed numbers have their lowest byte first.
///
/// ```
///  file    "EBBSNAP\n" · version 4 bytes · length 4 bytes · header · checksum 8 bytes · block* · last block
///  block   kind 4 bytes (1 records, 2 footer) · length 4 bytes · records 4 bytes · ordinal 4 bytes · content ·
///          checksum 8 bytes, over head and content
/// ```
/// The ordinal in each block tells blocks that have changed places, and the footer's checksum those of another file.
package enum SnapshotFormat {
  static let magic: [UInt8] = Array("EBBSNAP\n".utf8)
  static let version: UInt32 = 1
  /// Magic, version, length.
  static let prefixBytes = 16
  static let blockHeadBytes = 16
  static let checksumBytes = 8
  /// A header has three names and four numbers.
  static let maximumHeaderBytes = 4_096
  /// Blocks have about the bytes of a slice; one long text of an epoch can make one larger.
  static let maximumBlockBytes = 64 << 20

  package enum BlockKind: UInt32 {
    case records = 1
    case footer = 2
  }

  package static func header(_ header: SnapshotFileHeader) -> [UInt8] {
    var content = StateWriter()
    content.string(header.group)
    content.string(header.inputTopic)
    content.string(header.stateTopic)
    content.count(Int(header.snapshot.partition))
    content.signed(header.snapshot.stateOffset)
    content.signed(header.snapshot.writtenAt)
    var writer = StateWriter()
    writer.raw(magic)
    writer.fixed32(version)
    writer.fixed32(UInt32(content.count))
    writer.raw(content.bytes)
    writer.fixed64(unsafe writer.withBytes { unsafe checksum($0) })
    return writer.bytes
  }

  static func header(from bytes: UnsafeRawBufferPointer) throws(StateError) -> SnapshotFileHeader {
    var reader = unsafe StateReader(bytes)
    let group = try reader.string()
    let inputTopic = try reader.string()
    let stateTopic = try reader.string()
    let partition = Int32(try reader.unsigned(below: 1 << 31))
    let snapshot = SnapshotHeader(
      partition: partition, stateOffset: try reader.signed(), writtenAt: try reader.signed())
    try reader.end()
    return SnapshotFileHeader(
      group: group, inputTopic: inputTopic, stateTopic: stateTopic, snapshot: snapshot)
  }

  /// A whole block, and its checksum.
  package static func block(
    _ kind: BlockKind, records: Int, ordinal: UInt32, _ content: [UInt8]
  ) -> (bytes: [UInt8], checksum: UInt64) {
    var writer = StateWriter()
    writer.fixed32(kind.rawValue)
    writer.fixed32(UInt32(content.count))
    writer.fixed32(UInt32(records))
    writer.fixed32(ordinal)
    writer.raw(content)
    let sum = unsafe writer.withBytes { unsafe checksum($0) }
    writer.fixed64(sum)
    return (writer.bytes, sum)
  }

  package static func content(_ footer: SnapshotFileFooter) -> [UInt8] {
    var writer = StateWriter()
    writer.fixed64(footer.commit.cut.owner)
    writer.unsigned(footer.commit.cut.sequence)
    writer.signed(footer.commit.position.offset)
    writer.signed(footer.commit.position.watermark)
    writer.unsigned(footer.records)
    writer.fixed32(footer.blocks)
    writer.fixed64(footer.checksum)
    return writer.bytes
  }

  static func footer(from bytes: UnsafeRawBufferPointer) throws(StateError) -> SnapshotFileFooter {
    var reader = unsafe StateReader(bytes)
    let cut = CutNumber(owner: try reader.fixed64(), sequence: try reader.unsigned())
    let position = Position(offset: try reader.signed(), watermark: try reader.signed())
    let footer = SnapshotFileFooter(
      commit: SnapshotCommit(cut: cut, position: position), records: try reader.unsigned(),
      blocks: try reader.fixed32(), checksum: try reader.fixed64())
    try reader.end()
    return footer
  }

  /// Of the checksums so far and the next block's.
  package static func chain(_ checksum: UInt64, _ next: UInt64) -> UInt64 {
    var hash = StableHash(seed: checksum)
    hash.combine(next)
    return hash.value
  }

  /// Against accidents, not against forgery: who can write here can write anything.
  static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hash = StableHash(seed: 8)
    let whole = bytes.count & ~7
    var place = 0
    while place < whole {
      hash.combine(UInt64(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)))
      place += 8
    }
    var word: UInt64 = 0
    while place < bytes.count {
      word = word << 8 | UInt64(unsafe bytes[place])
      place += 1
    }
    hash.combine(word)
    hash.combine(UInt64(bytes.count))
    return hash.value
  }
}
