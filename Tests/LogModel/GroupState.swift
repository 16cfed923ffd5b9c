/// A consumer group: its members, and the offsets that it keeps.
///
/// ```
///            first join                 all joined, or time is up
///   empty ─────────────► preparing ─────────────────────────────► completing
///     ▲                      ▲                                        │ the leader syncs
///     │ last member gone     │ join, leave, expiry                    ▼
///     └──────────────────────┴──────────────────────────────────── stable
/// ```
final class GroupState {
  enum Phase: Hashable {
    case empty
    case preparing
    case completing
    case stable
  }

  struct Member {
    var id: String
    var instanceID: String?
    var sessionTimeout: Int64
    var rebalanceTimeout: Int64
    var topics: [String]
    var lastSeen: Int64
    /// Whether it has joined the rebalance that is being prepared.
    var hasJoined = false
    var assignment: [TopicPartition] = []
  }

  /// A committed offset. `position` is its place in the offsets topic, which decides between two commits.
  struct Commit {
    var value: OffsetAndMetadata
    var position: Int64
    var time: Int64
  }

  /// What an open transaction has sent.
  struct Pending {
    let producerID: Int64
    let epoch: Int16
    var offsets: [(place: TopicPartition, commit: Commit)] = []
  }

  let name: String
  var phase = Phase.empty
  var generation: Int32 = 0
  var leader = ""
  /// In the order in which they came.
  var members: [Member] = []
  /// When a rebalance that is being prepared ends without those who have not joined.
  var joinDeadline: Int64 = 0
  /// Before this a rebalance does not end even if all have joined.
  var joinNotBefore: Int64 = 0

  var commits: [TopicPartition: Commit] = [:]
  var pending: [Pending] = []
  var history: [TopicPartition: [CommittedOffset]] = [:]
  private var position: Int64 = 0
  /// The newest epoch that the offsets partition has seen of a producer.
  var producerEpochs: [Int64: Int16] = [:]

  init(name: String) {
    self.name = name
  }

  func index(of memberID: String) -> Int? { members.firstIndex { $0.id == memberID } }

  /// `validateMember` of the broker.
  @discardableResult
  func validate(_ memberID: String, _ instanceID: String?) throws(KafkaError) -> Int {
    if let instanceID {
      guard let known = members.first(where: { $0.instanceID == instanceID }) else { throw .unknownMemberID }
      if known.id != memberID { throw .fencedInstanceID }
    }
    guard let index = index(of: memberID) else { throw .unknownMemberID }
    return index
  }

  // MARK: Offsets

  func isPending(_ place: TopicPartition) -> Bool {
    pending.contains { $0.offsets.contains { $0.place == place } }
  }

  func nextPosition() -> Int64 {
    position += 1
    return position
  }

  func commit(_ place: TopicPartition, _ commit: Commit, producerID: Int64, time: Int64) {
    commits[place] = commit
    history[place, default: []].append(
      CommittedOffset(
        offset: commit.value.offset, metadata: commit.value.metadata, time: time, producerID: producerID))
  }

  func addPending(_ session: ProducerSession, _ place: TopicPartition, _ value: OffsetAndMetadata, now: Int64)
  {
    let index =
      pending.firstIndex { $0.producerID == session.producerID }
      ?? {
        pending.append(Pending(producerID: session.producerID, epoch: session.epoch))
        return pending.count - 1
      }()
    let commit = Commit(value: value, position: nextPosition(), time: now)
    if let same = pending[index].offsets.firstIndex(where: { $0.place == place }) {
      pending[index].offsets[same].commit = commit
    } else {
      pending[index].offsets.append((place, commit))
    }
  }

  func hasPending(of session: ProducerSession) -> Bool {
    pending.contains { $0.producerID == session.producerID && $0.epoch == session.epoch }
  }

  /// A marker has reached the offsets partition.
  func finish(_ producerID: Int64, epoch: Int16, _ outcome: Outcome, now: Int64) {
    producerEpochs[producerID] = max(producerEpochs[producerID] ?? -1, epoch)
    _ = nextPosition()
    guard let index = pending.firstIndex(where: { $0.producerID == producerID }) else { return }
    let ended = pending.remove(at: index)
    guard outcome == .committed else { return }
    for (place, commit) in ended.offsets {
      // The later record wins, not the later marker.
      if let past = commits[place], past.position > commit.position { continue }
      self.commit(place, commit, producerID: producerID, time: now)
    }
  }
}
