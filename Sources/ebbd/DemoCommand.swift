import ArgumentParser
import Dispatch
import Events
import Foundation
import Kafka
import Pipeline
import Replay
import Settings
import Supervision
import Synchronization
import Triggers

/// `ebbd demo`: an embedded broker, a shop, the daemon's lanes, and a consumer that prints what they write.
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Shows everything at once: a broker, a simulated shop, and alerts as they happen.",
    discussion: """
      Starts an embedded Kafka broker on the loopback address, lets a simulated shop's users browse, fill carts, \
      buy, drift away and come back, and prints each alert as a separate consumer reads it from the alert topics. \
      Time is accelerated; the daemon's clock runs with it. Any Kafka client can join at the address it prints.

      With --input the rows of a real file take the shop's place:
        ebbd demo --input 2019-Oct.csv --format rees46
      """)

  @ArgumentParser.Option(help: "End after so many seconds, with a summary. Default: until Ctrl-C.")
  var seconds: Double?

  @ArgumentParser.Option(
    help: "Seconds of the shop's time that pass in one second. Default: 43200; a file takes half a minute.")
  var speed: Double?

  @ArgumentParser.Option(help: "Users of the simulated shop.")
  var users = 400

  @ArgumentParser.Option(help: "The simulated shop is the same for the same seed.")
  var seed: UInt64 = 1

  @ArgumentParser.Option(help: "A file whose rows take the simulated shop's place.")
  var input: String?

  @ArgumentParser.Option(name: .shortAndLong, help: "The mapping of --input: a preset or a mapping file.")
  var format: String?

  @ArgumentParser.Option(name: .shortAndLong, help: "A configuration file for windows, steps and thresholds.")
  var config: String?

  func validate() throws {
    if let seconds, !(seconds > 0 && seconds <= 1e6) { throw ValidationError("--seconds takes more than 0") }
    if let speed, !(speed >= 1 && speed <= 1e6) { throw ValidationError("--speed takes 1 to 1 000 000") }
    if !(1...1_000_000).contains(users) { throw ValidationError("--users takes 1 to 1 000 000") }
    if input == nil, format != nil { throw ValidationError("--format belongs to --input FILE") }
    if input != nil, format == nil { throw ValidationError("--input needs --format, such as rees46") }
  }

  func run() throws {
    Signals.ignoreBrokenPipes()
    let stop = DemoStop()
    do throws(SupervisionError) {
      try Signals.watch { signal in if signal.isStop { stop.request() } }
    } catch {
      throw Console.failure("demo", error)
    }
    var setup = try LoadedConfiguration(path: config, format: format ?? "native", command: "demo")
    let (traffic, start, speed, what) = try traffic(setup)
    fit(&setup.configuration, speed: speed)
    do {
      try DemoStage(
        setup: setup, clock: .accelerated(from: start, speed: speed), traffic: traffic, stop: stop,
        seconds: seconds, title: what
      ).run()
    } catch let error as KafkaError {
      throw Console.failure("demo", error)
    } catch let error as PipelineError {
      throw Console.failure("demo", error)
    }
  }

  /// The traffic, when it starts in its own time, how fast time runs, and a line that says so.
  private func traffic(
    _ setup: LoadedConfiguration
  ) throws -> (traffic: any DemoTraffic, start: Int64, speed: Double, title: String) {
    guard let input else {
      let speed = speed ?? 43_200
      // So that a demo of two minutes ends about now.
      let start = LaneClock.machine.wall() - Int64(speed * 120_000)
      return (
        SimulatedTraffic(seed: seed, users: users, start: start), start, speed,
        "a simulated shop of \(users) users (seed \(seed)), \(Self.span(speed)) of it in a second"
      )
    }
    do throws(ReplayError) {
      let file = try FileTraffic(path: input, mapping: setup.mapping)
      // The whole file in about half a minute.
      let length = Double(file.span.upperBound - file.span.lowerBound) / 1000
      let speed = speed ?? min(max(length / 30, 1), 43_200)
      return (
        file, file.span.lowerBound, speed,
        "\(file.count) rows of \((input as NSString).lastPathComponent), \(Self.span(speed)) of them in a second"
      )
    } catch {
      throw Console.failure("demo", error)
    }
  }

  private static func span(_ speed: Double) -> String {
    WireText.span(Int64(speed * 1000))
  }

  /// What the daemon takes for lateness and silence is on the way between shop and daemon; in the demo that way
  /// takes real milliseconds while the shop's time flies.
  private func fit(_ configuration: inout Settings.Configuration, speed: Double) {
    let real = { (milliseconds: Double) in Int64(milliseconds * speed) }
    configuration.rules.time.allowedLatenessMilliseconds = max(
      configuration.rules.time.allowedLatenessMilliseconds, real(200))
    configuration.rules.time.idleAfterMilliseconds = max(
      configuration.rules.time.idleAfterMilliseconds, real(1_000))
    configuration.rules.time.maxFutureSkewMilliseconds = max(
      configuration.rules.time.maxFutureSkewMilliseconds, real(1_000))
    // The embedded broker takes transactions and does nothing about them.
    configuration.delivery = .atLeastOnce
    if input != nil {
      // The file ends, and time goes on: so the carts that it leaves open are seen through.
      configuration.rules.time.tickForMilliseconds = max(
        configuration.rules.time.tickForMilliseconds, 4 * Milliseconds.day)
    }
  }
}

/// A request to end that every part of the demo sees.
final class DemoStop: Sendable {
  private let requested = Atomic<Bool>(false)
  private let semaphore = DispatchSemaphore(value: 0)

  func request() {
    requested.store(true, ordering: .releasing)
    semaphore.signal()
  }

  var isRequested: Bool { requested.load(ordering: .acquiring) }

  /// Waits at most so long; true if the request came.
  func wait(milliseconds: Int) -> Bool {
    if isRequested { return true }
    return semaphore.wait(timeout: .now() + .milliseconds(milliseconds)) == .success
  }
}
