/// The output that the next cut will carry, by input partition.
struct Outbox: ~Copyable {
  private var sections: [CutSection] = []
  private(set) var bytes = 0
  private var lastNumber: UInt64 = 0

  init() {}

  var isEmpty: Bool { sections.isEmpty }

  /// Notes how far a partition has been processed.
  mutating func advance(_ partition: Int32, nextOffset: Int64) {
    let index = section(partition, nextOffset)
    sections[index].nextOffset = nextOffset
  }

  /// Adds a record that belongs to a partition's progress.
  mutating func append(_ record: OutputRecord, _ partition: Int32, nextOffset: Int64) {
    let index = section(partition, nextOffset)
    sections[index].records.append(record)
    bytes += Self.size(record)
  }

  /// About what a record takes, headers included.
  private static func size(_ record: OutputRecord) -> Int {
    (record.key?.count ?? 0) + (record.value?.count ?? 0) + 128
  }

  private mutating func section(_ partition: Int32, _ nextOffset: Int64) -> Int {
    if let index = sections.firstIndex(where: { $0.partition == partition }) { return index }
    sections.append(CutSection(partition: partition, nextOffset: nextOffset))
    return sections.count - 1
  }

  /// Closes the cut; the outbox is empty afterwards.
  mutating func close() -> Cut {
    lastNumber += 1
    defer {
      sections.removeAll(keepingCapacity: true)
      bytes = 0
    }
    return Cut(number: lastNumber, sections: sections)
  }

  /// Drops what belongs to these partitions.
  mutating func drop(_ partitions: [Int32]) {
    sections.removeAll { partitions.contains($0.partition) }
    bytes = sections.reduce(0) { $1.records.reduce($0) { $0 + Self.size($1) } }
  }
}
