extension LogCluster {
  /// JoinGroup, without waiting: returns the member id, and `syncGroup` tells when the rebalance is over.
  ///
  /// - A new member (empty `memberID`) begins a rebalance. One whose static id is known takes that member's place:
  ///   the old member id is fenced, and a stable group keeps generation and assignment without a rebalance.
  /// - A known member joins the rebalance that is being prepared. In a stable group the leader, or a member whose
  ///   topics have changed, begins one; another member's join changes nothing.
  ///
  /// Errors: `.unknownMemberID`, `.fencedInstanceID`, faults.
  public func joinGroup(
    _ name: String, memberID: String = "", instanceID: String? = nil, topics: [String],
    sessionTimeout: Int64 = 45_000, rebalanceTimeout: Int64 = 300_000
  ) throws(KafkaError) -> String {
    try answer(.joinGroup) { () throws(KafkaError) in
      let group = group(name)
      if !memberID.isEmpty {
        let index = try group.validate(memberID, instanceID)
        let hasChanged = group.members[index].topics != topics
        group.members[index].topics = topics
        group.members[index].lastSeen = now
        switch group.phase {
        case .empty, .preparing: break
        case .completing: if hasChanged { prepare(group) }
        case .stable: if hasChanged || group.leader == memberID { prepare(group) }
        }
        if group.phase == .preparing {
          group.members[index].hasJoined = true
          completeIfReady(group)
        }
        return memberID
      }
      let id = newMemberID(instanceID)
      var member = GroupState.Member(
        id: id, instanceID: instanceID, sessionTimeout: sessionTimeout, rebalanceTimeout: rebalanceTimeout,
        topics: topics, lastSeen: now)
      if let instanceID, let index = group.members.firstIndex(where: { $0.instanceID == instanceID }) {
        if group.leader == group.members[index].id { group.leader = id }
        member.assignment = group.members[index].assignment
        group.members[index] = member
        // A member replaced in the middle of a rebalance restarts it; a stable group does not move.
        if group.phase == .completing { prepare(group) }
        if group.phase == .preparing { group.members[index].hasJoined = true }
      } else {
        group.members.append(member)
        if group.phase != .preparing { prepare(group) }
        group.members[group.members.count - 1].hasJoined = true
      }
      if group.phase == .preparing { completeIfReady(group) }
      return id
    }
  }

  /// SyncGroup, without waiting: nil while the rebalance goes on; ask again after the others' calls or `advance`.
  ///
  /// Errors: `.rebalanceInProgress` when a new rebalance has begun that this member has not joined,
  /// `.unknownMemberID`, `.fencedInstanceID`, faults.
  public func syncGroup(
    _ name: String, memberID: String, instanceID: String? = nil
  ) throws(KafkaError) -> Assignment? {
    try answer(.syncGroup) { () throws(KafkaError) in
      guard let group = groups[name] else { throw .unknownMemberID }
      let index = try group.validate(memberID, instanceID)
      group.members[index].lastSeen = now
      switch group.phase {
      case .empty: throw .unknownMemberID
      case .preparing:
        if !group.members[index].hasJoined { throw .rebalanceInProgress }
        return nil
      case .completing:
        if group.leader != memberID { return nil }
        group.phase = .stable
      case .stable: break
      }
      return Assignment(
        generation: group.generation, memberID: memberID, isLeader: group.leader == memberID,
        partitions: group.members[index].assignment)
    }
  }

  /// Errors: `.rebalanceInProgress` while one is being prepared, `.illegalGeneration`, `.unknownMemberID`,
  /// `.fencedInstanceID`, faults.
  public func heartbeat(_ metadata: GroupMetadata) throws(KafkaError) {
    try answer(.heartbeat) { () throws(KafkaError) in
      guard let group = groups[metadata.group] else { throw .unknownMemberID }
      let index = try group.validate(metadata.memberID, metadata.instanceID)
      if metadata.generation != group.generation { throw .illegalGeneration }
      group.members[index].lastSeen = now
      if group.phase == .preparing { throw .rebalanceInProgress }
    }
  }

  /// A member goes, and the others share what it had. (librdkafka sends this at close for dynamic members only.)
  ///
  /// Errors: `.unknownMemberID`, `.fencedInstanceID`, faults.
  public func leaveGroup(
    _ name: String, memberID: String, instanceID: String? = nil
  ) throws(KafkaError) {
    try answer(.leaveGroup) { () throws(KafkaError) in
      guard let group = groups[name] else { throw .unknownMemberID }
      let index = try group.validate(memberID, instanceID)
      group.members.remove(at: index)
      membersLeft(group)
    }
  }

