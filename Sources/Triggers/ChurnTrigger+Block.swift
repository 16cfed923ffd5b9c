import Portrait

extension ChurnTrigger {
  private enum Bit {
    // Beside the bands: what else there is of a user who has been at risk.
    static let entry: UInt8 = 16
    static let episode: UInt8 = 32
    static let churnedAt: UInt8 = 64
    static let open: UInt8 = 128
  }

  /// Whether more is known than the rhythm of evaluations.
  var hasBeenAtRisk: Bool {
    entry != 0 || episode != 0 || churnedAt != 0 || lastWarning != nil || lastWarningBand != .watch
      || open != nil
  }

  func write(into writer: inout BlockWriter, isWarned: Bool) {
    writer.byte(state.rawValue | UInt8(truncatingIfNeeded: lastBand?.rawValue ?? 0) << 3)
    writer.time(next)
    if let lastEvaluation { writer.amount(next &- lastEvaluation) }
    if !isWarned { return }
    var bits = UInt8(truncatingIfNeeded: lastWarningBand.rawValue)
    if lastWarning != nil { bits |= 4 }
    if entry != 0 { bits |= Bit.entry }
    if episode != 0 { bits |= Bit.episode }
    if churnedAt != 0 { bits |= Bit.churnedAt }
    if open != nil { bits |= Bit.open }
    writer.byte(bits)
    if let lastWarning { writer.time(lastWarning) }
    if entry != 0 { writer.time(entry) }
    if episode != 0 { writer.time(episode) }
    if churnedAt != 0 { writer.time(churnedAt) }
    guard let open else { return }
    writer.fixed64(open.id.high)
    writer.fixed64(open.id.low)
    writer.time(open.time)
    writer.time(open.episode)
    writer.byte(UInt8(truncatingIfNeeded: open.band.rawValue))
  }

  mutating func read(from reader: inout BlockReader, isEvaluated: Bool, isWarned: Bool) {
    let head = reader.byte()
    state = State(rawValue: head & 7)!
    lastBand = ChurnBand(rawValue: Int(head >> 3))
    next = reader.time()
    lastEvaluation = isEvaluated ? next &- reader.amount() : nil
    lastWarning = nil
    lastWarningBand = .watch
    entry = 0
    episode = 0
    churnedAt = 0
    open = nil
    if !isWarned { return }
    let bits = reader.byte()
    lastWarningBand = ChurnBand(rawValue: Int(bits & 3))!
    if bits & 4 != 0 { lastWarning = reader.time() }
    if bits & Bit.entry != 0 { entry = reader.time() }
    if bits & Bit.episode != 0 { episode = reader.time() }
    if bits & Bit.churnedAt != 0 { churnedAt = reader.time() }
    if bits & Bit.open == 0 { return }
    let id = AlertID(high: reader.fixed64(), low: reader.fixed64())
    let time = reader.time()
    let since = reader.time()
    open = Open(id: id, time: time, episode: since, band: ChurnBand(rawValue: Int(reader.byte()))!)
  }
}
