import ArgumentParser
import Measuring

/// `ebb-bench instructions --stage S`: runs one stage on a small fixed input, for callgrind to count.
///
/// The same work in every run and on every machine: seeds are fixed, and nothing depends on time.
struct InstructionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "instructions",
    abstract: "Runs one stage on a fixed input, for callgrind (--toggle-collect=ebb_measured).")

  @ArgumentParser.Option(help: "\(InstructionsCommand.names.joined(separator: ", "))")
  var stage: String

  static let names =
    (["native"] + PresetSamples.presets).map { "decode \($0)" }
    + [
      "apply zipf", "apply uniform", "apply returning", "insert deadline", "move deadline", "fire deadline",
      "flush", "alert",
    ]

  /// Users of the fixed input's shards: few, as callgrind slows everything down fifty times.
  static let users = 10_000

  func validate() throws {
    guard Self.names.contains(stage) else {
      throw ValidationError("no such stage; there are: \(Self.names.joined(separator: ", "))")
    }
  }

  func run() throws {
    let (stage, events) = try Self.make(self.stage)
    try stage.prepare()
    unsafe Meter.isCollected = true
    _ = try stage.run()
    print(events())
  }

  private static func make(_ name: String) throws -> (any Stage, () -> Int) {
    let words = name.split(separator: " ")
    switch words[0] {
    case "decode":
      let stage = try DecodeStage(String(words[1]), records: 2_000)
      return (stage, { stage.events })
    case "apply":
      // Returning: every user comes about twelve times a day, so that most events open a session.
      let isReturning = words[1] == "returning"
      let stage = ApplyStage(
        users: users, words[1] == "uniform" ? .uniform : .zipf, isReturning ? .flows : .stands, events: 8_192
      ) {
        let population = try Population(
          users: users, pace: isReturning ? 86_400_000_000 / (12 * Int64(users)) : 100)
        population.populate()
        return population
      }
      return (stage, { 8_192 })
    case "flush":
      let stage = try FlushStage(users: 200, days: 7)
      return (stage, { stage.flushed })
    case "alert":
      let source = try ShopPopulation(users: 100, days: 24)
      source.run()
      let stage = AlertStage("alerts", source.alerts)
      return (stage, { stage.written })
    default:
      let load = DeadlineLoadBox(pending: 100_000)
      let kind: DeadlineStage.Kind =
        switch words[0] {
        case "insert": .insert
        case "move": .move
        default: .fire
        }
      return (DeadlineStage(kind, load, count: 10_000), { 10_000 })
    }
  }

  /// For a processor whose instructions cannot be counted: by the rows of the table that callgrind can tell. Other
  /// rows of a stage run the same code on more users.
  static func byRow(_ wanted: (String) -> Bool, rows: (String) -> [String]) throws -> [String: Double] {
    var found: [String: Double] = [:]
    for name in names where wanted(name) {
      let counted = try Callgrind.instructions(of: name)
      for row in rows(name) { found[row] = counted.total }
    }
    Console.note(nil)
    return found
  }
}
