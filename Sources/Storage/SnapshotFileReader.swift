import Glibc
import Pipeline
import Portrait
import Shard

/// Reads one snapshot's file and believes nothing of it.
public struct SnapshotFileReader: ~Copyable {
  public let header: SnapshotFileHeader
  /// Of the whole file.
  public let bytes: Int64
  private let file: OpenFile
  /// What is not read yet.
  private var rest: Int64
  private var buffer: SnapshotBuffer

  /// Opens a file and reads its header.
  ///
  /// - Returns: nil if there is no such file.
  /// - Throws: it is not a regular file, not only this user's to write, or not a snapshot that this version reads.
  public static func open(_ path: String) throws(SnapshotError) -> SnapshotFileReader? {
    // Whatever stands there, opening it must not wait, nor lead elsewhere.
    guard let file = try OpenFile.ifThere(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK) else { return nil }
    return try SnapshotFileReader(file)
  }

  private init(_ file: consuming OpenFile) throws(SnapshotError) {
    let status = try file.status()
    if status.st_mode & S_IFMT != S_IFREG { throw SnapshotError("it is not a regular file") }
    if status.st_uid != geteuid() { throw SnapshotError("it belongs to another user") }
    if status.st_mode & 0o022 != 0 { throw SnapshotError("others may write to it") }
    let size = Int64(status.st_size)
    var buffer = SnapshotBuffer()
    guard size >= Int64(SnapshotFormat.prefixBytes) else { throw .truncated }
    try buffer.fill(SnapshotFormat.prefixBytes, from: file)
    let prefix = unsafe buffer.bytes
    guard unsafe prefix.prefix(SnapshotFormat.magic.count).elementsEqual(SnapshotFormat.magic) else {
      throw SnapshotError("it is no snapshot")
    }
    let version = unsafe prefix.number(8)
    guard version == SnapshotFormat.version else {
      throw SnapshotError("it has version \(version), and this release reads \(SnapshotFormat.version)")
    }
    let length = Int(unsafe prefix.number(12))
    let end = SnapshotFormat.prefixBytes + length + SnapshotFormat.checksumBytes
    guard length <= SnapshotFormat.maximumHeaderBytes else { throw .damaged("its header") }
    guard size >= Int64(end) else { throw .truncated }
    try buffer.fill(length + SnapshotFormat.checksumBytes, after: SnapshotFormat.prefixBytes, from: file)
    header = try unsafe Self.header(buffer.bytes, length)
    bytes = size
    rest = size - Int64(end)
    self.file = file
    self.buffer = buffer
  }

