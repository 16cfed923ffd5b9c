// For each of the usual errors one sentence for the cause and one for the remedy.
extension KafkaError {
  /// What may be done about a code that came without an error object.
  static func usualClass(of code: Code) -> Class {
    switch code {
    case .fatal, .fencedInstance, .fencedLocally, .producerFenced, .invalidProducerEpoch,
      .invalidProducerIDMapping, .transactionCoordinatorFenced:
      .fatal
    case .badMessage, .transport, .resolve, .messageTimedOut, .allBrokersDown, .timedOut, .queueFull,
      .waitingForCoordinator, .inProgress, .timedOutInQueue, .retry, .leaderNotAvailable, .notLeader,
      .requestTimedOut, .brokerNotAvailable, .replicaNotAvailable, .networkException, .coordinatorLoading,
      .coordinatorNotAvailable, .notCoordinator, .notEnoughReplicas, .notEnoughReplicasAfterAppend,
      .concurrentTransactions, .storageError, .offsetNotAvailable, .unstableOffset, .rebalanceInProgress:
      .retriable
    default: .other
    }
  }

  static func explain(_ code: Code, subject: String?) -> (message: String, hint: String) {
    let it = subject ?? "the cluster"
    switch code {
    case .transport, .allBrokersDown, .brokerNotAvailable, .networkException:
      return (
        "no broker of \(it) can be reached",
        "check kafka.brokers, that the brokers run, and that nothing between here and there "
          + "refuses the connection"
      )
    case .badMessage:
      return (
        "what answers for \(it) does not speak Kafka's protocol, or its answers are damaged on the way",
        "check that kafka.brokers names the brokers' own ports, and what stands between here and there"
      )
    case .resolve:
      return (
        "a broker's host name cannot be resolved",
        "check the spelling of kafka.brokers and this machine's DNS"
      )
    case .timedOut, .requestTimedOut, .timedOutInQueue:
      return (
        "\(it) did not answer in time",
        "check that those of kafka.brokers are reachable and the brokers healthy"
      )
    case .authentication, .saslAuthenticationFailed:
      return (
        "the brokers refuse this user's name or password",
        "check sasl.username, sasl.password and sasl.mechanism"
      )
    case .unsupportedMechanism:
      return (
        "the brokers do not offer this way of signing in", "set sasl.mechanism to one that they offer"
      )
    case .ssl:
      return (
        "no encrypted connection could be made",
        "check that the port speaks TLS, ssl.ca.location, and that the certificate names the host"
      )
    case .unknownTopicOrPartition, .unknownTopicLocally, .unknownPartitionLocally:
      return (
        "\(subject ?? "the topic") does not exist",
        "create it (`ebbd topics --create` does), or correct its name in the configuration"
      )
    case .topicAuthorizationFailed:
      return (
        "this user may not use \(subject ?? "the topic")",
        "grant it Describe with Read on the input topic, Describe with Write on the output topics"
      )
    case .groupAuthorizationFailed:
      return ("this user may not use \(subject ?? "the consumer group")", "grant it Read on the group")
    case .clusterAuthorizationFailed:
      return (
        "this user may not do this to \(it)",
        "grant it IdempotentWrite (brokers before 2.8), or Create for making topics"
      )
    case .transactionalIDAuthorizationFailed:
      return (
        "this user may not use the transactional id", "grant it Write and Describe on the transactional id"
      )
    case .messageTooLarge, .recordListTooLarge:
      return (
        "a record for \(subject ?? "the topic") is larger than is allowed",
        "raise max.message.bytes of the topic and message.max.bytes of the client"
      )
    case .offsetOutOfRange, .offsetReset, .noOffset:
      return (
        "the position to read \(subject ?? "the topic") from is gone",
        "choose earliest or latest as the policy for a lost offset, or restore the position"
      )
    case .offsetMetadataTooLarge:
      return (
        "the broker refuses the metadata kept with an offset",
        "raise offset.metadata.max.bytes of the brokers (4096 by default)"
      )
    case .fencedInstance:
      return (
        "another process has joined the group under the same instance name",
        "stop one of the two, or give each its own"
      )
    // The library says the first of these where the brokers have raised the id's epoch, for whatever reason.
    case .fencedLocally, .producerFenced, .invalidProducerEpoch, .transactionCoordinatorFenced,
      .invalidProducerIDMapping:
      return (
        "the brokers take no more transactions of this process: another one writes under the same transactional id, "
          + "or this one was away for longer than the transaction's timeout",
        "a restart takes up again; if two processes share an instance name, give each its own"
      )
    case .illegalGeneration, .unknownMember, .assignmentLost, .rebalanceInProgress:
      return (
        "the group has moved on without this member", "nothing needs to be done unless it happens often"
      )
    case .maximumPollExceeded:
      return (
        "this member was too slow between two reads and lost its partitions",
        "raise max.poll.interval.ms or find what holds it up"
      )
    case .messageTimedOut:
      return (
        "a record for \(subject ?? "the topic") was not acknowledged in time",
        "check that the brokers are reachable and have enough replicas in sync"
      )
    case .notEnoughReplicas, .notEnoughReplicasAfterAppend:
      return (
        "\(subject ?? "the topic") has too few replicas in sync",
        "bring the missing brokers back, or lower min.insync.replicas"
      )
    case .invalidTopic:
      return ("\(subject ?? "the topic") is no valid topic name", "use letters, digits, '.', '_' and '-'")
    case .topicExists: return ("\(subject ?? "the topic") exists already", "nothing needs to be done")
    case .invalidPartitions, .invalidReplication, .policyViolation:
      return (
        "the brokers refuse the number of partitions or replicas of \(subject ?? "the topic")",
        "choose a replication factor of at most the number of brokers, and what the cluster's policy allows"
      )
    case .unsupportedFeature:
      return ("\(it) cannot do this", "use a broker that can, or do it by the cluster's own tools")
    case .queueFull: return ("the send queue is full", "wait for acknowledgements")
    case .invalidArgument: return ("\(subject ?? "an argument") is not valid", "correct it")
    default: return ("\(it): \(code.text)", "see Kafka's documentation of \(code.name)")
    }
  }
}
