/// Offsets from UTC of the time zones that quiet hours may need, as plain numbers: the shard reads no files and
/// no clock. Whoever loads the configuration fills it.
public struct ZoneTable: Sendable, Hashable {
  /// One zone: from each of `starts` on, local time is UTC plus the offset with the same index.
  public struct Zone: Sendable, Hashable {
    /// IANA name.
    public var name: String
    /// Seconds since 1970 UTC, ascending; the first is `Int64.min`.
    public var starts: [Int64]
    /// Seconds east of UTC.
    public var offsets: [Int32]

    public init(name: String, starts: [Int64], offsets: [Int32]) {
      precondition(starts.first == Int64.min && starts.count == offsets.count)
      self.name = name
      self.starts = starts
      self.offsets = offsets
    }

    /// Milliseconds east of UTC at `time` (milliseconds since 1970 UTC).
    public func offsetMilliseconds(at time: Int64) -> Int64 {
      let seconds = time >= 0 ? time / 1000 : (time - 999) / 1000
      var low = 0
      var high = starts.count
      while high - low > 1 {
        let middle = (low + high) / 2
        if starts[middle] <= seconds { low = middle } else { high = middle }
      }
      return Int64(offsets[low]) * 1000
    }
  }

  private var zones: [Zone]

  public init(_ zones: [Zone] = []) {
    self.zones = zones.sorted { $0.name < $1.name }
  }

  /// The zone of that name.
  public func zone(_ name: String) -> Zone? {
    var low = 0
    var high = zones.count
    while low < high {
      let middle = (low + high) / 2
      if zones[middle].name == name { return zones[middle] }
      if zones[middle].name < name { low = middle + 1 } else { high = middle }
    }
    return nil
  }

  /// Names, ascending.
  public var names: [String] { zones.map(\.name) }
}
