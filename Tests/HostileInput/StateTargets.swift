import Events
import Pipeline
import Portrait
import Shard
import Shop
import Storage
import Triggers

/// What Ebb itself has written, and reads back from the state topic, the committed offsets and its directory.
enum StateTargets {
  static let all = [records, metadata, snapshots]

  /// Keys and values of the state topic after some weeks of a shop.
  static func stored() -> [(key: [UInt8], value: [UInt8])] {
    var rules = Rules()
    rules.time.allowedLatenessMilliseconds = 60_000
    var shard = Shard(partition: 0, epoch: Epoch(hash: 1, text: "one", rules: rules), isJournaled: true)
    var shop = ShopSimulator(
      seed: 5, users: 60, startMilliseconds: 1_735_689_600_000, options: .demonstration)
    var slot = EventSlot()
    var output = TriggerOutput()
    var changes: [StateChange] = []
    shard.beginEpoch(Epoch(hash: 2, text: "two", rules: rules), into: &changes)
    for _ in 0..<40_000 {
      let item = shop.next()
      slot.set(item.event)
      shard.apply(slot, recordClock: item.arrivalMilliseconds, into: &output)
      output.alerts.removeAll(keepingCapacity: true)
      shard.trimClockLog()
    }
    _ = shard.flush(FlushLimit(ordinal: .max, users: .max, bytes: .max), into: &changes)
    return changes.compactMap { change in change.value.map { (change.key, $0) } }
  }

  private static let checksumBytes = 4

  /// The value with a checksum that fits, so that what lies behind it is read.
  private static func sealed(_ body: ArraySlice<UInt8>, key: [UInt8]) -> [UInt8] {
    let sum = StateRecord.checksum(key, body)
    return Array(body) + (0..<4).map { UInt8(truncatingIfNeeded: sum >> (8 * $0)) }
  }

  /// The key's length in one byte, the key, the value without its checksum.
  private static func split(_ input: [UInt8]) -> (key: [UInt8], body: ArraySlice<UInt8>) {
    guard let length = input.first else { return ([], []) }
    let end = min(input.count, 1 + Int(length))
    return (Array(input[1..<end]), input[end...])
  }

  private static let records = HostileTarget(
    "state-records", "records of the state topic, and users restored from them", pieces: [],
    seeds: {
      stored().filter { $0.key.count < 256 }.map {
        [UInt8($0.key.count)] + $0.key + $0.value.dropLast(checksumBytes)
      }
    },
    makeCheck: {
      PlainCheck { input in
        let (key, body) = split(input)
        if let epoch = unsafe key.withUnsafeBytes({ unsafe StateRecord.epoch(ofKey: $0) }) {
          try promise(StateRecord.key(ofEpoch: epoch) == key, "a second spelling of an epoch's key")
        }
        // Half of them without a checksum that fits.
        let value = input.count % 8 == 7 ? Array(body) : sealed(body, key: key)
        let record: StateRecord
        do throws(StateError) {
          record = try StateRecord(key: key, value: value)
        } catch {
          try promise(!error.message.isEmpty && error.place >= 0 && error.place <= value.count, "\(error)")
          return false
        }
        var writer = StateWriter()
        record.encode(into: &writer)
        let again: StateRecord
        do throws(StateError) {
          again = try StateRecord(key: record.key, value: writer.bytes)
        } catch {
          throw HostileFault("what was read cannot be read again: \(error)")
        }
        try promise(again == record, "read back differently")
        try RestoredUser.check(record, key, value)
        return true
      }
    })

  private static let metadata = HostileTarget(
    "commit-metadata", "the text beside committed offsets",
    pieces: ["ebb1:", "ebb2:", ":", "=", "-", "_", "AAAA", "zz"],
    seeds: {
      (0..<40).map { number in
        var log = ClockLog(base: 1_735_689_600_000)
        for step in 0..<number % 12 {
          log.append(
            ClockEntry(
              .advance, offset: Int64(step * 7), watermark: 1_735_689_600_000 + Int64(step),
              clock: 1_735_689_600_000 + Int64(step * 3)))
        }
        let metadata = CommitMetadata(
          cut: CutNumber(owner: UInt64(number) &* 0x9e37_79b9_7f4a_7c15, sequence: UInt64(number)),
          recoveryPoint: Position(offset: Int64(number), watermark: 1_735_689_600_000),
          watermark: 1_735_689_700_000, latestEvent: number % 3 == 0 ? nil : 1_735_689_800_000, epochHash: 7,
          storedCount: number * 1_000, stateOffset: Int64(number) - 1, clockLog: log)
        // As text, or as what lies within it.
        return number % 2 == 0 ? [0] + Array(metadata.text.utf8) : [1] + metadata.content
      }
    },
    makeCheck: {
      PlainCheck { input in
        guard let kind = input.first else { return false }
        let rest = Array(input.dropFirst())
        let text = kind % 2 == 0 ? String(decoding: rest, as: UTF8.self) : CommitMetadata.text(of: rest)
        do throws(PipelineError) {
          guard let metadata = try CommitMetadata(text) else { return false }
          let again = try CommitMetadata(metadata.text)
          if again != metadata { throw PipelineError(.state, "read back differently", hint: "never") }
          return true
        } catch {
          try promise(error.hint != "never" && !error.message.isEmpty, "\(error)")
          return false
        }
      }
    })

  private static let snapshots = HostileTarget(
    "snapshots", "snapshot files, whole or with checksums that fit", pieces: ["EBBSNAP\n"],
    seeds: {
      let users = stored().prefix(40)
      let records = users.map { SnapshotRecords.bytes(key: $0.key, value: $0.value) }
      return [[0] + file(Array(records.joined()), count: records.count)]
        + records.prefix(20).map { [1, 1] + $0 }
    },
    makeCheck: {
      let scratch = ScratchFile("snapshot")
      return PlainCheck { input in
        guard input.count >= 2 else { return false }
        // Whole files, damaged; or files with these records in them, all checksums fitting.
        let bytes =
          input[0] % 2 == 0 ? Array(input.dropFirst()) : file(Array(input.dropFirst(2)), count: Int(input[1]))
        try scratch.write(bytes)
        var handed = 0
        do throws(SnapshotError) {
          guard let reader = try SnapshotFileReader.open(scratch.path) else { return false }
          _ = try unsafe reader.read(
            { key, value, _ throws(SnapshotError) in handed += key.count + value.count },
            damaged: { $0 })
        } catch {
          try promise(!error.reason.isEmpty, "a refusal without a reason")
          return false
        }
        try promise(handed <= bytes.count, "\(handed) bytes handed over from a file of \(bytes.count)")
        return true
      }
    })

  private static func file(_ records: [UInt8], count: Int) -> [UInt8] {
    SnapshotFile.whole(
      SnapshotFileHeader(
        group: "g", inputTopic: "i", stateTopic: "s",
        snapshot: SnapshotHeader(partition: 3, stateOffset: 17, writtenAt: 1_735_689_600_000)),
      commit: SnapshotCommit(
        cut: CutNumber(owner: 1, sequence: 2), position: Position(offset: 9, watermark: 1_735_689_600_000)),
      records: records, count: count)
  }
}
