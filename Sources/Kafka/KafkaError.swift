import CRdKafka

/// What went wrong between this process and the brokers.
public struct KafkaError: Error, Sendable, Hashable, CustomStringConvertible {
  /// librdkafka's number: negative ones are the client's own, positive ones the broker's. Extensible.
  public struct Code: RawRepresentable, Sendable, Hashable {
    public var rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }
    init(_ code: rd_kafka_resp_err_t) { rawValue = code.rawValue }

    var library: rd_kafka_resp_err_t { rd_kafka_resp_err_t(rawValue) }

    /// The library's symbol, such as `_TRANSPORT` or `TOPIC_AUTHORIZATION_FAILED`.
    public var name: String { unsafe String(cString: rd_kafka_err2name(library)) }
    /// The library's own words.
    public var text: String { unsafe String(cString: rd_kafka_err2str(library)) }
  }

  /// What the caller may do about it.
  public enum Class: String, Sendable, Hashable, CaseIterable {
    /// The same call may succeed if made again.
    case retriable
    /// The transaction must be aborted; a new one may succeed.
    case abortable
    /// The client is of no use any more.
    case fatal
    /// None of these: trying again will not help, the client still works.
    case other
  }

  public var code: Code
  public var `class`: Class
  /// What happened, in one sentence, without payloads or secrets.
  public var message: String
  /// What the person who reads it can do.
  public var hint: String
  /// The library's own words, where it had more to say than the code.
  public var cause: String?

  public init(code: Code, class: Class, message: String, hint: String, cause: String? = nil) {
    self.code = code
    self.class = `class`
    self.message = message
    self.hint = hint
    self.cause = cause
  }

  /// Of a code, with the usual sentence for it.
  ///
  /// - Parameters:
  ///   - subject: what it is about (a topic, an address, a property), as a noun phrase.
  ///   - cause: the library's own words.
  public init(code: Code, subject: String? = nil, cause: String? = nil, class: Class? = nil) {
    let explanation = Self.explain(code, subject: subject)
    self.init(
      code: code, class: `class` ?? Self.usualClass(of: code), message: explanation.message,
      hint: explanation.hint, cause: cause == code.text ? nil : cause)
  }

  public var description: String {
    let because = cause.map { " (\($0))" } ?? ""
    return "\(message)\(because); \(hint)"
  }

  /// Takes over an error object of the library and destroys it. nil for nil.
  init?(taking error: OpaquePointer?, subject: String? = nil) {
    guard let error = unsafe error else { return nil }
    defer { unsafe rd_kafka_error_destroy(error) }
    let code = unsafe Code(rd_kafka_error_code(error))
    let errorClass: Class
    // The two lies of 2.0.2: both are flagged abortable, and no new transaction of this client can succeed. The
    // first is told under the client's own code.
    if unsafe rd_kafka_error_is_fatal(error) != 0 || code == .producerFenced || code == .fencedLocally
      || code == .invalidProducerIDMapping
    {
      errorClass = .fatal
    } else if unsafe rd_kafka_error_txn_requires_abort(error) != 0 {
      errorClass = .abortable
    } else if unsafe rd_kafka_error_is_retriable(error) != 0 {
      errorClass = .retriable
    } else {
      errorClass = .other
    }
    self.init(
      code: code, subject: subject, cause: unsafe String(cString: rd_kafka_error_string(error)),
      class: errorClass)
  }

  /// The error of a code, or nil if the code is none.
  init?(_ code: rd_kafka_resp_err_t, subject: String? = nil, cause: String? = nil) {
    guard code.rawValue != 0 else { return nil }
    self.init(code: Code(code), subject: subject, cause: cause)
  }
}

