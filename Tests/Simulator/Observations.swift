import Pipeline
import Shard

extension Process {
  /// Counts what a cut shows of rare things.
  func observe(_ cut: Cut) {
    for section in cut.sections {
      // Room for one more clock step, or for none: then everything is flushed first.
      if section.metadata.utf8.count + 2 * 42 > world.plan.metadataBytes { world.hit(.metadataTight) }
      if let metadata = (try? CommitMetadata(section.metadata)) ?? nil { observe(metadata.clockLog.entries) }
      for record in section.state { observe(record) }
    }
  }

  private func observe(_ entries: [ClockEntry]) {
    let steps = entries.filter { $0.kind == .advance }
    let hasPart = zip(steps, steps.dropFirst()).contains { $0.offset == $1.offset && $0.clock == $1.clock }
    if hasPart { world.hit(.partialJump) }
  }

  private func observe(_ record: OutputRecord) {
    guard let key = record.key, let value = record.value,
      let stored = try? StateRecord(key: key, value: value)
    else { return }
    switch stored.kind {
    case .gone: world.gone.insert(key)
    case .user: if world.gone.remove(key) != nil { world.hit(.userReturned) }
    case .epoch: break
    }
  }
}
