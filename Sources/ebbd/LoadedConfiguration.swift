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
  private let mappingText: String
  /// Everything that decides results.
  private(set) var epoch: EpochText

  /// What alerts say they were decided under.
  var configVersion: String { epoch.name }

  /// - Parameters:
  ///   - path: nil: all defaults.
  ///   - format: takes the place of `input.mapping`.
  ///   - command: who complains.
  init(path: String?, format: String? = nil, command: String) throws {
    var configuration = Settings.Configuration.defaults
    if let path {
      let (loaded, findings) = Settings.Configuration.load(path: path)
      for finding in findings where finding.severity != .note { Console.say("\(finding)") }
      guard let loaded else {
        Console.say("ebbd \(command): \(path) cannot be used as it is; every finding stands above")
        throw ExitCode.failure
      }
      configuration = loaded
    }
    if let format { configuration.input.mapping = format }
    do throws(MappingFileError) {
      let source = try MappingFile.source(of: configuration.input.mapping)
      mapping = try source.mapping()
      mappingText = source.text
    } catch {
      for finding in error.findings { Console.say("\(finding)") }
      throw Console.failure(command, error)
    }
    self.configuration = configuration
    epoch = EpochText.of(configuration: configuration, mappingText: mappingText)
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
    return ClientProperties(bootstrap: kafka.brokers.joined(separator: ","), values)
  }
}
