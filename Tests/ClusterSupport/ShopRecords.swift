import Events
import Foundation
import Shop

/// Records of a simulated shop, made before they are needed: what goes into each input partition, in which order.
///
/// Partitions are chosen as the Java client and `ebbd replay --partitions` do: by the user's id. Bytes lie in one
/// place each, so that a million records are no million objects.
public struct ShopRecords: Sendable {
  /// A purchase, for the check that nobody is reminded after one.
  public struct Purchase: Sendable {
    public var user: String
    public var time: Int64
  }

  public let partitions: Int
  private var keys: [UInt8] = []
  private var keyEnds: [Int] = [0]
  private var values: [UInt8] = []
  private var valueEnds: [Int] = [0]
  private var places: [Int32] = []
  private var times: [Int64] = []
  public private(set) var purchases: [Purchase] = []
  /// Records that nothing can be read from: where each will lie.
  public private(set) var unreadable: [(partition: Int32, offset: Int64)] = []
  /// Records of each partition so far.
  public private(set) var counts: [Int64]

  public var count: Int { places.count }
  /// Mean size of a value.
  public var bytesPerRecord: Int { count == 0 ? 0 : values.count / count }

  /// - Parameters:
  ///   - options: of the shop.
  ///   - unreadableEvery: every so many records one that is no event; 0: none.
  public init(
    seed: UInt64, count: Int, users: Int, partitions: Int, options: ShopOptions = .eventful,
    unreadableEvery: Int = 400
  ) {
    self.partitions = partitions
    counts = Array(repeating: 0, count: partitions)
    places.reserveCapacity(count)
    values.reserveCapacity(count * 260)
    // 2025-01-01: no clock calls it future.
    var shop = ShopSimulator(
      seed: seed, users: users, startMilliseconds: 1_735_689_600_000, options: options)
    while places.count < count {
      let event = shop.next().event
      guard let id = event.userID ?? event.anonymousID, let key = NativeJSON.key(of: event) else { continue }
      let partition = Int32(Self.partition(ofUser: id, count: partitions))
      append(key, NativeJSON.bytes(of: event), partition, event.ts)
      if event.type == .purchase, let user = event.userKey {
        purchases.append(Purchase(user: user, time: event.ts))
      }
      if unreadableEvery > 0, places.count % unreadableEvery == 0, places.count < count {
        unreadable.append((partition, counts[Int(partition)]))
        append(key, Array("no event: \(places.count)".utf8), partition, event.ts)
      }
    }
  }

  /// The partition of a user, whether signed in or not: `anon:` is ours and not part of the id.
  public static func partition(ofUser user: String, count: Int) -> Int {
    let id = user.hasPrefix("anon:") ? user.dropFirst(5) : user[...]
    return Int(Murmur2.partition(of: Array(id.utf8), count: Int32(count)))
  }

  private mutating func append(_ key: [UInt8], _ value: [UInt8], _ partition: Int32, _ time: Int64) {
    keys += key
    keyEnds.append(keys.count)
    values += value
    valueEnds.append(values.count)
    places.append(partition)
    times.append(time)
    counts[Int(partition)] += 1
  }

  public func partition(_ index: Int) -> Int32 { places[index] }
  /// Event time, milliseconds since 1970 UTC.
  public func time(_ index: Int) -> Int64 { times[index] }
  public func key(_ index: Int) -> ArraySlice<UInt8> { keys[keyEnds[index]..<keyEnds[index + 1]] }
  public func value(_ index: Int) -> ArraySlice<UInt8> { values[valueEnds[index]..<valueEnds[index + 1]] }

  /// Writes the values in order, one a line: what `ebbd replay` reads.
  public func write(to path: String) throws {
    guard FileManager.default.createFile(atPath: path, contents: nil),
      let handle = FileHandle(forWritingAtPath: path)
    else { throw CocoaError(.fileWriteUnknown) }
    var chunk = Data()
    for index in 0..<count {
      chunk.append(contentsOf: value(index))
      chunk.append(UInt8(ascii: "\n"))
      if chunk.count > 1 << 22 {
        try handle.write(contentsOf: chunk)
        chunk.removeAll(keepingCapacity: true)
      }
    }
    try handle.write(contentsOf: chunk)
    try handle.close()
  }
}

extension ShopOptions {
  /// Many carts for few records: every third visit opens one, and pages report their dwell seldom. Late, doubled and
  /// offline events as in life.
  public static var eventful: ShopOptions {
    var options = ShopOptions()
    options.cartShare = 0.35
    options.pagesPerVisit = 4
    options.dwellReportMilliseconds = 60 * Milliseconds.second
    options.driftAfterDays = 6.0...20.0
    options.driftDays = 3.0...6.0
    options.offlineShare = 0.02
    return options
  }
}
