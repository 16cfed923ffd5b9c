import LogModel
import Pipeline
import Portrait
import Shard

// Faults that are made by changing a cut on its way to the producer.
extension Mutation {
  /// The cut as the faulty lane would have sent it.
  func change(_ cut: Cut, _ process: Process) -> Cut {
    var cut = cut
    for index in cut.sections.indices { change(&cut.sections[index], process) }
    return cut
  }

  private func change(_ section: inout CutSection, _ process: Process) {
    guard var metadata = (try? CommitMetadata(section.metadata)) ?? nil else { return }
    switch self {
    case .recoveryPointOneTooFar:
      guard metadata.recoveryPoint.offset < section.nextOffset else { return }
      metadata.recoveryPoint.offset += 1
    case .tickForgotten: metadata.clockLog = metadata.clockLog.without(.advance)
    case .resumeForgotten: metadata.clockLog = metadata.clockLog.without(.resume)
    case .flushWithoutPosition:
      section.state = section.state.map(Self.withoutPosition)
      return
    case .epochBeginsBeforeItIsEmpty:
      guard let next = process.reloaded, metadata.epochHash != next.hash else { return }
      metadata.epochHash = next.hash
      let text = StateRecord(
        epoch: next.hash, position: Position(offset: section.nextOffset, watermark: metadata.watermark),
        content: .epoch(next.text))
      section.state.append(text.output)
    case .tombstoneNotCancelled:
      process.graves.bury(&section, upTo: metadata.recoveryPoint)
      return
    default: return
    }
    section.metadata = metadata.text
  }

  /// As if the user were current to the beginning.
  private static func withoutPosition(_ output: OutputRecord) -> OutputRecord {
    guard let key = output.key, let value = output.value,
      var record = try? StateRecord(key: key, value: value), record.kind == .user
    else { return output }
    record.position = Position(offset: 0, watermark: record.position.watermark)
    var writer = StateWriter()
    record.encode(into: &writer)
    var output = output
    output.value = writer.bytes
    return output
  }

  /// What a stored record is current to.
  static func position(ofState value: [UInt8]) -> Position? {
    // Format, kind and epoch come first.
    unsafe value.withUnsafeBytes { bytes -> Position? in
      guard bytes.count > 10 else { return nil }
      var reader = unsafe StateReader(bytes, from: 10)
      guard let offset = try? reader.unsigned(), let watermark = try? reader.signed() else { return nil }
      return Position(offset: Int64(offset), watermark: watermark)
    }
  }
}

extension StateRecord {
  /// For the state partition.
  fileprivate var output: OutputRecord {
    var writer = StateWriter()
    encode(into: &writer)
    return OutputRecord(topic: .state, key: key, value: writer.bytes, headers: [])
  }
}

extension ClockLog {
  /// A log in which steps of one kind were forgotten.
  func without(_ kind: ClockEntry.Kind) -> ClockLog {
    ClockLog(base: base, entries: entries.filter { $0.kind != kind })
  }
}

/// Whose tombstones are due, for the lane that does not cancel any.
struct Graves {
  private var open: [Int32: [(key: [UInt8], position: Position)]] = [:]

  mutating func bury(_ section: inout CutSection, upTo point: Position) {
    var left = open[section.partition] ?? []
    for record in section.state {
      guard let key = record.key else { continue }
      if let value = record.value, (try? StateRecord(key: key, value: value))?.kind == .gone {
        left.append((key, Mutation.position(ofState: value) ?? point))
      } else if record.value == nil {
        left.removeAll { $0.key == key }
      }
    }
    for grave in left where grave.position <= point {
      section.state.append(
        OutputRecord(
          topic: .state, key: grave.key, value: nil,
          headers: [OutputRecord.Header(name: StateRecord.positionHeader, value: Array(point.text.utf8))]))
    }
    left.removeAll { $0.position <= point }
    open[section.partition] = left
  }
}
