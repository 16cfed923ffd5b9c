import Foundation
import Yams

extension Configuration {
  /// Reads the configuration in `text`.
  ///
  /// - Parameter file: the name that findings carry.
  /// - Returns: nil with at least one error among the findings; else the configuration, with warnings and
  ///   notes. Every finding at once, in order of place. An empty text holds the defaults.
  public static func parse(text: String, file: String) -> (Configuration?, [Finding]) {
    let examination = Examination(text: text, file: file)
    return (examination.configuration, examination.findings)
  }

  /// Reads the file at `path`; as `parse`, and a mapping file that it names by a relative path is looked for
  /// beside it. A file that cannot be read is an error at its first character.
  public static func load(path: String) -> (Configuration?, [Finding]) {
    do throws(SettingsError) {
      let examination = try Examination(path: path)
      return (examination.configuration, examination.findings)
    } catch {
      return (nil, [Finding(file: path, line: 1, column: 1, message: "\(error)")])
    }
  }

  static func read(
    group: String, _ node: Node, _ reading: inout Reading, _ configuration: inout Configuration
  ) {
    if node.isEmptyValue { return }
    guard case .mapping(let mapping) = node else {
      let names = OptionTable.names(in: group).joined(separator: ", ")
      reading.tell(
        .error, at: Place(node),
        group.isEmpty
          ? "the file holds \(node.shape); write options as name: value (\(names))"
          : "\(group) is a group of options, not \(node.shape); write them indented beneath it (\(names))")
      return
    }
    for (key, value) in mapping {
      guard case .scalar(let scalar) = key else {
        reading.tell(.error, at: Place(key), "an option's name is a single text, not \(key.shape)")
        continue
      }
      if Document.isMasked(scalar.string) { continue }
      let path = group.isEmpty ? scalar.string : "\(group).\(scalar.string)"
      if let option = OptionTable.byPath[path], !scalar.string.contains(".") {
        reading.note(path, at: Place(value.isEmptyValue ? key : value))
        option.read(value, &reading, &configuration)
      } else if OptionTable.isGroup(path), !scalar.string.contains(".") {
        read(group: path, value, &reading, &configuration)
      } else {
        reading.tell(.error, at: Place(key), unknown(scalar.string, in: group))
      }
    }
  }

  /// What to say of a name that is no option of `group`.
  private static func unknown(_ name: String, in group: String) -> String {
    let path = group.isEmpty ? name : "\(group).\(name)"
    if name.contains("."), OptionTable.byPath[path] != nil || OptionTable.isGroup(path) {
      let parts = path.split(separator: ".")
      return "\(quoted(name)): write \(parts.last ?? "") indented beneath \(OptionTable.group(of: path)):"
    }
    let known = OptionTable.names(in: group)
    let prefix = group.isEmpty ? "" : "\(group)."
    if let near = NearMiss.find(name, among: known) {
      return "unknown option \(quoted(path)); did you mean '\(prefix)\(near)'?"
    }
    let elsewhere = OptionTable.all.map(\.path).filter { $0.hasSuffix(".\(name)") }
    if let moved = elsewhere.first {
      return "unknown option \(quoted(path)); did you mean '\(moved)'?"
    }
    if let near = NearMiss.find(path, among: OptionTable.all.map(\.path)) {
      return "unknown option \(quoted(path)); did you mean '\(near)'?"
    }
    let place = group.isEmpty ? "at the top" : "in \(group)"
    return "unknown option \(quoted(path)); known \(place): \(known.joined(separator: ", "))"
  }
}
