/// The requests that a fault can meet. `produce` in a transaction sends `addPartitions` first where the partition
/// is new to it, `txnOffsetCommit` sends `addOffsets` first.
public enum RequestKind: Hashable, Sendable, CaseIterable {
  case produce
  case fetch
  case listOffset
  case initProducerID
  case addPartitions
  case addOffsets
  case txnOffsetCommit
  case endTransaction
  case offsetCommit
  case offsetFetch
  case joinGroup
  case syncGroup
  case heartbeat
  case leaveGroup
  case metadata
}

/// What goes wrong with the requests to come. The simulator fills it; each fault is used up by what it meets.
public struct Faults: Hashable, Sendable {
  /// What becomes of a request.
  public enum Effect: Hashable, Sendable {
    /// The error, and nothing has happened.
    case fail(KafkaError)
    /// The request does what it does, and the caller sees `.requestTimedOut`, whatever the answer was.
    case loseReply
    /// The caller sees `.requestTimedOut`; the request waits in `delayedRequests` until it is delivered or
    /// forgotten. For `produce`, `txnOffsetCommit`, `endTransaction`, `offsetCommit` and `initProducerID`; the
    /// others are lost.
    case delay
  }

  /// One fault.
  public struct Fault: Hashable, Sendable {
    public var effect: Effect
    public var kinds: Set<RequestKind>
    /// Only requests of this caller; nil: of all.
    public var caller: Int?
    /// Only requests for this partition; nil: for any.
    public var place: TopicPartition?
    /// Only a `produce` whose batch holds a record with this key; nil: any request.
    public var key: [UInt8]?
    /// Matching requests that pass before it strikes.
    public var skip: Int
    /// Requests that it strikes.
    public var times: Int
  }

  /// In the order in which they were set; the first that matches strikes.
  public private(set) var pending: [Fault] = []
  /// While true every request of everybody times out without an effect.
  public var isOutage = false
  /// Callers that reach no broker: their requests time out without an effect.
  public var unreachable: Set<Int> = []
  /// Requests struck so far, outages left out.
  public private(set) var struck = 0

  public init() {}

  /// Sets a fault for the next requests of `kinds` that match. With `key` and `times: .max` it is a record that
  /// no broker will ever take.
  public mutating func inject(
    _ effect: Effect, on kinds: Set<RequestKind>, caller: Int? = nil, place: TopicPartition? = nil,
    key: [UInt8]? = nil, skip: Int = 0, times: Int = 1
  ) {
    guard times > 0 else { return }
    pending.append(
      Fault(effect: effect, kinds: kinds, caller: caller, place: place, key: key, skip: skip, times: times))
  }

  /// Takes back all faults and ends every outage.
  public mutating func clear() {
    pending.removeAll()
    isOutage = false
    unreachable.removeAll()
  }

  mutating func strike(
    _ kind: RequestKind, caller: Int, place: TopicPartition?, records: [LogRecord]
  ) -> Effect? {
    if isOutage || unreachable.contains(caller) { return .fail(.requestTimedOut) }
    guard !pending.isEmpty else { return nil }
    for index in pending.indices {
      let fault = pending[index]
      guard fault.kinds.contains(kind), fault.caller == nil || fault.caller == caller,
        fault.place == nil || fault.place == place,
        fault.key == nil || records.contains(where: { $0.key == fault.key })
      else { continue }
      if fault.skip > 0 {
        pending[index].skip -= 1
        continue
      }
      if fault.times == 1 { pending.remove(at: index) } else { pending[index].times -= 1 }
      struck += 1
      return fault.effect
    }
    return nil
  }
}

extension LogCluster {
  /// Whether a request goes through: nil for one that is answered, `.loseReply` or `.delay` otherwise.
  func admit(
    _ kind: RequestKind, place: TopicPartition? = nil, records: [LogRecord] = []
  ) throws(KafkaError) -> Faults.Effect? {
    let effect = faults.strike(kind, caller: caller, place: place, records: records)
    if case .fail(let error) = effect { throw error }
    return effect
  }

  /// Answers a request of a kind that cannot be delayed.
  func answer<Answer>(
    _ kind: RequestKind, place: TopicPartition? = nil, _ body: () throws(KafkaError) -> Answer
  ) throws(KafkaError) -> Answer {
    let effect = try admit(kind, place: place)
    if effect == .delay { throw .requestTimedOut }
    return try answer(effect, body)
  }

  /// Answers an admitted request; a delayed one has been set aside before.
  func answer<Answer>(
    _ effect: Faults.Effect?, _ body: () throws(KafkaError) -> Answer
  ) throws(KafkaError) -> Answer {
    guard effect == .loseReply else { return try body() }
    do { _ = try body() } catch { throw .requestTimedOut }
    throw .requestTimedOut
  }
}
