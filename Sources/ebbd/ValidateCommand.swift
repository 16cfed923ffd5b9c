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
    examination.lookForCertificates()
    lookAtStateDirectory(&examination)
    guard let properties = examination.configuration?.kafka.properties else { return }
    for (name, value) in properties.sorted(by: { $0.key < $1.key }) {
      for error in ClientProperties([name: value]).findings() {
        examination.add(.error, at: "kafka.properties.\(name)", "kafka.properties: \(error)")
      }
    }
    let all = ClientProperties(properties)
    let at = "kafka.properties.sasl.mechanism"
    for warning in LibraryVersion.current.warnings(for: all) { examination.add(.warning, at: at, warning) }
    for lack in LibraryVersion.lacks(for: all) { examination.add(.error, at: at, lack) }
  }

  /// Before a unit's start this runs as the service will: what it may not write now it may not write then. Snapshots that
  /// are not kept would be noticed only by a slow restart.
  private static func lookAtStateDirectory(_ examination: inout Examination) {
    let given = ProcessInfo.processInfo.environment["STATE_DIRECTORY"] ?? ""
    guard let mine = given.split(separator: ":").first,
      let directory = examination.configuration?.state.directory, !mayWrite(below: directory)
    else { return }
    examination.add(
      .error, at: "state.directory",
      "state.directory: \(directory) cannot be written by this service; write \(mine), which its unit gives it "
        + "(StateDirectory=), or off")
  }

  /// Whether the directory may be written, or, if it is still to be made, where it would be.
  private static func mayWrite(below directory: String) -> Bool {
    var place = URL(filePath: directory).standardizedFileURL
    while true {
      var isDirectory: ObjCBool = false
      if unsafe FileManager.default.fileExists(atPath: place.path, isDirectory: &isDirectory) {
        return isDirectory.boolValue && FileManager.default.isWritableFile(atPath: place.path)
      }
      if place.path == "/" { return false }
      place.deleteLastPathComponent()
    }
  }
}
