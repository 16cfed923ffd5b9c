import Events
import Foundation
import Settings
import Testing

/// Real files, found by `EBB_DATA`. Absent ones are named aloud.
@Suite struct RealDataTests {
  struct Counts: Equatable {
    var events: [EventType: Int] = [:]
    var ignored = 0
    var refused: [String] = []
    var users: Set<String> = []
    var total: Int { events.values.reduce(0, +) }
  }

  static func read(_ file: String, preset: String) throws -> Counts? {
    guard let directory = ProcessInfo.processInfo.environment["EBB_DATA"],
      let data = FileManager.default.contents(atPath: directory + "/" + file)
    else {
      print("SKIPPED: \(file) is absent; set EBB_DATA to the directory that holds it")
      return nil
    }
    var decoding = try Decoding(preset: preset)
    var counts = Counts()
    var number = 0
    for line in Array(data).split(separator: 0x0A) {
      number += 1
      unsafe line.withUnsafeBytes { line in
        unsafe decoding.decoder.decodeEach(payload: line, recordTimestamp: -1, into: &decoding.slot) {
          slot, outcome in
          switch outcome {
          case .event:
            counts.events[slot.type, default: 0] += 1
            if let user = slot.userID { counts.users.insert(slot.string(user)) }
          case .ignored: counts.ignored += 1
          case .rejected(let rejection):
            counts.refused.append("\(number): \(rejection.reason.rawValue) at \(rejection.place)")
          }
        }
      }
    }
    print("\(file): \(counts.total) events, \(counts.ignored) ignored, \(counts.refused.count) refused")
    return counts
  }

  @Test func `The REES46 file is read but for its header and its last line`() throws {
    guard let counts = try Self.read("rees46-2019-oct-sample.csv", preset: "rees46") else { return }
    #expect(counts.total == 17_434)
    #expect(counts.events[.cartAdd] == 165)
    #expect(counts.events[.purchase] == 214)
    #expect(counts.users.count == 4_504)
    #expect(counts.ignored == 1)
    #expect(counts.refused == ["17436: too_few_columns at column 8 of 9 is the last"])
  }

  @Test func `The Taobao file is read but for its last line`() throws {
    guard let counts = try Self.read("taobao-userbehavior-timeslice.csv", preset: "taobao") else { return }
    #expect(counts.total == 96_168)
    #expect(counts.refused == ["96169: time_too_old at column timestamp"])
    #expect(counts.users.count <= 58_732 && counts.users.count >= 58_731)
  }

  @Test func `Every session of the Otto file becomes its events`() throws {
    guard let counts = try Self.read("otto-20-sessions.jsonl", preset: "otto") else { return }
    #expect(counts.users.count == 20)
    #expect(counts.refused.isEmpty)
    #expect(counts.events.keys.count == 3)
  }
}
