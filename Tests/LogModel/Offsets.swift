extension LogCluster {
  /// OffsetCommit outside transactions. Returns the partitions that were refused: `.offsetMetadataTooLarge`,
  /// `.unknownTopicOrPartition`; the others are committed.
  ///
  /// Errors: `.illegalGeneration`, `.unknownMemberID` (also for a commit without a member while the group has
  /// some), `.fencedInstanceID`, `.rebalanceInProgress` between join and sync, faults.
  @discardableResult
  public func offsetCommit(
    _ metadata: GroupMetadata, _ offsets: [TopicPartition: OffsetAndMetadata]
  ) throws(KafkaError) -> [TopicPartition: KafkaError] {
    let effect = try admit(.offsetCommit)
    if effect == .delay {
      delayedRequests.append(.offsetCommit(metadata: metadata, offsets: offsets))
      throw .requestTimedOut
    }
    return try answer(effect) { () throws(KafkaError) in try commit(metadata, offsets) }
  }

  func commit(
    _ metadata: GroupMetadata, _ offsets: [TopicPartition: OffsetAndMetadata]
  ) throws(KafkaError) -> [TopicPartition: KafkaError] {
    let group = try validate(metadata, isTransactional: false)
    if group.phase == .stable || group.phase == .preparing, let index = group.index(of: metadata.memberID) {
      group.members[index].lastSeen = now
    }
    var refused: [TopicPartition: KafkaError] = [:]
    for (place, value) in offsets.sorted(by: { $0.key < $1.key }) {
      if let error = refusal(place, value) {
        refused[place] = error
      } else {
        let commit = GroupState.Commit(value: value, position: group.nextPosition(), time: now)
        group.commit(place, commit, producerID: -1, time: now)
      }
    }
    return refused
  }

  /// AddOffsetsToTxn and TxnOffsetCommit: offsets that count when the transaction commits. Returns the partitions
  /// that were refused: `.offsetMetadataTooLarge`, `.unknownTopicOrPartition`; **the others are part of the
  /// transaction nevertheless**.
  ///
  /// The member is checked if a generation, a member id or an instance id is given, ownership of the partitions
  /// never. Errors: `.illegalGeneration`, `.unknownMemberID`, `.fencedInstanceID`; what `addPartitions` throws;
  /// `.invalidProducerEpoch`; faults.
  @discardableResult
  public func txnOffsetCommit(
    _ session: ProducerSession, _ metadata: GroupMetadata, _ offsets: [TopicPartition: OffsetAndMetadata]
  ) throws(KafkaError) -> [TopicPartition: KafkaError] {
    try addOffsets(session, metadata.group)
    let effect = try admit(.txnOffsetCommit)
    if effect == .delay {
      delayedRequests.append(.txnOffsetCommit(session: session, metadata: metadata, offsets: offsets))
      throw .requestTimedOut
    }
    return try answer(effect) { () throws(KafkaError) in try commit(session, metadata, offsets) }
  }

  /// AddOffsetsToTxn, once per transaction.
  private func addOffsets(_ session: ProducerSession, _ name: String) throws(KafkaError) {
    if let id = session.transactionalID, let known = transactions[id] {
      // As for a partition: a fenced client that has added the group does not ask again.
      if known.isStale(session), let group = groups[name], group.hasPending(of: session) { return }
      if known.phase == .ongoing, known.producerID == session.producerID, known.epoch == session.epoch,
        known.groups.contains(name)
      {
        return
      }
    }
    try answer(.addOffsets) { () throws(KafkaError) in
      let transaction = try begin(session)
      if !transaction.groups.contains(name) { transaction.groups.append(name) }
    }
  }

  func commit(
    _ session: ProducerSession, _ metadata: GroupMetadata, _ offsets: [TopicPartition: OffsetAndMetadata]
  ) throws(KafkaError) -> [TopicPartition: KafkaError] {
    if let group = groups[metadata.group], let known = group.producerEpochs[session.producerID],
      session.epoch < known
    {
      throw .invalidProducerEpoch
    }
    if let id = session.transactionalID, groups[metadata.group]?.hasPending(of: session) != true {
      try verify(session, id) { $0.groups.contains(metadata.group) }
    }
    let group = try validate(metadata, isTransactional: true)
    group.producerEpochs[session.producerID] = session.epoch
    var refused: [TopicPartition: KafkaError] = [:]
    for (place, value) in offsets.sorted(by: { $0.key < $1.key }) {
      if let error = refusal(place, value) {
        refused[place] = error
      } else {
        group.addPending(session, place, value, now: now)
      }
    }
    return refused
  }

  private func refusal(_ place: TopicPartition, _ value: OffsetAndMetadata) -> KafkaError? {
    if !has(place) { return .unknownTopicOrPartition }
    // The broker counts the characters of a Java string.
    if value.metadata.utf16.count > configuration.offsetMetadataMaxBytes { return .offsetMetadataTooLarge }
    return nil
  }

  /// `validateOffsetCommit` of the broker's classic group.
  private func validate(
    _ metadata: GroupMetadata, isTransactional: Bool
  ) throws(KafkaError) -> GroupState {
    guard let group = groups[metadata.group] else {
      if metadata.generation >= 0 { throw .illegalGeneration }
      return group(metadata.group)
    }
    if metadata.generation < 0, group.phase == .empty { return group }
    if metadata.generation >= 0 || !metadata.memberID.isEmpty || metadata.instanceID != nil {
      try group.validate(metadata.memberID, metadata.instanceID)
      if metadata.generation != group.generation { throw .illegalGeneration }
    } else if !isTransactional, group.phase != .empty {
      throw .unknownMemberID
    }
    if !isTransactional, group.phase == .completing { throw .rebalanceInProgress }
    return group
  }

  /// OffsetFetch. With `requireStable` a partition with an undecided offset answers `.unstableOffsetCommit`;
  /// without it the last decided one. Decided means that the marker has reached the group. Errors: faults.
  public func offsetFetch(
    _ name: String, _ places: [TopicPartition], requireStable: Bool = true
  ) throws(KafkaError) -> [TopicPartition: FetchedOffset] {
    try answer(.offsetFetch) { () throws(KafkaError) in
      var found: [TopicPartition: FetchedOffset] = [:]
      let group = groups[name]
      for place in places {
        if requireStable, let group, group.isPending(place) {
          found[place] = FetchedOffset(offset: -1, metadata: "", error: .unstableOffsetCommit)
        } else if let value = group?.commits[place]?.value {
          found[place] = FetchedOffset(offset: value.offset, metadata: value.metadata, error: nil)
        } else {
          found[place] = FetchedOffset(offset: -1, metadata: "", error: nil)
        }
      }
      return found
    }
  }

  /// Forgets a group's committed offsets (`offsets.retention.minutes` has passed): those of `places`, nil for all.
  /// One with an undecided successor stays, as in the broker. Returns what was forgotten, in order.
  @discardableResult
  public func expireOffsets(_ name: String, _ places: [TopicPartition]? = nil) -> [TopicPartition] {
    guard let group = groups[name] else { return [] }
    let candidates = places ?? Array(group.commits.keys)
    let gone = candidates.filter { group.commits[$0] != nil && !group.isPending($0) }.sorted()
    for place in gone { group.commits[place] = nil }
    return gone
  }
}
