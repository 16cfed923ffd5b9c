import ArgumentParser
import Foundation
import Measuring
import Shop

/// `ebb-bench memory`: resident bytes per user.
struct MemoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "memory", abstract: "Resident memory per user, by activity, each in a process of its own.")

  @Flag(help: "Also 10,000,000 users.")
  var large = false

  @ArgumentParser.Option(help: .private)
  var child: String?

  @ArgumentParser.Option(help: .private)
  var users: Int?

  func run() throws {
    if let child { return try measure(child) }
    Console.printMachine()
    Console.say(try Self.table(large: large).text)
  }

  /// Users and days of the demo's shop in the row of its mean.
  static let demoUsers = 10_000
  static let demoDays = 30

  /// The row that the guard holds, beside those of the classes.
  static let demoName = "demo"

  static func table(large: Bool) throws -> TextTable {
    var table = TextTable(["", "bytes a user", "users", "MiB"])
    table.add(heading: "Memory: growth of the resident set, table, keys and deadlines included")
    func add(_ title: String, _ measured: (bytesPerUser: Double, users: Int)) {
      let mebibytes = measured.bytesPerUser * Double(measured.users) / Double(1 << 20)
      table.add([
        title, measured.bytesPerUser.text(digits: 0), measured.users.grouped, mebibytes.text(digits: 0),
      ])
    }
    for kind in ActivityClass.allCases { add(kind.title, try bytes(kind.rawValue)) }
    add("mean over the demo's users after \(demoDays) days", try bytes(demoName))
    if large { add("10 000 000 users, one event each", try bytes("crowd", users: 10_000_000)) }
    Console.note(nil)
    return table
  }

  /// Measures in a new process.
  static func bytes(_ name: String, users: Int? = nil) throws -> (bytesPerUser: Double, users: Int) {
    Console.note("memory: \(name)")
    let more = users.map { ["--users", "\($0)"] } ?? []
    let words = try Myself.output(["memory", "--child", name] + more).split(whereSeparator: \.isWhitespace)
    guard words.count == 2, let bytes = Double(words[0]), let users = Int(words[1]) else {
      throw BenchError("the process that measures memory said nothing that can be understood")
    }
    return (bytes, users)
  }

  private func measure(_ name: String) throws {
    let result: (bytesPerUser: Double, users: Int)
    if let kind = ActivityClass(rawValue: name) {
      var measure = try MemoryMeasure(latenessMilliseconds: 60_000)
      measure.live(kind, users: users ?? kind.users)
      result = measure.result()
    } else if name == "crowd" {
      var measure = try MemoryMeasure(latenessMilliseconds: 60_000)
      try measure.crowd(users ?? 1_000_000)
      result = measure.result()
    } else if name == Self.demoName {
      // The lateness that the demo sets for its speed.
      var measure = try MemoryMeasure(latenessMilliseconds: 200 * DemoShop.speed)
      try measure.demo(users: users ?? Self.demoUsers, days: Self.demoDays)
      result = measure.result()
    } else {
      throw ValidationError("no such population: \(name)")
    }
    print(result.bytesPerUser, result.users)
  }
}

/// `ebb-bench demo-stream`: the demo's events as lines, each with its record's clock before it.
struct DemoStreamCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo-stream", abstract: "The demo's events, one a line: clock, tab, record.",
    shouldDisplay: false)

  @ArgumentParser.Option(help: "Users of the shop.")
  var users = DemoShop.users

  @ArgumentParser.Option(help: "Days of the shop.")
  var days = 30

  func run() throws {
    var shop = DemoShop.simulator(users: users)
    let end = DemoShop.start + Int64(days) * 86_400_000
    var bytes: [UInt8] = []
    while case let item = shop.next(), item.arrivalMilliseconds < end {
      bytes.append(contentsOf: String(item.arrivalMilliseconds).utf8)
      bytes.append(UInt8(ascii: "\t"))
      NativeJSON.append(item.event, to: &bytes)
      bytes.append(UInt8(ascii: "\n"))
      if bytes.count > 60_000 {
        try FileHandle.standardOutput.write(contentsOf: Data(bytes))
        bytes.removeAll(keepingCapacity: true)
      }
    }
    try FileHandle.standardOutput.write(contentsOf: Data(bytes))
  }
}
