import ArgumentParser
import Settings

/// `ebbd state`: looks at stored state, in the topic or in a snapshot, without a daemon and without changing anything.
struct StateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "state",
    abstract: "Looks at what is stored of users, in the state topic or in a snapshot. Changes nothing.",
    subcommands: [InspectCommand.self, VerifyCommand.self])
}

/// Where stored state is read from.
struct StateOptions: ParsableArguments {
  @ArgumentParser.Option(name: .shortAndLong, help: "The configuration file.")
  var config = Settings.Configuration.defaultPath

  @ArgumentParser.Option(help: "Read this snapshot's file, and no topic.")
  var snapshot: String?

  @ArgumentParser.Option(help: "Only this partition of the state topic.")
  var partition: Int32?

  @ArgumentParser.Option(help: "How long to wait for the brokers while nothing comes, seconds.")
  var timeout = 10

  func validate() throws {
    guard (1...600).contains(timeout) else { throw ValidationError("--timeout must be 1 to 600 seconds") }
    if let partition, partition < 0 { throw ValidationError("--partition must not be negative") }
    if snapshot != nil, partition != nil {
      throw ValidationError("a snapshot is of one partition: --partition goes with the topic only")
    }
  }
}

/// `ebbd state verify`.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Checks every record, and prints counts, sizes and positions.",
    discussion: """
      Of the state topic also what is committed beside the input's offset, and whether the two fit. The exit code is 1 \
      if anything is wrong; each problem is told with its place.
      """)

  @OptionGroup var options: StateOptions

  func run() throws {
    do {
      let surveys = try StateSurveyor(options).survey()
      for survey in surveys { for line in survey.lines { print(line) } }
      if surveys.contains(where: { $0.survey.problemCount > 0 }) { throw ExitCode.failure }
    } catch let error as ExitCode {
      throw error
    } catch {
      throw Console.failure("state verify", error)
    }
  }
}

/// `ebbd state inspect`.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Prints what is stored of one user.",
    discussion: """
      As he was when he was last written, which may be up to state.flush_after ago. Which partition he is in is the \
      producer's business: all are searched unless --partition says where. The exit code is 1 if he is not there.
      """)

  @Argument(help: "The user's key: user_id, or anon: and the anonymous_id.")
  var user: String

  @Flag(help: "As one JSON object a line.")
  var json = false

  @OptionGroup var options: StateOptions

  func run() throws {
    do {
      let (searches, searched) = try StateSurveyor(options).search(for: user)
      for found in searches {
        if json {
          print(found.json)
        } else {
          for line in found.lines { print(line) }
        }
      }
      if searches.isEmpty {
        Console.say("ebbd state inspect: there is no such user in \(searched)")
        throw ExitCode.failure
      }
    } catch let error as ExitCode {
      throw error
    } catch {
      throw Console.failure("state inspect", error)
    }
  }
}
