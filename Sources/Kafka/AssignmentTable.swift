/// Which partitions are assigned, and for each the next offset that is expected.
///
/// Before librdkafka 2.1.0 the batch call can hand over records of a partition that has been given up, or that
/// lie before the position just assigned. Nothing but this table tells them apart.
struct AssignmentTable {
  private static let notAssigned: Int64 = -1
  /// By topic (as the consumer numbers them), then by partition.
  private var nextOffsets: [[Int64]] = []

  /// What is assigned, in order of topic and partition.
  var assigned: [(topic: Int, partition: Int32, nextOffset: Int64)] {
    var assigned: [(topic: Int, partition: Int32, nextOffset: Int64)] = []
    for (topic, offsets) in nextOffsets.enumerated() {
      for (partition, offset) in offsets.enumerated() where offset != Self.notAssigned {
        assigned.append((topic, Int32(partition), offset))
      }
    }
    return assigned
  }

  mutating func clear() { nextOffsets.removeAll(keepingCapacity: true) }

  /// - Parameter nextOffset: 0 if the position is not known yet (the beginning or the end).
  mutating func assign(topic: Int, partition: Int32, nextOffset: Int64) {
    while nextOffsets.count <= topic { nextOffsets.append([]) }
    while nextOffsets[topic].count <= Int(partition) { nextOffsets[topic].append(Self.notAssigned) }
    nextOffsets[topic][Int(partition)] = max(nextOffset, 0)
  }

  /// Whether the record is one to hand on; if so, the next one is expected behind it. Offsets need not be dense:
  /// compaction and control records leave gaps.
  @inline(__always)
  mutating func admit(topic: Int, partition: Int32, offset: Int64) -> Bool {
    // One look, and a write in place: this is done for every record.
    guard nextOffsets.indices.contains(topic) else { return false }
    return Self.admit(&nextOffsets[topic], Int(partition), offset)
  }

  @inline(__always)
  private static func admit(_ offsets: inout [Int64], _ partition: Int, _ offset: Int64) -> Bool {
    guard offsets.indices.contains(partition) else { return false }
    let expected = offsets[partition]
    guard expected != notAssigned, offset >= expected else { return false }
    offsets[partition] = offset + 1
    return true
  }

  /// Whether an end-of-partition at this offset is one of the present assignment.
  func admitsEnd(topic: Int, partition: Int32, offset: Int64) -> Bool {
    guard nextOffsets.indices.contains(topic), nextOffsets[topic].indices.contains(Int(partition)) else {
      return false
    }
    let expected = nextOffsets[topic][Int(partition)]
    return expected != Self.notAssigned && offset >= expected
  }
}
