extension LogCluster {
  /// Moves the brokers' clock and does what falls due: transactions beyond their timeout are aborted and their
  /// producers fenced, members beyond their session timeout are removed, rebalances end without those who stayed
  /// away. All of it happens as of `time`: go by `nextDeadline` where the order of two deadlines matters. A time
  /// before `now` changes nothing.
  public func advance(to time: Int64) {
    guard time > now else { return }
    now = time
    for transaction in transactionOrder
    where transaction.phase == .ongoing && transaction.started + transaction.timeout < now {
      fence(transaction)
    }
    for group in groupOrder { expireMembers(group) }
  }

  /// The earliest time at which `advance` would do something; nil if nothing is pending.
  public var nextDeadline: Int64? {
    var earliest: Int64?
    for transaction in transactionOrder where transaction.phase == .ongoing {
      earliest = min(earliest ?? .max, transaction.started + transaction.timeout + 1)
    }
    for group in groupOrder {
      if let deadline = nextDeadline(of: group) { earliest = min(earliest ?? .max, deadline) }
    }
    return earliest
  }
}