  /// Begins a rebalance, as a leader that sees new partitions does by joining again. No request, no faults.
  public func requestRebalance(_ name: String) {
    guard let group = groups[name], group.phase == .stable || group.phase == .completing else { return }
    prepare(group)
  }

  func group(_ name: String) -> GroupState {
    if let known = groups[name] { return known }
    let new = GroupState(name: name)
    groups[name] = new
    groupOrder.append(new)
    return new
  }

  private func newMemberID(_ instanceID: String?) -> String {
    lastMemberNumber += 1
    let number = String(lastMemberNumber)
    return (instanceID ?? "member") + "-" + String(repeating: "0", count: max(0, 6 - number.count)) + number
  }

  private func prepare(_ group: GroupState) {
    let isFirst = group.phase == .empty
    group.phase = .preparing
    for index in group.members.indices { group.members[index].hasJoined = false }
    group.joinDeadline = now + (group.members.map(\.rebalanceTimeout).max() ?? 0)
    group.joinNotBefore = isFirst ? now + configuration.initialRebalanceDelayMilliseconds : now
  }

  private func completeIfReady(_ group: GroupState) {
    guard group.phase == .preparing, now >= group.joinNotBefore, group.members.allSatisfy(\.hasJoined) else {
      return
    }
    complete(group)
  }

  /// Members were removed.
  private func membersLeft(_ group: GroupState) {
    if group.phase == .stable || group.phase == .completing { prepare(group) }
    if group.members.isEmpty {
      complete(group)
    } else {
      completeIfReady(group)
    }
  }

  private func complete(_ group: GroupState) {
    group.generation += 1
    guard !group.members.isEmpty else {
      group.phase = .empty
      group.leader = ""
      return
    }
    group.phase = .completing
    let isPresent = group.members.contains { $0.id == group.leader && $0.hasJoined }
    if !isPresent { group.leader = group.members.first { $0.hasJoined }?.id ?? group.members[0].id }
    for index in group.members.indices {
      group.members[index].lastSeen = now
      group.members[index].assignment = []
    }
    assign(group)
  }

  /// Kafka's range assignor: of each topic, consecutive partitions to its readers in the order of their ids.
  private func assign(_ group: GroupState) {
    let order = group.members.indices.sorted { group.members[$0].id < group.members[$1].id }
    for name in Set(group.members.flatMap(\.topics)).sorted() {
      let readers = order.filter { group.members[$0].topics.contains(name) }
      let count = topics[name]?.partitions.count ?? 0
      var next = 0
      for (place, reader) in readers.enumerated() {
        let share = count / readers.count + (place < count % readers.count ? 1 : 0)
        for partition in next..<next + share {
          group.members[reader].assignment.append(TopicPartition(name, partition))
        }
        next += share
      }
    }
  }

  // MARK: Clock

  /// Sessions and rebalances whose time is up.
  func expireMembers(_ group: GroupState) {
    let isJoining = group.phase == .preparing
    let before = group.members.count
    // Who waits in a rebalance needs no heartbeat.
    group.members.removeAll { now > $0.lastSeen + $0.sessionTimeout && !(isJoining && $0.hasJoined) }
    if group.members.count < before { membersLeft(group) }
    guard group.phase == .preparing else { return }
    completeIfReady(group)
    guard group.phase == .preparing, now >= group.joinDeadline else { return }
    // Static members keep their place until their session ends.
    group.members.removeAll { !$0.hasJoined && $0.instanceID == nil }
    if group.members.isEmpty || group.members.contains(where: \.hasJoined) {
      complete(group)
    } else {
      group.joinDeadline = now + (group.members.map(\.rebalanceTimeout).max() ?? 0)
    }
  }

  func nextDeadline(of group: GroupState) -> Int64? {
    let isJoining = group.phase == .preparing
    var earliest: Int64?
    for member in group.members where !(isJoining && member.hasJoined) {
      earliest = min(earliest ?? .max, member.lastSeen + member.sessionTimeout + 1)
    }
    if isJoining {
      let isReady = group.members.allSatisfy(\.hasJoined)
      earliest = min(earliest ?? .max, isReady ? group.joinNotBefore : group.joinDeadline)
    }
    return earliest
  }
}
