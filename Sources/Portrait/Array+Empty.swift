extension Array {
  /// Takes everything out and keeps the memory; of an empty one not even its place is touched.
  @inlinable package mutating func empty() {
    if !isEmpty { removeAll(keepingCapacity: true) }
  }
}
