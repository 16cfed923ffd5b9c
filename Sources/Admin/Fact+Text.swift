import Triggers

// Facts for terminals and for programs.
extension [Fact] {
  /// One a line, what belongs to a fact indented below it.
  public var lines: [String] { lines("") }

  private func lines(_ indent: String) -> [String] {
    var lines: [String] = []
    for fact in self {
      switch fact.value {
      case .facts(let more):
        lines.append("\(indent)\(fact.name):\(more.isEmpty ? " none" : "")")
        lines += more.lines(indent + "  ")
      case .list(let values):
        lines.append("\(indent)\(fact.name):\(values.isEmpty ? " none" : "")")
        if let table = Fact.Value.table(values) {
          lines += table.map { "\(indent)  \($0)" }
          continue
        }
        for value in values {
          if case .facts(let more) = value {
            let inner = more.lines(indent + "    ")
            lines.append("\(indent)  - \(inner.first?.drop { $0 == " " } ?? "")")
            lines += inner.dropFirst()
          } else {
            lines.append("\(indent)  - \(value.text)")
          }
        }
      default: lines.append("\(indent)\(fact.name): \(fact.value.text)")
      }
    }
    return lines
  }

  /// One object: times are milliseconds since 1970 UTC.
  public var json: String { Fact.Value.facts(self).json }
}

extension Fact.Value {
  /// Several lists of single facts as lines of a table, names first; nil: they are something else.
  fileprivate static func table(_ values: [Fact.Value]) -> [String]? {
    var rows: [[Fact]] = []
    for case .facts(let facts) in values where facts.allSatisfy({ !$0.value.isSeveral }) {
      rows.append(facts)
    }
    guard rows.count == values.count, rows.count > 1 else { return nil }
    var names: [String] = []
    for name in rows.joined().map(\.name) where !names.contains(name) { names.append(name) }
    let cells =
      [names] + rows.map { row in names.map { name in row.first { $0.name == name }?.value.text ?? "" } }
    let widths = names.indices.map { column in cells.map { $0[column].count }.max()! }
    return cells.map { row in
      let line = zip(row, widths).map { text, width in
        text + String(repeating: " ", count: width - text.count)
      }.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed())
    }
  }

  private var isSeveral: Bool {
    switch self {
    case .facts, .list: true
    default: false
    }
  }

  /// A single value for people; empty where there are several.
  var text: String {
    switch self {
    case .text(let text): text
    case .number(let number): "\(number)"
    case .decimal(let number): "\((number * 1000).rounded() / 1000)"
    case .time(let time): WireText.instant(time)
    case .flag(let flag): flag ? "yes" : "no"
    case .facts, .list: ""
    }
  }

  var json: String {
    switch self {
    case .text(let text): Self.quoted(text)
    case .number(let number), .time(let number): "\(number)"
    case .decimal(let number): number.isFinite ? "\(number)" : "null"
    case .flag(let flag): flag ? "true" : "false"
    case .facts(let facts):
      "{" + facts.map { Self.quoted($0.name) + ":" + $0.value.json }.joined(separator: ",") + "}"
    case .list(let values): "[" + values.map(\.json).joined(separator: ",") + "]"
    }
  }

  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
