import Events
import Yams

extension MappingFile {
  /// Judges the text of one mapping file: the mapping if it can be used, and everything there is to say
  /// about it, in order of place.
  public static func parse(_ text: String, file: String, name: String) -> (Mapping?, [Finding]) {
    var reader = MappingReader(file: file)
    guard let root = reader.compose(text), let definition = reader.definition(root, name: name) else {
      return (nil, reader.findings.sorted())
    }
    do {
      let mapping = try Mapping(definition)
      return reader.findings.isEmpty ? (mapping, []) : (nil, reader.findings.sorted())
    } catch {
      for problem in error.problems { reader.report(problem) }
      return (nil, reader.findings.sorted())
    }
  }
}

/// Reads the tree of one mapping file, and remembers where everything stands.
struct MappingReader {
  let file: String
  private(set) var findings: [Finding] = []
  /// Where the elements of the definition stand, by the names that `MappingProblem` uses.
  private var marks: [String: Mark] = [:]
  private var isRows = false

  private static let topKeys = [
    "about", "format", "rows", "event", "names", "fields", "items", "traits", "currency", "split",
  ]

  init(file: String) { self.file = file }

  // MARK: Findings

  private mutating func tell(_ mark: Mark?, _ message: String) {
    findings.append(
      Finding(file: file, line: mark?.line ?? 1, column: mark?.column ?? 1, message: message))
  }

  /// A problem of the definition, at the nearest place that is known.
  mutating func report(_ problem: MappingProblem) {
    var element = problem.element
    while marks[element] == nil, let cut = element.lastIndex(where: { $0 == "." || $0 == "[" }) {
      element = String(element[..<cut])
    }
    tell(marks[element], "\(problem.element): \(problem.message)")
  }

  private mutating func unknown(_ key: String, _ mark: Mark?, among known: [String], in place: String) {
    let near = NearMiss.find(key, among: known).map { "did you mean '\($0)'?" }
    tell(mark, "unknown key '\(key)' in \(place); \(near ?? "known are \(known.joined(separator: ", "))")")
  }

  mutating func compose(_ text: String) -> Node? {
    do {
      guard let node = try Yams.compose(yaml: text) else {
        tell(nil, "the file is empty; a mapping names `event`, `names` and `fields`")
        return nil
      }
      return node
    } catch YamlError.duplicatedKeysInMapping(let names, let context) {
      tell(
        context.mark,
        "\(names.sorted().map { "'\($0)'" }.joined(separator: ", ")) stands twice; keep one of them")
    } catch YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
      YamlError.composer(_, let problem, let mark, _)
    {
      tell(mark, "not valid YAML: \(problem)")
    } catch {
      tell(nil, "not readable as YAML")
    }
    return nil
  }

  // MARK: The tree

  mutating func definition(_ root: Node, name: String) -> MappingDefinition? {
    guard let top = root.mapping else {
      tell(root.mark, "a mapping file is a group of keys such as `event`, `names` and `fields`")
      return nil
    }
    var parts: [String: Node] = [:]
    for (key, value) in top {
      guard let text = key.string, Self.topKeys.contains(text) else {
        unknown(key.string ?? "", key.mark, among: Self.topKeys, in: "the file")
        continue
      }
      parts[text] = value
      marks[text] = key.mark
    }
    var result = MappingDefinition(name: name, eventName: [], names: [], fields: [:])
    switch parts["format"]?.string {
    case "rows":
      isRows = true
      if let rows = parts["rows"] {
        result.form = .rows(layout(rows))
      } else {
        tell(parts["format"]?.mark, "`format: rows` needs `rows` with its columns")
      }
    case "json", nil:
      if let rows = parts["rows"] { tell(rows.mark, "`rows` belongs to `format: rows`") }
      if let format = parts["format"], format.string == nil {
        tell(format.mark, "the format is json or rows")
      }
    case .some(let other): tell(parts["format"]?.mark, "'\(other)' is no format; json or rows")
    }
    if let event = parts["event"] { result.eventName = sources(event, "event") }
    if let names = parts["names"] { result.names = rules(names) }
    if let fields = parts["fields"] { result.fields = self.fields(fields) }
    if let items = parts["items"] { result.items = self.items(items) }
    if let traits = parts["traits"] { result.traits = texts(traits, "traits") }
    if let currency = parts["currency"] {
      result.defaultCurrency = Currency(currency.string ?? "")
      if result.defaultCurrency == nil {
        tell(currency.mark, "a currency is three letters (ISO 4217), such as EUR")
      }
    }
    if let split = parts["split"] {
      result.split = split.string
      if split.string == nil { tell(split.mark, "`split` is the path of an array") }
    }
    return result
  }

