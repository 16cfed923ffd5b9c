import ArgumentParser
import Foundation
import Kafka
import Settings

/// `ebbd validate`: everything that is to be said about a configuration file.
struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Checks a configuration file and tells every finding at once.",
    discussion: """
      Each finding is one line, file:line:column: error, warning or note: what is wrong and what to write. \
      The last line sums up. The exit code is 0 without errors, 1 with errors, and 2 if the file cannot be read.
      """)

  @Option(name: .shortAndLong, help: "The configuration file.")
  var config = Configuration.defaultPath

  func run() throws {
    var examination: Examination
    do throws(SettingsError) {
      examination = try Examination(path: config)
    } catch {
      try? FileHandle.standardError.write(contentsOf: Data("ebbd validate: \(error)\n".utf8))
      throw ExitCode(2)
    }
    Self.complete(&examination)
    for finding in examination.findings { print(finding) }
    print(examination.summary)
    if examination.hasErrors { throw ExitCode.failure }
  }

  /// What only other modules know: properties that librdkafka does not, and the files that are named.
  static func complete(_ examination: inout Examination) {
    examination.lookIntoMapping()
    examination.lookForSecrets()
    guard let properties = examination.configuration?.kafka.properties else { return }
    for (name, value) in properties.sorted(by: { $0.key < $1.key }) {
      for error in ClientProperties([name: value]).findings() {
        examination.add(.error, at: "kafka.properties.\(name)", "kafka.properties: \(error)")
      }
    }
  }
}
