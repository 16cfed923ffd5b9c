import Portrait
import Shard

/// Records laid out as in a snapshot.
struct SnapshotBytes {
  private var writer = StateWriter()

  var bytes: [UInt8] { writer.bytes }

  mutating func append(_ record: Record) {
    SnapshotRecords.append(key: record.key, value: record.value, to: &writer)
  }
}