  private mutating func texts(_ node: Node, _ element: String) -> [String] {
    var result: [String] = []
    for (index, entry) in (node.sequence.map(Array.init) ?? [node]).enumerated() {
      marks["\(element)[\(index)]"] = entry.mark
      if let text = entry.string {
        result.append(text)
      } else {
        tell(entry.mark, "\(element): a text is expected here")
      }
    }
    return result
  }

  private mutating func layout(_ node: Node) -> RowLayout {
    var result = RowLayout(hasHeader: false, columns: [])
    guard let group = node.mapping else {
      tell(node.mark, "`rows` is a group of delimiter, quotes, header and columns")
      return result
    }
    for (key, value) in group {
      let element = "rows.\(key.string ?? "")"
      marks[element] = value.mark
      switch key.string {
      case "delimiter":
        let bytes = Array((value.string ?? "").utf8)
        if value.string == "tab" {
          result.delimiter = 0x09
        } else if bytes.count == 1 {
          result.delimiter = bytes[0]
        } else {
          tell(value.mark, "the delimiter is one ASCII character, or `tab`")
        }
      case "quotes": result.quoted = bool(value) ?? result.quoted
      case "header": result.hasHeader = bool(value) ?? false
      case "columns": result.columns = texts(value, element)
      default:
        unknown(
          key.string ?? "", key.mark, among: ["delimiter", "quotes", "header", "columns"], in: "`rows`")
      }
    }
    return result
  }

  private mutating func bool(_ node: Node) -> Bool? {
    switch node.string {
    case "true", "on", "yes": return true
    case "false", "off", "no": return false
    default:
      tell(node.mark, "true or false is expected here")
      return nil
    }
  }

  private mutating func rules(_ node: Node) -> [NameRule] {
    guard let group = node.mapping else {
      tell(node.mark, "`names` is a group: each event name with the type it becomes")
      return []
    }
    var result: [NameRule] = []
    for (key, value) in group {
      guard let name = key.string else {
        tell(key.mark, "an event name is a text")
        continue
      }
      marks["names.\(name)"] = key.mark
      if let rules = value.sequence {
        for rule in rules { if let rule = self.rule(rule, name) { result.append(rule) } }
      } else if let rule = self.rule(value, name) {
        result.append(rule)
      }
    }
    return result
  }

  private mutating func rule(_ node: Node, _ name: String) -> NameRule? {
    if node.string != nil { return type(node).map { NameRule(name, $0) } }
    guard let group = node.mapping else {
      tell(node.mark, "an event name becomes a type, or a list of {type, if}")
      return nil
    }
    var type: EventType??
    var condition: MappingCondition?
    for (key, value) in group {
      switch key.string {
      case "type": type = self.type(value)
      case "if": condition = self.condition(value)
      default: unknown(key.string ?? "", key.mark, among: ["type", "if"], in: "a rule of '\(name)'")
      }
    }
    guard let type else {
      tell(node.mark, "a rule of '\(name)' needs a `type`")
      return nil
    }
    return NameRule(name, type, if: condition)
  }

  /// The type; `.some(nil)` for `ignore`.
  private mutating func type(_ node: Node) -> EventType?? {
    let name = node.string ?? ""
    if name == "ignore" { return .some(nil) }
    if let type = EventType(name: name) { return .some(type) }
    let names = EventType.allCases.map(\.name) + ["ignore"]
    let near = NearMiss.find(name, among: names).map { "did you mean '\($0)'?" }
    tell(node.mark, "'\(name)' is no event type; \(near ?? "there are \(names.joined(separator: ", "))")")
    return nil
  }

  private mutating func fields(_ node: Node) -> [EventField: [FieldSource]] {
    guard let group = node.mapping else {
      tell(node.mark, "`fields` is a group: each field with the places where it may stand")
      return [:]
    }
    var result: [EventField: [FieldSource]] = [:]
    for (key, value) in group {
      guard let field = EventField(rawValue: key.string ?? "") else {
        unknown(key.string ?? "", key.mark, among: EventField.allCases.map(\.rawValue), in: "`fields`")
        continue
      }
      marks["fields.\(field.rawValue)"] = key.mark
      result[field] = sources(value, "fields.\(field.rawValue)")
    }
    return result
  }

