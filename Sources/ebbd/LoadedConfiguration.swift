import ArgumentParser
import Events
import Foundation
import Kafka
import Settings
import Triggers

/// A configuration that is fit for use, with its mapping; or a command that has ended with every finding told.
struct LoadedConfiguration {
  var configuration: Settings.Configuration {
    didSet { epoch = EpochText.of(configuration: configuration, mappingText: mappingText) }
  }
  let mapping: Mapping
  let mappingText: String
  /// Everything that decides results.
  private(set) var epoch: EpochText

  /// What alerts say they were decided under.
  var configVersion: String { epoch.name }

  /// - Parameters:
  ///   - path: nil: all defaults.
  ///   - format: takes the place of `input.mapping`.
  ///   - command: who complains.
  init(path: String?, format: String? = nil, command: String) throws {
    let read = Self.read(path, format: format)
    for finding in read.findings where finding.severity != .note { Console.say("\(finding)") }
    if let problem = read.problem {
      Console.say("ebbd \(command): \(problem)")
    } else if let path, read.loaded == nil {
      Console.say("ebbd \(command): \(path) cannot be used as it is; every finding stands above")
    }
    guard let loaded = read.loaded else { throw ExitCode.failure }
    self = loaded
  }

  private init(_ configuration: Settings.Configuration, _ mapping: Mapping, _ mappingText: String) {
    self.configuration = configuration
    self.mapping = mapping
    self.mappingText = mappingText
    epoch = EpochText.of(configuration: configuration, mappingText: mappingText)
  }

  /// What came of reading a configuration.
  struct Read {
    /// nil: it cannot be used.
    var loaded: LoadedConfiguration?
    /// About the file, and about the mapping file that it names.
    var findings: [Finding] = []
    /// What stands in the way beside them.
    var problem: String?
  }

  /// Reads and checks a configuration and its mapping; says nothing.
  static func read(_ path: String?, format: String? = nil) -> Read {
    var read = Read()
    var configuration = Settings.Configuration.defaults
    if let path {
      let (loaded, findings) = Settings.Configuration.load(path: path)
      read.findings = findings
      guard let loaded else { return read }
      configuration = loaded
    }
    if let format { configuration.input.mapping = format }
    do throws(MappingFileError) {
      let source = try MappingFile.source(of: configuration.input.mapping)
      read.loaded = LoadedConfiguration(configuration, try source.mapping(), source.text)
    } catch {
      read.findings += error.findings
      read.problem = error.message
    }
    return read
  }

  /// This one with everything of a file's that a running process can take.
  func reloaded(from file: LoadedConfiguration) -> LoadedConfiguration {
    LoadedConfiguration(configuration.reloaded(from: file.configuration), file.mapping, file.mappingText)
  }

  /// Writes alerts as the configuration says.
  var writer: AlertWriter {
    AlertWriter(context: WireContext(source: configuration.alerts.source, configVersion: configVersion))
  }

  /// What every client of the cluster is given; reads the secrets.
  func clientProperties() throws(SettingsError) -> ClientProperties {
    let kafka = configuration.kafka
    var values = kafka.properties
    let credentials = ProcessInfo.processInfo.environment["CREDENTIALS_DIRECTORY"]
    for (name, source) in kafka.secrets { values[name] = try source.read(credentials: credentials).value }
    var properties = ClientProperties(bootstrap: kafka.brokers.joined(separator: ","), values)
    properties.tokenFile = kafka.token.map(TokenFile.init)
    return properties
  }
}