  private static func header(
    _ bytes: UnsafeRawBufferPointer, _ length: Int
  ) throws(SnapshotError) -> SnapshotFileHeader {
    let end = SnapshotFormat.prefixBytes + length
    let whole = unsafe UnsafeRawBufferPointer(rebasing: bytes[..<end])
    let told = unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: end, as: UInt64.self))
    guard unsafe SnapshotFormat.checksum(whole) == told else { throw .damaged("its header") }
    do throws(StateError) {
      return try unsafe SnapshotFormat.header(
        from: UnsafeRawBufferPointer(rebasing: whole[SnapshotFormat.prefixBytes...]))
    } catch {
      throw .damaged("its header")
    }
  }

  /// Hands over all records in order, once. If it throws, what was handed over counts for nothing.
  ///
  /// - Parameter body: gets key and value of each record, and where in the file its block begins.
  public consuming func read<Failure: Error>(
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer, Int64) throws(Failure) -> Void,
    damaged: (SnapshotError) -> Failure
  ) throws(Failure) -> SnapshotFileFooter {
    var records: UInt64 = 0
    var ordinal: UInt32 = 0
    var checksum: UInt64 = 0
    while true {
      let place = bytes - rest
      let block: Block
      do throws(SnapshotError) {
        block = try nextBlock(ordinal)
      } catch {
        throw damaged(error)
      }
      let content = unsafe buffer.content(block.length)
      if block.kind == .footer {
        guard
          let footer = try? unsafe SnapshotFormat.footer(from: content), footer.records == records,
          footer.blocks == ordinal, footer.checksum == checksum
        else { throw damaged(.damaged("its end")) }
        if rest > 0 { throw damaged(SnapshotError("bytes follow its end")) }
        return footer
      }
      let found = try unsafe SnapshotRecords.read(
        content, damaged: { _ in damaged(.damaged("block \(ordinal)")) }
      ) { key, value throws(Failure) in
        try unsafe body(key, value, place)
      }
      guard found == block.records else { throw damaged(.damaged("block \(ordinal)")) }
      records += UInt64(found)
      checksum = SnapshotFormat.chain(checksum, block.checksum)
      ordinal += 1
    }
  }

  private struct Block {
    var kind: SnapshotFormat.BlockKind
    var length: Int
    var records: Int
    var checksum: UInt64
  }

  /// Reads a block into the buffer and holds its checksum.
  private mutating func nextBlock(_ ordinal: UInt32) throws(SnapshotError) -> Block {
    let head = SnapshotFormat.blockHeadBytes
    guard rest >= Int64(head) else { throw .truncated }
    try buffer.fill(head, from: file)
    let length = Int(unsafe buffer.bytes.number(4))
    guard length <= SnapshotFormat.maximumBlockBytes else { throw .damaged("block \(ordinal)") }
    guard rest >= Int64(head + length + SnapshotFormat.checksumBytes) else { throw .truncated }
    try buffer.fill(length + SnapshotFormat.checksumBytes, after: head, from: file)
    rest -= Int64(head + length + SnapshotFormat.checksumBytes)
    let bytes = unsafe buffer.bytes
    let told = unsafe UInt64(
      littleEndian: bytes.loadUnaligned(fromByteOffset: head + length, as: UInt64.self))
    let whole = unsafe UnsafeRawBufferPointer(rebasing: bytes[..<(head + length)])
    guard unsafe SnapshotFormat.checksum(whole) == told,
      let kind = SnapshotFormat.BlockKind(rawValue: unsafe bytes.number(0)),
      unsafe bytes.number(12) == ordinal
    else { throw .damaged("block \(ordinal)") }
    return Block(kind: kind, length: length, records: Int(unsafe bytes.number(8)), checksum: told)
  }
}

/// Memory for one block, used again for the next.
@safe private struct SnapshotBuffer: ~Copyable {
  private var memory: UnsafeMutableRawBufferPointer
  private var filled = 0

  init() { unsafe memory = .allocate(byteCount: 1 << 19, alignment: 16) }

  deinit { unsafe memory.deallocate() }

  /// What was filled last. Valid until the next fill.
  var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(rebasing: memory[..<filled]) }

  /// The content of a block.
  func content(_ length: Int) -> UnsafeRawBufferPointer {
    let head = SnapshotFormat.blockHeadBytes
    return unsafe UnsafeRawBufferPointer(rebasing: memory[head..<head + length])
  }

  /// Reads so many bytes, behind those that are there already.
  mutating func fill(_ count: Int, after kept: Int = 0, from file: borrowing OpenFile) throws(SnapshotError) {
    if unsafe kept + count > memory.count {
      let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: kept + count, alignment: 16)
      unsafe larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<kept]))
      unsafe memory.deallocate()
      unsafe memory = larger
    }
    try unsafe file.read(into: UnsafeMutableRawBufferPointer(rebasing: memory[kept..<kept + count]))
    filled = kept + count
  }
}

extension UnsafeRawBufferPointer {
  /// Four bytes at a place, lowest first.
  fileprivate func number(_ place: Int) -> UInt32 {
    UInt32(littleEndian: unsafe loadUnaligned(fromByteOffset: place, as: UInt32.self))
  }
}

extension SnapshotError {
  static func damaged(_ part: String) -> SnapshotError { SnapshotError("\(part) is damaged") }
}
