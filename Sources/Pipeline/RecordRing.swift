import Events

/// Records that were decoded and wait to be applied, a few dozen of them: while they wait, the memory that they will
/// need is on its way into the cache. Filled and emptied over and over: nothing is allocated once the slots' buffers
/// have grown to the largest record.
@safe public struct RecordRing: ~Copyable {
  /// What a waiting record comes to.
  public enum Kind: Sendable, Hashable {
    /// Its event is in the slot.
    case event
    /// It has a time and nothing to apply.
    case time
    /// It says nothing.
    case nothing
  }

  public struct Waiting: ~Copyable {
    public var slot = EventSlot()
    public var kind = Kind.nothing
    public var partition: Int32 = 0
    public var offset: Int64 = 0
    /// By which clock its deadlines are judged.
    public var recordClock: Int64 = 0
    /// What `Shard.prefetch` told.
    public var hash: UInt32 = 0
  }

  /// More would only push each other out of the cache: a user's state is some hundred bytes, spread over a few lines.
  public static let capacity = 32

  @usableFromInline let memory = UnsafeMutablePointer<Waiting>.allocate(capacity: RecordRing.capacity)
  /// How many wait.
  public private(set) var count = 0

  public init() {
    for place in 0..<Self.capacity { unsafe (memory + place).initialize(to: Waiting()) }
  }

  deinit {
    unsafe memory.deinitialize(count: Self.capacity)
    unsafe memory.deallocate()
  }

  public var isFull: Bool { count == Self.capacity }

  /// The place behind the last that waits, or one of those that wait. A record waits from `wait` on.
  @inlinable public subscript(place: Int) -> Waiting {
    _read {
      precondition(place >= 0 && place < Self.capacity, "the ring has no such place")
      yield unsafe (memory + place).pointee
    }
    _modify {
      precondition(place >= 0 && place < Self.capacity, "the ring has no such place")
      yield unsafe &(memory + place).pointee
    }
  }

  /// What was put into the place behind the last waits from now on.
  public mutating func wait() {
    precondition(!isFull, "the ring is full")
    count += 1
  }

  public mutating func removeAll() { count = 0 }
}