  private mutating func items(_ node: Node) -> [ItemsSource] {
    var result: [ItemsSource] = []
    let known = ["each", "item_id", "price_minor", "quantity"]
    for (index, entry) in (node.sequence.map(Array.init) ?? [node]).enumerated() {
      let element = "items[\(index)]"
      marks[element] = entry.mark
      guard let group = entry.mapping else {
        tell(entry.mark, "`items` names the array (`each`) and the fields of its elements")
        continue
      }
      var items = ItemsSource(each: "", itemID: [])
      for (key, value) in group {
        let element = "\(element).\(key.string ?? "")"
        marks[element] = key.mark
        switch key.string {
        case "each": items.each = value.string ?? ""
        case "item_id": items.itemID = sources(value, element)
        case "price_minor": items.price = sources(value, element)
        case "quantity": items.quantity = sources(value, element)
        default: unknown(key.string ?? "", key.mark, among: known, in: "`items`")
        }
      }
      result.append(items)
    }
    return result
  }

  // MARK: Sources

  private mutating func sources(_ node: Node, _ element: String) -> [FieldSource] {
    var result: [FieldSource] = []
    for (index, entry) in (node.sequence.map(Array.init) ?? [node]).enumerated() {
      marks["\(element)[\(index)]"] = entry.mark
      if let source = source(entry) { result.append(source) }
    }
    return result
  }

  /// A short form: a path, or in rows a column's name or number.
  private func origin(_ text: String) -> FieldSource.Origin {
    guard isRows else { return .path(text) }
    return Int(text).map { .columnNumber($0) } ?? .column(text)
  }

  private mutating func source(_ node: Node) -> FieldSource? {
    if let text = node.string { return FieldSource(origin(text)) }
    guard let group = node.mapping else {
      tell(node.mark, "a place is a path or a column, or a group such as {path: ..., unit: ...}")
      return nil
    }
    var result = FieldSource(.constant(""))
    var origins = 0
    for (key, value) in group {
      switch key.string {
      case "unit":
        result.unit = SourceUnit(rawValue: value.string ?? "")
        if result.unit == nil {
          let units = SourceUnit.allCases.map(\.rawValue).joined(separator: ", ")
          tell(value.mark, "'\(value.string ?? "")' is no unit; there are \(units)")
        }
      case "missing": result.missing = texts(value, "missing")
      case "if": result.condition = condition(value)
      default:
        if let origin = origin(key, value, known: ["unit", "missing", "if"]) {
          result.origin = origin
          origins += 1
        }
      }
    }
    guard origins == 1 else {
      tell(node.mark, "exactly one of path, column, constant, record_key, record_timestamp belongs here")
      return nil
    }
    return result
  }

  private mutating func origin(_ key: Node, _ value: Node, known: [String]) -> FieldSource.Origin? {
    switch key.string {
    case "path": return value.string.map { .path($0) }
    case "column": return value.string.map { text in Int(text).map { .columnNumber($0) } ?? .column(text) }
    case "constant": return value.string.map { .constant($0) }
    case "record_key": return bool(value) == true ? .recordKey : nil
    case "record_timestamp": return bool(value) == true ? .recordTimestamp : nil
    default:
      let all = ["path", "column", "constant", "record_key", "record_timestamp"] + known
      unknown(key.string ?? "", key.mark, among: all, in: "a place")
      return nil
    }
  }

  private mutating func condition(_ node: Node) -> MappingCondition? {
    if let text = node.string { return MappingCondition(origin(text)) }
    guard let group = node.mapping else {
      tell(node.mark, "a condition is a path or column that has to be present, or {path: ..., equals: ...}")
      return nil
    }
    var result: MappingCondition?
    var equals: String?
    for (key, value) in group {
      if key.string == "equals" {
        equals = value.string
      } else if let origin = origin(key, value, known: ["equals"]) {
        result = MappingCondition(origin)
      }
    }
    if result == nil { tell(node.mark, "a condition needs a path or a column") }
    result?.equals = equals
    return result
  }
}
