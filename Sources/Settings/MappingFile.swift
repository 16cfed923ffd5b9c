import Events
import Foundation

/// Why a mapping cannot be used.
public struct MappingFileError: Error, Sendable, Hashable, CustomStringConvertible {
  /// One sentence, with the remedy; what the findings say is not repeated.
  public var message: String
  /// Everything that is wrong with the file's contents; empty if the file could not be read at all.
  public var findings: [Finding]

  public var description: String {
    findings.isEmpty ? message : findings.map(\.description).joined(separator: "\n")
  }
}

/// The text of a mapping file, and where it was found.
public struct MappingSource: Sendable, Hashable {
  /// The preset's name, or the file's without its ending.
  public var name: String
  public var path: String
  public var text: String

  /// Checks it.
  public func mapping() throws(MappingFileError) -> Mapping {
    let (mapping, findings) = MappingFile.parse(text, file: path, name: name)
    guard let mapping else {
      throw MappingFileError(message: "the mapping file \(path) cannot be used", findings: findings)
    }
    return mapping
  }
}

/// Mapping files: YAML that says how a shop's own records become events. The presets in `Config/mappings`
/// are such files, each its own manual.
public enum MappingFile {
  /// A mapping file is at most this long, bytes.
  public static let maximumBytes = 1 << 18

  /// The presets that are shipped, in the order in which they are presented.
  public static let presets = [
    "native", "segment", "rudderstack", "posthog", "ga4", "sensorsdata", "rees46", "taobao", "otto",
  ]

  /// The mapping that an option names: a preset, or the path of a file (anything with a slash or that ends in
  /// `.yaml` or `.yml`).
  public static func resolve(_ nameOrPath: String, directory: String? = nil) throws(MappingFileError)
    -> Mapping
  {
    try source(of: nameOrPath, directory: directory).mapping()
  }

  /// The text of the mapping that an option names, as `resolve` finds it; not yet checked.
  public static func source(of nameOrPath: String, directory: String? = nil) throws(MappingFileError)
    -> MappingSource
  {
    let isPath = nameOrPath.contains("/") || nameOrPath.hasSuffix(".yaml") || nameOrPath.hasSuffix(".yml")
    return isPath ? try source(path: nameOrPath) : try source(preset: nameOrPath, directory: directory)
  }

  /// Reads and checks one file.
  public static func load(path: String) throws(MappingFileError) -> Mapping {
    try source(path: path).mapping()
  }

  private static func source(path: String) throws(MappingFileError) -> MappingSource {
    guard let data = FileManager.default.contents(atPath: path) else {
      let message =
        FileManager.default.fileExists(atPath: path)
        ? "the mapping file \(path) cannot be read; give this user the right to, and check that it is a file"
        : "there is no mapping file \(path); check the path, or name a preset: \(presets.joined(separator: ", "))"
      throw MappingFileError(message: message, findings: [])
    }
    guard data.count <= maximumBytes else {
      throw MappingFileError(
        message: "the mapping file \(path) is longer than \(maximumBytes) bytes; check the path", findings: []
      )
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw MappingFileError(message: "the mapping file \(path) is not UTF-8; save it as UTF-8", findings: [])
    }
    let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    return MappingSource(name: name, path: path, text: text)
  }

  /// Reads and checks one of the presets.
  ///
  /// - Parameter directory: where to look first.
  public static func preset(named name: String, directory: String? = nil) throws(MappingFileError) -> Mapping
  {
    try source(preset: name, directory: directory).mapping()
  }

  private static func source(preset name: String, directory: String?) throws(MappingFileError)
    -> MappingSource
  {
    let directories = searchPath(directory)
    // The name is not taken as part of a path.
    if name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }) {
      for directory in directories {
        let path = directory + "/" + name + ".yaml"
        if FileManager.default.fileExists(atPath: path) { return try source(path: path) }
      }
    }
    guard presets.contains(name) else {
      let near = NearMiss.find(name, among: presets).map { "; did you mean '\($0)'?" } ?? "."
      throw MappingFileError(
        message: "'\(name)' is no preset\(near) There are \(presets.joined(separator: ", ")); "
          + "the path of a mapping file can be given instead",
        findings: [])
    }
    throw MappingFileError(
      message: "the preset '\(name)' was not found in \(directories.joined(separator: ", ")); "
        + "set EBB_MAPPINGS to the directory that holds \(name).yaml",
      findings: [])
  }

  /// Where presets are looked for, in order: the directory given, `$EBB_MAPPINGS`, `Config/mappings` below
  /// the current directory and beside the executable or above it, and where packages install them.
  static func searchPath(_ directory: String?) -> [String] {
    var result: [String] = []
    if let directory { result.append(directory) }
    if let set = ProcessInfo.processInfo.environment["EBB_MAPPINGS"], !set.isEmpty { result.append(set) }
    result.append(FileManager.default.currentDirectoryPath + "/Config/mappings")
    if let executable = Bundle.main.executableURL {
      // A build stands a few levels below its package.
      var above = executable.resolvingSymlinksInPath().deletingLastPathComponent()
      for _ in 0..<6 where above.path != "/" {
        let candidate = above.appendingPathComponent("Config/mappings").path
        if FileManager.default.fileExists(atPath: candidate) { result.append(candidate) }
        above.deleteLastPathComponent()
      }
    }
    result.append("/usr/share/ebb/mappings")
    return result
  }
}
