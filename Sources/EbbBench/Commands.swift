import ArgumentParser
import Measuring

/// What the commands of stages have in common.
struct StageOptions: ParsableArguments {
  @ArgumentParser.Option(help: "How often every stage is run; the table tells the medians.")
  var rounds = 5

  @Flag(help: "Also 10,000,000 users: some gigabytes, and some minutes.")
  var large = false

  func validate() throws {
    guard (1...1_000).contains(rounds) else { throw ValidationError("--rounds takes 1 to 1000") }
  }

  static let records = 20_000
  static let events = 1 << 17
  static let pending = 1_000_000

  var sizes: [Int] { [10_000, 100_000, 1_000_000] + (large ? [10_000_000] : []) }

  func decode() throws -> [StageGroup] { [try DecodeStage.group(records: Self.records)] }

  /// One size after the other: a shard that is not measured now would still take memory.
  func apply() -> [StageGroup] { [ApplyStage.group(users: sizes, events: Self.events)] }

  func deadlines() -> [StageGroup] { [DeadlineStage.group(pending: Self.pending, count: 100_000)] }

  func encode() throws -> [StageGroup] { [try ShopPopulation.encodeGroup()] }

  func printTable(_ groups: [StageGroup]) throws {
    Console.printMachine()
    let isCounted = Meter.countsInstructions
    let instructions = isCounted ? [:] : try Self.byCallgrind(groups)
    let table = try StageRunner(rounds: rounds).table(groups, instructions: instructions)
    Console.say("Medians of \(rounds) runs, interleaved; processor time of one thread.")
    if isCounted {
      Console.say("Instructions: user mode, by the processor's counter.")
    } else if Callgrind.valgrind == nil {
      Console.say(
        "Instructions: the processor's counter is not available here, and valgrind is not installed.")
    } else {
      Console.say(
        "Instructions: the processor's counter is not available here; by callgrind on smaller fixed inputs, "
          + "where there is one.")
    }
    Console.say("")
    Console.say(table.text)
  }

  /// The rows that a fixed input under callgrind does the same as.
  private static func byCallgrind(_ groups: [StageGroup]) throws -> [String: Double] {
    guard Callgrind.valgrind != nil else { return [:] }
    let stages = groups.flatMap(\.stages)
    func rows(_ name: String) -> [String] {
      stages.filter { $0.fixedInput == name }.map(\.name)
    }
    return try InstructionsCommand.byRow({ !rows($0).isEmpty }, rows: rows)
  }
}

struct DecodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decode", abstract: "The bytes of a record to an event, by preset.")
  @OptionGroup var options: StageOptions
  func run() throws { try options.printTable(options.decode()) }
}

struct ApplyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply", abstract: "An event into a shard of 10 k to 10 M users.")
  @OptionGroup var options: StageOptions
  func run() throws { try options.printTable(options.apply()) }
}

struct DeadlinesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deadlines", abstract: "The queue of deadlines, with 1,000,000 pending.")
  @OptionGroup var options: StageOptions
  func run() throws { try options.printTable(options.deadlines()) }
}

struct EncodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode", abstract: "A user's state to its record, and an alert to JSON.")
  @OptionGroup var options: StageOptions
  func run() throws { try options.printTable(options.encode()) }
}

struct CountsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "counts", abstract: "Allocations, retains and releases per event after a warm-up.")

  func run() throws {
    Console.printMachine()
    Console.say(try Self.table().text)
  }

  static func table() throws -> TextTable {
    Console.note("counting allocations and references")
    defer { Console.note(nil) }
    return try GuardCommand.counts(wasting: false).table
  }
}

struct AllCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "all", abstract: "Every stage in one table (the default).")
  @OptionGroup var options: StageOptions

  func run() throws {
    // Whatever runs in processes of its own comes first: they are not to share the machine with a large one.
    let memory = try MemoryCommand.table(large: options.large)
    let counts = try CountsCommand.table()
    Console.note("recovery")
    let recovery = try Myself.output(["recovery"])
    try options.printTable(
      options.decode() + options.apply() + options.deadlines() + options.encode())
    Console.say(memory.text)
    Console.say(counts.text)
    Console.say("Recovery: one partition, records at hand\n" + recovery)
  }
}
