import Glibc
import Synchronization
import Triggers

/// Something that a lane is asked for, and does between two batches.
public enum LaneRequest: Sendable {
  /// To do nothing any more and give no sign of life: a failpoint, for tests of what watches over lanes.
  case stall
  /// To go on under another configuration. What cannot change while it runs (who it is, which topics, how it delivers)
  /// stays as it is.
  case configure(LaneSettings)
  /// What it knows of a user. `answer` is called once, on the lane's thread; nil: the user is none of its own.
  case look(key: String, answer: @Sendable (UserSighting?) -> Void)
}

/// A user as the lane has him that owns his partition.
public struct UserSighting: Sendable {
  public var partition: Int32
  public var state: UserState
  /// Of the epoch in which he was last touched.
  public var constants: EpochConstants
  /// Largest event time of his partition, milliseconds since 1970 UTC.
  public var latestEvent: Int64
  /// Event time up to which deadlines have fired there.
  public var watermark: Int64
  /// His alerts that this process remembers, newest first.
  public var alerts: [Alert]
}

/// The places where a lane meets the rest of the process: a stop request and a mailbox read between batches, a snapshot
/// published once per batch, and its signs of life.
public final class LaneMonitor: Sendable {
  private let snapshot = Mutex(LaneSnapshot())
  private let stopping = Atomic<Bool>(false)
  private let life = Atomic<UInt64>(0)
  private let requests = Mutex<[LaneRequest]>([])
  private let isAsked = Atomic<Bool>(false)

  /// How much input the lane may take.
  public let valve: InputValve

  /// - Parameter valve: of all lanes of the process.
  public init(valve: InputValve = InputValve()) { self.valve = valve }

  /// Asks the lane for something. One that ends does not answer any more.
  public func post(_ request: LaneRequest) {
    requests.withLock { $0.append(request) }
    isAsked.store(true, ordering: .releasing)
  }

  /// What has been asked since the last call.
  func takeRequests() -> [LaneRequest] {
    guard isAsked.load(ordering: .relaxed) else { return [] }
    isAsked.store(false, ordering: .relaxed)
    return requests.withLock { requests in
      defer { requests.removeAll() }
      return requests
    }
  }

  /// Asks the lane to finish its cut and leave.
  public func stop() {
    stopping.store(true, ordering: .releasing)
  }

  public var isStopping: Bool { stopping.load(ordering: .acquiring) }

  /// Signs of life so far: one a turn of the lane's loop, and one whenever it looks up while it waits. A lane that
  /// waits for records, brokers or a recovery gives them, and a stuck one does not.
  public var beats: UInt64 { life.load(ordering: .relaxed) }

  /// A sign of life.
  public func beat() { life.wrappingAdd(1, ordering: .relaxed) }

  /// The latest published snapshot.
  public var latest: LaneSnapshot { snapshot.withLock { $0 } }

  func publish(_ value: LaneSnapshot) {
    beat()
    snapshot.withLock { $0 = value }
  }
}

/// A while of doing nothing.
func stall() { _ = sleep(3_600) }

/// - Parameter milliseconds: less than 1,000 at a time.
func sleepFor(milliseconds: Int64) { usleep(UInt32(milliseconds) * 1_000) }