extension KafkaError.Code {
  /// What came is not Kafka's protocol.
  public static let badMessage = Self(rawValue: -199)
  public static let transport = Self(rawValue: -195)
  public static let resolve = Self(rawValue: -193)
  public static let messageTimedOut = Self(rawValue: -192)
  public static let partitionEnd = Self(rawValue: -191)
  public static let unknownPartitionLocally = Self(rawValue: -190)
  public static let unknownTopicLocally = Self(rawValue: -188)
  public static let allBrokersDown = Self(rawValue: -187)
  public static let invalidArgument = Self(rawValue: -186)
  public static let timedOut = Self(rawValue: -185)
  public static let queueFull = Self(rawValue: -184)
  public static let ssl = Self(rawValue: -181)
  public static let waitingForCoordinator = Self(rawValue: -180)
  public static let inProgress = Self(rawValue: -178)
  public static let state = Self(rawValue: -172)
  public static let authentication = Self(rawValue: -169)
  public static let noOffset = Self(rawValue: -168)
  public static let timedOutInQueue = Self(rawValue: -166)
  public static let unsupportedFeature = Self(rawValue: -165)
  public static let retry = Self(rawValue: -153)
  public static let purgedInQueue = Self(rawValue: -152)
  public static let purgedInFlight = Self(rawValue: -151)
  public static let fatal = Self(rawValue: -150)
  public static let maximumPollExceeded = Self(rawValue: -147)
  public static let fencedLocally = Self(rawValue: -144)
  public static let assignmentLost = Self(rawValue: -142)
  /// Nothing to do, such as a commit of no offsets.
  public static let noOperation = Self(rawValue: -141)
  /// The position to read from is gone, and resetting it is not allowed.
  public static let offsetReset = Self(rawValue: -140)
  public static let critical = Self(rawValue: -194)
  public static let none = Self(rawValue: 0)
  public static let offsetOutOfRange = Self(rawValue: 1)
  public static let unknownTopicOrPartition = Self(rawValue: 3)
  public static let leaderNotAvailable = Self(rawValue: 5)
  public static let notLeader = Self(rawValue: 6)
  public static let requestTimedOut = Self(rawValue: 7)
  public static let brokerNotAvailable = Self(rawValue: 8)
  public static let replicaNotAvailable = Self(rawValue: 9)
  public static let messageTooLarge = Self(rawValue: 10)
  public static let offsetMetadataTooLarge = Self(rawValue: 12)
  public static let networkException = Self(rawValue: 13)
  public static let coordinatorLoading = Self(rawValue: 14)
  public static let coordinatorNotAvailable = Self(rawValue: 15)
  public static let notCoordinator = Self(rawValue: 16)
  public static let invalidTopic = Self(rawValue: 17)
  public static let recordListTooLarge = Self(rawValue: 18)
  public static let notEnoughReplicas = Self(rawValue: 19)
  public static let notEnoughReplicasAfterAppend = Self(rawValue: 20)
  public static let illegalGeneration = Self(rawValue: 22)
  public static let unknownMember = Self(rawValue: 25)
  public static let rebalanceInProgress = Self(rawValue: 27)
  public static let topicAuthorizationFailed = Self(rawValue: 29)
  public static let groupAuthorizationFailed = Self(rawValue: 30)
  public static let clusterAuthorizationFailed = Self(rawValue: 31)
  public static let unsupportedMechanism = Self(rawValue: 33)
  public static let topicExists = Self(rawValue: 36)
  public static let invalidPartitions = Self(rawValue: 37)
  public static let invalidReplication = Self(rawValue: 38)
  public static let policyViolation = Self(rawValue: 44)
  public static let invalidProducerEpoch = Self(rawValue: 47)
  /// The transaction is not in a state that allows it: the brokers have ended it.
  public static let invalidTransactionState = Self(rawValue: 48)
  public static let invalidProducerIDMapping = Self(rawValue: 49)
  public static let concurrentTransactions = Self(rawValue: 51)
  public static let transactionCoordinatorFenced = Self(rawValue: 52)
  public static let transactionalIDAuthorizationFailed = Self(rawValue: 53)
  public static let storageError = Self(rawValue: 56)
  public static let saslAuthenticationFailed = Self(rawValue: 58)
  public static let offsetNotAvailable = Self(rawValue: 78)
  public static let fencedInstance = Self(rawValue: 82)
  public static let invalidRecord = Self(rawValue: 87)
  public static let unstableOffset = Self(rawValue: 88)
  public static let producerFenced = Self(rawValue: 90)
}
