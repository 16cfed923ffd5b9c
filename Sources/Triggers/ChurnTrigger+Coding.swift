import Portrait

extension ChurnTrigger {
  private enum Flag {
    /// The state stands in the lowest three bits, the last band (0: none) in the two above `lastEvaluation`.
    static let states: UInt64 = 7
    static let lastEvaluation: UInt64 = 8
    static let lastWarning: UInt64 = 64
    static let open: UInt64 = 128
    static let entry: UInt64 = 256
    static let episode: UInt64 = 512
    static let churnedAt: UInt64 = 1024
    /// The open warning is the last one, as it was emitted.
    static let openIsLast: UInt64 = 2048
    /// The band of the last warning above `watch` stands in the highest two.
    static let end: UInt64 = 16384
  }

  private var isOpenLast: Bool {
    guard let open else { return false }
    return open.time == lastWarning && open.band == lastWarningBand && open.episode == episode
  }

  private var flags: UInt64 {
    var flags = UInt64(state.rawValue) | UInt64(lastBand?.rawValue ?? 0) << 4
    if lastEvaluation != nil { flags |= Flag.lastEvaluation }
    if lastWarning != nil { flags |= Flag.lastWarning }
    if open != nil { flags |= Flag.open }
    if entry != 0 { flags |= Flag.entry }
    if episode != 0 { flags |= Flag.episode }
    if churnedAt != 0 { flags |= Flag.churnedAt }
    if isOpenLast { flags |= Flag.openIsLast }
    return flags | UInt64(lastWarningBand.rawValue - 1) << 12
  }

  func encode(into writer: inout StateWriter, of who: Identity, _ portrait: borrowing Portrait) {
    writer.unsigned(flags)
    // The rhythm is that of the first event: whole days from it.
    writer.span(next, from: portrait.firstSeen)
    if let lastEvaluation { writer.span(lastEvaluation, from: next) }
    if let lastWarning { writer.span(lastWarning, from: next) }
    if entry != 0 { writer.span(entry, from: next) }
    if episode != 0 { writer.span(episode, from: next) }
    if churnedAt != 0 { writer.span(churnedAt, from: next) }
    guard let open else { return }
    if !isOpenLast {
      writer.span(open.time, from: next)
      writer.span(open.episode, from: open.time)
      writer.count(open.band.rawValue)
    }
    let id = who.alert(.churnWarning, episode: open.episode, step: open.band.rawValue)
    writer.byte(open.id == id ? 0 : 1)
    if open.id != id {
      writer.fixed64(open.id.high)
      writer.fixed64(open.id.low)
    }
  }

  init(from reader: inout StateReader, _ who: Identity, _ portrait: borrowing Portrait) throws(StateError) {
    let flags = try reader.unsigned(below: Flag.end)
    guard let state = State(rawValue: UInt8(flags & Flag.states)),
      let warned = ChurnBand(rawValue: Int(flags >> 12) + 1)
    else { throw reader.malformed("there is no such state or band") }
    next = try reader.span(from: portrait.firstSeen)
    self.state = state
    lastBand = ChurnBand(rawValue: Int(flags >> 4 & 3))
    lastWarningBand = warned
    if flags & Flag.lastEvaluation != 0 { lastEvaluation = try reader.span(from: next) }
    if flags & Flag.lastWarning != 0 { lastWarning = try reader.span(from: next) }
    if flags & Flag.entry != 0 { entry = try reader.span(from: next) }
    if flags & Flag.episode != 0 { episode = try reader.span(from: next) }
    if flags & Flag.churnedAt != 0 { churnedAt = try reader.span(from: next) }
    if flags & Flag.open != 0 { open = try readOpen(flags, &reader, who) }
    if flags != self.flags {
      throw reader.malformed("a part of a churn trigger that is not there is written out")
    }
  }

  private func readOpen(
    _ flags: UInt64, _ reader: inout StateReader, _ who: Identity
  ) throws(StateError) -> Open {
    var time = lastWarning ?? 0
    var since = episode
    var band = lastWarningBand
    if flags & Flag.openIsLast == 0 {
      time = try reader.span(from: next)
      since = try reader.span(from: time)
      guard let rank = ChurnBand(rawValue: Int(try reader.unsigned(below: 4))) else {
        throw reader.malformed("there is no such band")
      }
      band = rank
    }
    var id = who.alert(.churnWarning, episode: since, step: band.rawValue)
    switch try reader.byte() {
    case 0: break
    case 1:
      let own = AlertID(high: try reader.fixed64(), low: try reader.fixed64())
      if own == id { throw reader.malformed("the id of a warning is written out") }
      id = own
    default: throw reader.malformed("the id of a warning is misspelt")
    }
    return Open(id: id, time: time, episode: since, band: band)
  }
}
