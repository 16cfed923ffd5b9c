import Admin
import ArgumentParser
import Foundation
import Settings
import Telemetry

/// How a running daemon is asked.
struct AskOptions: ParsableArguments {
  @ArgumentParser.Option(
    name: .shortAndLong, help: "The configuration file of the daemon: where it listens, and its token.")
  var config = Settings.Configuration.defaultPath

  @ArgumentParser.Option(help: "Ask at this host:port, and read no configuration.")
  var address: String?

  @ArgumentParser.Option(
    help: "A file that holds the token, if the daemon wants one and --config does not name it.")
  var tokenFile: String?

  @Flag(help: "As JSON.")
  var json = false

  /// - Throws: `ExitCode` after saying why.
  func client(_ command: String) throws -> AdminClient {
    do {
      var listen: ListenAddress?
      var token: Secret?
      if let address {
        guard let parsed = ListenAddress(parsing: address) else {
          throw ValidationError("--address takes host:port, such as 127.0.0.1:9322")
        }
        listen = parsed
      } else {
        let http = try LoadedConfiguration(path: config, command: command).configuration.http
        listen = http.listen
        if tokenFile == nil {
          token = try http.token?.read(
            credentials: ProcessInfo.processInfo.environment["CREDENTIALS_DIRECTORY"])
        }
      }
      if let tokenFile { token = try SecretSource.file(tokenFile).read(credentials: nil) }
      guard let listen else {
        throw AdminError(
          .unreachable, "http.listen is off in \(config)", hint: "write an address there, and restart ebbd")
      }
      return AdminClient(host: listen.host, port: listen.port, token: token?.value)
    } catch let error as ExitCode {
      throw error
    } catch let error as ValidationError {
      throw error
    } catch {
      throw Console.failure(command, error)
    }
  }

  /// Asks, and prints what comes back.
  ///
  /// - Returns: the status.
  func print(_ path: String, _ command: String) throws -> Int {
    let client = try client(command)
    do throws(AdminError) {
      let answer = try client.wait(for: path + (json ? "" : "?format=text"))
      // Whoever answers may be anybody, and so may users whose names stand in it.
      switch answer.status {
      case 200 where json: Swift.print(answer.body, terminator: "")
      case 200: Swift.print(Printable.lines(answer.body), terminator: "")
      default:
        let told = answer.body.split(separator: "\n").joined(separator: "; ").replacing("error: ", with: "")
        Console.say("ebbd \(command): " + Printable.text(told, limit: 2_000))
      }
      return answer.status
    } catch {
      throw Console.failure(command, error)
    }
  }
}

/// `ebbd status`.
struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Asks a running daemon how it stands.",
    discussion: """
      What its page at http.listen shows: whether it is ready and why not, its lanes and partitions, how far behind \
      they are, and what it has sent. The exit code is 1 if nobody answers, and 3 if it is not ready.
      """)

  @OptionGroup var options: AskOptions

  func run() throws {
    let client = try options.client("status")
    guard try options.print("/v1/status", "status") == 200 else { throw ExitCode.failure }
    let ready: AdminClient.Answer
    do throws(AdminError) {
      ready = try client.wait(for: "/readyz")
    } catch {
      throw Console.failure("status", error)
    }
    if ready.status != 200 { throw ExitCode(3) }
  }
}

/// `ebbd user ID`.
struct UserCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "user",
    abstract: "Asks a running daemon what it knows of a user.",
    discussion: """
      His portrait, windows, cart, churn score with its components, next deadline, and the last alerts with their \
      reasons, as they are now. The exit code is 1 if he is not in the partitions of that process, or nobody answers. \
      `ebbd state inspect` tells what is stored, without a daemon.
      """)

  @Argument(help: "The user's key: user_id, or anon: and the anonymous_id.")
  var user: String

  @OptionGroup var options: AskOptions

  func run() throws {
    guard try options.print("/v1/users/\(AdminClient.encoded(user))", "user") == 200 else {
      throw ExitCode.failure
    }
  }
}
