import ArgumentParser
import Events
import Foundation
import Replay
import Settings
import Shop
import Triggers

/// `ebbd bench-replay`: events per second and core of a replay, of a file that the simulated shop writes first.
struct BenchReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench-replay", abstract: "Measures how fast a file is replayed.", shouldDisplay: false)

  @ArgumentParser.Option(help: "Events in the file.")
  var events = 2_000_000

  @ArgumentParser.Option(help: "Users of the shop.")
  var users = 100_000

  @ArgumentParser.Option(help: "Replays; the median counts.")
  var runs = 5

  func validate() throws {
    guard (1...1_000_000_000).contains(events) else {
      throw ValidationError("--events must be 1 to 1000000000")
    }
    guard (1...10_000_000).contains(users) else { throw ValidationError("--users must be 1 to 10000000") }
    guard (1...1_000).contains(runs) else { throw ValidationError("--runs must be 1 to 1000") }
  }

  func run() throws {
    let path = NSTemporaryDirectory() + "ebb-bench-replay-\(ProcessInfo.processInfo.processIdentifier).ndjson"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let size = try write(path)
    print("file: \(Console.grouped(Int64(events))) events of \(Int(size) / events) bytes, \(users) users")
    let mapping = try MappingFile.preset(named: "native")
    var rates: [Double] = []
    for _ in 0..<runs {
      var plan = ReplayPlan(rules: Rules())
      plan.rules.alerts.maxAgeMilliseconds = nil
      plan.end = .end
      var alerts = 0
      let replay = ReplayRun(plan) { _ in alerts += 1 }
      let began = Self.processorSeconds()
      do throws(ReplayError) {
        try replay.read(path, mapping: mapping)
      } catch {
        throw Console.failure("bench-replay", error)
      }
      let seconds = Self.processorSeconds() - began
      rates.append(Double(replay.summary.events) / seconds)
      print("run: \(Console.grouped(Int64(rates[rates.count - 1]))) events/s per core, \(alerts) alerts")
    }
    rates.sort()
    print("median: \(Console.grouped(Int64(rates[rates.count / 2]))) events/s per core")
  }

  /// Writes the file; returns its bytes.
  private func write(_ path: String) throws -> Int64 {
    guard FileManager.default.createFile(atPath: path, contents: nil),
      let file = FileHandle(forWritingAtPath: path)
    else { throw ValidationError("'\(path)' cannot be written") }
    // 2025-01-01 UTC.
    var shop = ShopSimulator(
      seed: 1, users: users, startMilliseconds: 1_735_689_600_000, options: .demonstration)
    var block = Data()
    var size: Int64 = 0
    for event in 1...events {
      block.append(contentsOf: NativeJSON.bytes(of: shop.next().event))
      block.append(UInt8(ascii: "\n"))
      if block.count > 1 << 20 || event == events {
        try file.write(contentsOf: block)
        size += Int64(block.count)
        block.removeAll(keepingCapacity: true)
      }
    }
    try file.close()
    return size
  }

  /// Of this process, all its threads.
  private static func processorSeconds() -> Double {
    Double(clock()) / Double(CLOCKS_PER_SEC)
  }
}
