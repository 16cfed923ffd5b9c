import Foundation

/// Everything that is to be said about one configuration file, and where its values stand, so that others can
/// add what they know.
public struct Examination: Sendable {
  /// nil: at least one finding is an error.
  public private(set) var configuration: Configuration?
  private let reading: Reading
  private var added: [Finding] = []

  /// Judges `text`.
  ///
  /// - Parameter file: the name that findings carry.
  public init(text: String, file: String) {
    var reading = Reading(file: file)
    var configuration = Configuration()
    if let root = Document.compose(text, &reading) {
      Configuration.read(group: "", root, &reading, &configuration)
    }
    Contradictions.judge(configuration, &reading)
    if reading.hasErrors {
      self.configuration = nil
    } else {
      if configuration.rules.cart.quietHours != nil { configuration.rules.shop.zones = Zones.table }
      self.configuration = configuration
    }
    self.reading = reading
  }

  /// Judges the file at `path`. A mapping file that it names by a relative path is looked for beside it.
  ///
  /// - Throws: `SettingsError` if it cannot be read.
  public init(path: String) throws(SettingsError) {
    self.init(text: try TextFile.read(path, maximumBytes: Document.maximumBytes), file: path)
    if let input = configuration?.input, input.mappingIsFile, !input.mapping.hasPrefix("/"),
      let slash = path.lastIndex(of: "/")
    {
      configuration?.input.mapping = path[...slash] + input.mapping
    }
  }

  /// In order of place.
  public var findings: [Finding] {
    (reading.findings + added).sorted() + [reading.omission].compactMap { $0 }
  }

  public var hasErrors: Bool { findings.contains { $0.severity == .error } }

  /// Adds a finding about the option at `path`, such as `input.mapping` or `kafka.properties.ssl.ca.location`,
  /// at the place where the file sets it, else at its beginning.
  public mutating func add(_ severity: Finding.Severity, at path: String, _ message: String) {
    let place = reading.place(path) ?? Place(line: 1, column: 1)
    added.append(
      Finding(
        file: reading.file, line: place.line, column: place.column, severity: severity, message: message))
  }

  /// Adds findings about a file that this one names.
  public mutating func add(_ findings: [Finding]) {
    added += findings
  }

  /// Adds what is to be said about the mapping that the file names.
  public mutating func lookIntoMapping() {
    guard let mapping = configuration?.input.mapping else { return }
    do throws(MappingFileError) {
      _ = try MappingFile.resolve(mapping)
    } catch {
      add(.error, at: "input.mapping", "input.mapping: \(error.message)")
      add(error.findings)
    }
  }

  /// Adds what can be seen of files of secrets from here: missing, or for anyone to read. Warnings, since
  /// another machine may be the one that runs it.
  public mutating func lookForSecrets() {
    guard let secrets = configuration?.kafka.secrets else { return }
    for (name, source) in secrets.sorted(by: { $0.key < $1.key }) {
      guard case .file(let path) = source else { continue }
      let at = "kafka.secrets.\(name)"
      guard let attributes = try? FileManager.default.attributesOfItem(atPath: path) else {
        add(.warning, at: at, "\(at): \(path) is not to be seen from here; ebbd run will need it")
        continue
      }
      let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
      if mode & 0o007 != 0 { add(.warning, at: at, "\(at): anyone may read \(path); chmod 0640 it") }
    }
  }

  /// `ok`, or the number of errors and warnings; notes are not counted.
  public var summary: String {
    func count(_ severity: Finding.Severity) -> Int { findings.count { $0.severity == severity } }
    let (errors, warnings) = (count(.error), count(.warning))
    if errors == 0, warnings == 0 { return "ok" }
    func plural(_ number: Int, _ word: String) -> String { "\(number) \(word)\(number == 1 ? "" : "s")" }
    return "\(plural(errors, "error")), \(plural(warnings, "warning"))"
  }
}
