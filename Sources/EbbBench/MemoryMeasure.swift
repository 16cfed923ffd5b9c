import CCounting
import Events
import Foundation
import Measuring
import Pipeline
import Settings
import Shard
import Shop
import Triggers

/// What a population takes, by the growth of this process's resident memory: run in a process that has done nothing
/// else. Everything is counted that a shard holds: users, table, keys, deadlines.
struct MemoryMeasure: ~Copyable {
  private var shard: Shard
  private var decoder: Decoder
  private var slot = EventSlot()
  private var output = TriggerOutput()
  private var changes: [StateChange] = []
  private var events = 0
  private let before: Int

  init(latenessMilliseconds: Int64) throws {
    var rules = Rules()
    rules.time.allowedLatenessMilliseconds = latenessMilliseconds
    let epoch = Epoch(hash: 1, text: "bench", rules: rules)
    shard = Shard(partition: 0, epoch: epoch, isJournaled: true)
    shard.beginEpoch(epoch, into: &changes)
    decoder = Decoder(mapping: try MappingFile.preset(named: "native"))
    // What is there once, whoever comes: buffers, tables of the runtime.
    var random = BenchRandom(seed: 1)
    slot.set(ActivityClass.heavy.event(user: 0, visit: 3, step: 8, time: DemoShop.start, &random)!)
    shard.apply(slot, recordClock: DemoShop.start, into: &output)
    _ = NativeJSON.bytes(of: slot.event())
    Self.settle()
    before = Machine.residentBytes
  }

  private static func settle() { ebb_trim() }

  /// Bytes per user, and users.
  mutating func result() -> (bytesPerUser: Double, users: Int) {
    flush()
    changes = []
    Self.settle()
    let grown = Machine.residentBytes - before
    let users = shard.userCount
    return (Double(grown) / Double(users), users)
  }

  /// As a lane does bit by bit.
  private mutating func flush() {
    while shard.flush(FlushLimit(ordinal: .max, users: 4_096, bytes: .max), into: &changes) {
      changes.removeAll(keepingCapacity: true)
    }
    shard.bury(upTo: shard.recoveryPoint, limit: .max, into: &changes)
    changes.removeAll(keepingCapacity: true)
    shard.trimClockLog()
  }

  private mutating func apply(clock: Int64) {
    shard.apply(slot, recordClock: clock, into: &output)
    output.alerts.removeAll(keepingCapacity: true)
    events += 1
    if events % 10_000 == 0 { flush() }
  }

  /// A class of users, each with the same kind of life, in order of time.
  mutating func live(_ kind: ActivityClass, users: Int) {
    var random = BenchRandom(seed: 9)
    let blocks = 64
    let size = (users + blocks - 1) / blocks
    for visit in 0..<kind.visits {
      for block in 0..<blocks {
        let began =
          DemoShop.start + kind.intervalMilliseconds * Int64(visit)
          + kind.intervalMilliseconds * Int64(block) / Int64(blocks)
        for step in 0..<kind.steps {
          for user in block * size..<max(block * size, min(users, (block + 1) * size)) {
            let time = began + Int64(step) * 40_000 + 40_000 * Int64(user - block * size) / Int64(size)
            guard let event = kind.event(user: user, visit: visit, step: step, time: time, &random)
            else { continue }
            slot.set(event)
            apply(clock: time)
          }
        }
      }
    }
  }

  /// Users who come once, ever so many.
  mutating func crowd(_ users: Int) throws {
    var templates = EventTemplates()
    for user in 0..<users {
      let time = DemoShop.start + Int64(user) / 10
      templates.next(user: UInt32(user), time: time, &decoder, into: &slot)
      apply(clock: time)
    }
  }

  /// The demo's stream, which another process simulates: its memory is not ours.
  mutating func demo(users: Int, days: Int) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Myself.path)
    process.arguments = ["demo-stream", "--users", "\(users)", "--days", "\(days)"]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let size = 1 << 16
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * size, alignment: 16)
    defer { unsafe buffer.deallocate() }
    var held = 0
    while true {
      let got = unsafe read(
        pipe.fileHandleForReading.fileDescriptor, buffer.baseAddress! + held, buffer.count - held)
      guard got > 0 else { break }
      held += got
      var start = 0
      while unsafe take(buffer, &start, held) {}
      unsafe memmove(buffer.baseAddress!, buffer.baseAddress! + start, held - start)
      held -= start
    }
    process.waitUntilExit()
    guard process.terminationStatus == 0, held == 0 else { throw BenchError("the shop's stream broke off") }
  }

  /// One line: the record's clock, a tab, the record.
  private mutating func take(_ buffer: UnsafeMutableRawBufferPointer, _ start: inout Int, _ end: Int) -> Bool
  {
    var place = start
    var clock: Int64 = 0
    while place < end, case let byte = unsafe buffer[place], byte != UInt8(ascii: "\t") {
      clock = clock * 10 + Int64(byte - UInt8(ascii: "0"))
      place += 1
    }
    let from = place + 1
    while place < end, unsafe buffer[place] != UInt8(ascii: "\n") { place += 1 }
    guard place < end else { return false }
    let record = unsafe UnsafeRawBufferPointer(rebasing: buffer[from..<place])
    start = place + 1
    if unsafe decoder.decode(payload: record, recordTimestamp: clock, into: &slot) == .event {
      apply(clock: clock)
    }
    return true
  }
}
