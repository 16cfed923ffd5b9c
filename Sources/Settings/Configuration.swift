import Triggers

/// Everything that one configuration file says. `Configuration()` holds the defaults.
public struct Configuration: Sendable, Hashable {
  /// What results for a user depend on.
  public var rules = Rules()
  public var kafka = KafkaSettings()
  public var topics = TopicSettings()
  public var input = InputSettings()
  /// Where a group without committed offsets begins.
  public var start = StartPosition.earliest
  /// What happens when the committed offset is no longer in the topic.
  public var whenOffsetLost = OffsetLostPolicy.stop
  public var lanes = Lanes.auto
  public var commit = CommitSettings()
  public var delivery = Delivery.exactlyOnce
  public var state = StateSettings()
  public var alerts = AlertSettings()
  public var memory = MemorySettings()
  public var http = HTTPSettings()
  public var log = LogSettings()
  public var privacy = PrivacySettings()

  public init() {}

  /// Where the packaged service keeps its configuration; the default of every command.
  public static let defaultPath = "/etc/ebb/ebbd.yaml"

  /// What an empty file means.
  public static let defaults = Configuration()
}

/// `kafka.*`
public struct KafkaSettings: Sendable, Hashable {
  /// `host:port`, at least one.
  public var brokers = ["localhost:9092"]
  /// Consumer group.
  public var group = "ebb"
  /// `group.instance.id` of this process; nil: the host's name (several processes on one host need a name each).
  public var instance: String?
  /// After this a transaction whose writer has gone is aborted.
  public var transactionTimeoutMilliseconds: Int64 = 15_000
  /// Passed on to librdkafka as written, to every client; none of those that Ebb sets itself.
  public var properties: [String: String] = [:]
  /// Properties whose value is read from elsewhere at start.
  public var secrets: [String: SecretSource] = [:]
  /// A file with the token to sign in with, which something else renews: an absolute path.
  public var token: String?

  public init() {}
}

/// `topics.*`
public struct TopicSettings: Sendable, Hashable {
  public var input = "clickstream"
  public var cartAlerts = "ebb.cart"
  public var churnAlerts = "ebb.churn"
  public var deadLetters = "ebb.dead-letters"
  /// Compacted, with as many partitions as the input.
  public var state = "ebb.state"

  public init() {}
}

/// `input.*`
public struct InputSettings: Sendable, Hashable {
  /// Name of a preset, or path of a mapping file.
  public var mapping = "native"
  /// Whether `mapping` is a path rather than the name of a preset.
  public var mappingIsFile: Bool {
    mapping.contains("/") || mapping.hasSuffix(".yaml") || mapping.hasSuffix(".yml")
  }

  /// A larger record is refused before it is parsed. Bytes.
  public var maxRecordBytes = 1 << 20

  public init() {}
}

/// `start`
public enum StartPosition: Sendable, Hashable {
  case earliest
  case latest
  /// The first record whose timestamp is at or after this, milliseconds since 1970 UTC.
  case timestamp(Int64)
}

/// `when_offset_lost`
public enum OffsetLostPolicy: String, Sendable, Hashable, CaseIterable {
  /// The process ends and says so: what was lost is for a person to judge.
  case stop
  case earliest
  case latest
}

/// `lanes`
public enum Lanes: Sendable, Hashable {
  /// One a core.
  case auto
  case fixed(Int)
}

/// `commit.*`
public struct CommitSettings: Sendable, Hashable {
  /// A cut follows the last by at least this.
  public var minIntervalMilliseconds: Int64 = 10
  /// A cut closes at least this often while records come in.
  public var maxIntervalMilliseconds: Int64 = 1000
  /// A cut closes when what it writes has reached this.
  public var maxBytes = 4 << 20

  public init() {}
}

/// `delivery`
public enum Delivery: String, Sendable, Hashable, CaseIterable {
  /// Alerts, state and offsets are written in transactions.
  case exactlyOnce = "exactly-once"
  /// The same order of writes without transactions: after a crash an alert can come twice, with the same id.
  case atLeastOnce = "at-least-once"
}

/// `state.*`, as far as results for a user do not depend on it.
public struct StateSettings: Sendable, Hashable {
  /// A changed user is flushed after this.
  public var flushAfterMilliseconds: Int64 = 60_000
  /// How far the recovery point may fall behind, input records of one partition.
  public var maxReplayRecords = 500_000
  /// Where snapshots of partitions are kept, an absolute path; nil: none are.
  public var directory: String? = "/var/lib/ebb"
  /// How often a partition's snapshot is written.
  public var snapshotEveryMilliseconds: Int64 = 900_000
  /// What state records are written in: one of `knownFormats`.
  public var format = 1

  /// The formats that this release can write, its own last.
  public static let knownFormats = 1...1

  public init() {}
}

/// `memory.*`
public struct MemorySettings: Sendable, Hashable {
  /// What the process may take, bytes; nil: what its control group and the machine allow.
  public var maxBytes: Int?

  public init() {}
}

/// `alerts.*`, as far as results for a user do not depend on it.
public struct AlertSettings: Sendable, Hashable {
  /// CloudEvents `source`.
  public var source = "/ebb"

  public init() {}
}

/// `http.*`
public struct HTTPSettings: Sendable, Hashable {
  /// nil: nothing is served.
  public var listen: ListenAddress? = ListenAddress(host: "127.0.0.1", port: 9322)
  /// nil: none is asked for.
  public var token: SecretSource?
  /// Names by which it may be asked for, beside `localhost` and addresses.
  public var names: [String] = []
  /// A partition further behind is not ready, records.
  public var readyLag = 100_000

  public init() {}
}

/// Where a server listens.
public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
  /// A name or an address, the latter without brackets.
  public var host: String
  /// 0: any that is free.
  public var port: Int

  public init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// `host:port`, as it is configured.
  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// Whether only this machine reaches it.
  public var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
}

/// `privacy.*`
public struct PrivacySettings: Sendable, Hashable {
  /// How users are named in the log and on HTTP.
  public enum UserIDs: String, Sendable, Hashable, CaseIterable {
    case plain
    /// By a keyed hash of the id.
    case hashed
  }

  public var userIDs = UserIDs.plain
  public var key: SecretSource?

  public init() {}
}

/// `log.*`
public struct LogSettings: Sendable, Hashable {
  public enum Level: String, Sendable, Hashable, CaseIterable {
    case debug, info, notice, warning, error
  }

  public enum Format: String, Sendable, Hashable, CaseIterable {
    /// `journal` if stderr goes to the journal, else `terminal`.
    case auto
    /// For people: time, level, message.
    case terminal
    /// A priority before each line, no time: the journal has its own.
    case journal
  }

  public var level = Level.info
  public var format = Format.auto

  public init() {}
}
