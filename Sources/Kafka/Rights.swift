/// What a right was wanted for, so that a refusal says who may not do what to what, and which right to grant.
enum Deed: Sendable, Hashable {
  case read(topic: String)
  case write(topic: String)
  /// Of a transaction: which one of them, the library's own words say.
  case writeOutputs
  case join(group: String)
  case commit(group: String)
  case transact(id: String)

  fileprivate var sentence: (message: String, hint: String) {
    switch self {
    case .read(let topic):
      ("this user may not read topic \(topic)", "grant it Read and Describe on topic \(topic)")
    case .write(let topic):
      ("this user may not write topic \(topic)", "grant it Write and Describe on topic \(topic)")
    case .writeOutputs:
      ("this user may not write an output topic", "grant it Write and Describe on that topic")
    case .join(let group): ("this user may not join group \(group)", "grant it Read on group \(group)")
    case .commit(let group):
      ("this user may not commit positions of group \(group)", "grant it Read on group \(group)")
    case .transact(let id):
      (
        "this user may not use transactional id \(id)",
        "grant it Write and Describe on transactional ids that begin with the group and the instance"
      )
    }
  }
}

extension KafkaError {
  /// This error; where it is the refusal of a right, in the words of what was to be done.
  func doing(_ deed: Deed) -> KafkaError {
    let fits =
      switch deed {
      case .read, .write, .writeOutputs: code == .topicAuthorizationFailed
      case .join, .commit: code == .groupAuthorizationFailed
      case .transact: code == .transactionalIDAuthorizationFailed
      }
    guard fits else { return self }
    var error = self
    error.message = deed.sentence.message
    error.hint =
      deed.sentence.hint + ", and start Ebb again: it goes on where it stopped, and nothing is lost"
    return error
  }
}
