/// Alerts and dead letters that the next cut will carry, by input partition.
struct Outbox: ~Copyable {
  private var parts: [(partition: Int32, records: [OutputRecord])] = []
  private(set) var bytes = 0

  init() {}

  var isEmpty: Bool { parts.isEmpty }

  /// Adds a record that belongs to a partition's progress.
  mutating func append(_ record: OutputRecord, _ partition: Int32) {
    bytes += Self.size(record)
    if let index = parts.firstIndex(where: { $0.partition == partition }) {
      parts[index].records.append(record)
    } else {
      parts.append((partition, [record]))
    }
  }

  /// About what a record takes, headers included.
  static func size(_ record: OutputRecord) -> Int {
    (record.key?.count ?? 0) + (record.value?.count ?? 0) + 128
  }

  /// Takes a partition's records out.
  mutating func take(_ partition: Int32) -> [OutputRecord] {
    guard let index = parts.firstIndex(where: { $0.partition == partition }) else { return [] }
    let records = parts.remove(at: index).records
    for record in records { bytes -= Self.size(record) }
    return records
  }

  /// Drops everything.
  mutating func clear() {
    parts.removeAll()
    bytes = 0
  }
}
