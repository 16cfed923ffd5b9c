/// Why a snapshot is not used. Never the end of anything: the state topic has it all.
public struct SnapshotError: Error, Sendable, Hashable {
  public var reason: String

  public init(_ reason: String) { self.reason = reason }
}

/// Local copies of partitions' state, to be read.
public protocol SnapshotReader: Sendable {
  /// Hands over the records of a partition's snapshot, as they would stand in the state topic.
  ///
  /// - Returns: the offset from which the state topic must be read after it; nil: there is none.
  /// - Throws: it is in doubt; what has been handed over counts for nothing.
  func read(
    _ partition: Int32,
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(PipelineError) -> Void
  ) throws(SnapshotError) -> Int64?
  /// Nothing is committed for the partition: what is kept of it is of another life.
  func forget(_ partition: Int32)
}

extension SnapshotReader {
  public func forget(_ partition: Int32) {}
}
