import Yams

/// A position in a file, from 1; columns in characters.
struct Place: Sendable, Hashable {
  var line: Int
  var column: Int

  init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  init(_ node: Node) {
    self.init(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
  }
}

/// What has been found so far in one file.
struct Reading: Sendable {
  /// Findings beyond this are counted, not told: nobody reads the thousandth.
  static let maximumFindings = 200

  let file: String
  private(set) var findings: [Finding] = []
  private var omitted = 0
  private(set) var hasErrors = false
  /// Where the value of each option that the file sets stands; list elements as `path[0]`, map entries as
  /// `path.key`.
  private(set) var places: [String: Place] = [:]
  /// Options whose value was refused: nothing that involves them is judged further.
  private var refused: Set<String> = []

  init(file: String) {
    self.file = file
  }

  mutating func tell(_ severity: Finding.Severity, at place: Place, _ message: String) {
    if severity == .error { hasErrors = true }
    guard findings.count < Self.maximumFindings else {
      omitted += 1
      return
    }
    findings.append(
      Finding(file: file, line: place.line, column: place.column, severity: severity, message: message))
  }

  /// An error in the value of the option at `path`.
  mutating func refuse(_ node: Node, _ path: String, _ message: String) {
    refuse(at: places[path] ?? Place(node), path, message)
  }

  mutating func refuse(at place: Place, _ path: String, _ message: String) {
    refused.insert(option(path))
    tell(.error, at: place, message)
  }

  mutating func note(_ path: String, at place: Place) {
    places[path] = place
  }

  func isRefused(_ path: String) -> Bool {
    refused.contains(option(path))
  }

  /// Where `path` stands, else the option that holds it.
  func place(_ path: String) -> Place? {
    places[path] ?? places[option(path)]
  }

  /// Stands at the end if findings were left out.
  var omission: Finding? {
    guard omitted > 0, let last = findings.max() else { return nil }
    return Finding(
      file: file, line: last.line, column: last.column, severity: hasErrors ? .error : .warning,
      message: "\(omitted) further findings are not shown")
  }

  /// `cart.steps` for `cart.steps[2]`, `windows` for `windows.hour`.
  private func option(_ path: String) -> String {
    var path = path
    while OptionTable.byPath[path] == nil, let end = path.lastIndex(where: { $0 == "." || $0 == "[" }) {
      path = String(path[..<end])
    }
    return path
  }
}

/// A text from a file as messages show it: quoted, one line, at most 60 characters.
func quoted(_ text: String) -> String {
  let safe = legible(text).unicodeScalars
  return safe.count <= 60 ? "'\(String(safe))'" : "'\(String(safe.prefix(57)))...'"
}

/// Text from outside with a mark in the place of everything that does not show as itself.
func legible(_ text: String) -> String {
  if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
  var safe = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
      safe.append("\u{FFFD}")
    default: safe.append(scalar)
    }
  }
  return String(safe)
}

extension Node {
  /// Nothing written after the colon, or `null`.
  var isEmptyValue: Bool {
    guard case .scalar(let scalar) = self, scalar.style == .plain else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
  }

  /// What messages call it.
  var shape: String {
    switch self {
    case .scalar: "a single value"
    case .mapping: "a map"
    case .sequence: "a list"
    case .alias: "an alias"
    }
  }
}
