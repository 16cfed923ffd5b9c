/// Turns a definition into a compiled mapping and collects what is wrong with it.
struct MappingCompiler: ~Copyable {
  let definition: MappingDefinition
  private(set) var problems: [MappingProblem] = []
  private(set) var result = CompiledMapping()
  private let reader = JSONReader(maximumBytes: 0, maximumDepth: 0)
  /// Arrays whose elements are all kept, with their group.
  private var lists: [[JSONPath.Step]: Int32] = [:]

  /// The most sources one field can have.
  static let maximumSources = 16
  /// The most event names a mapping can translate.
  static let maximumNames = 1_000

  init(_ definition: MappingDefinition) {
    self.definition = definition
  }

  mutating func compile() {
    checkLayout()
    // Lists first: `a[0]` means another thing once all elements of `a` are kept.
    compileSplit()
    compileItems()
    compileTraits()
    if definition.eventName.isEmpty {
      report("event", "nothing says where the event's name stands")
    }
    result.fields.eventName = sources(definition.eventName, at: "event", units: [])
    for field in EventField.allCases {
      guard let list = definition.fields[field] else { continue }
      result.fields[field] = sources(list, at: "fields.\(field.rawValue)", units: field.units)
    }
    if definition.fields[.ts, default: []].isEmpty {
      report(
        "fields.ts", "nothing says where the time stands; `record_timestamp: true` takes the record's own")
    }
    if definition.fields[.userID, default: []].isEmpty, definition.fields[.anonymousID, default: []].isEmpty {
      report("fields.user_id", "neither user_id nor anonymous_id is mapped; events belong to a user")
    }
    compileNames()
  }

  private mutating func report(_ element: String, _ message: String) {
    problems.append(MappingProblem(element, message))
  }

  private mutating func text(_ string: String) -> TextRange {
    let start = UInt32(result.texts.count)
    result.texts.append(contentsOf: string.utf8)
    return TextRange(start: start, count: UInt32(result.texts.count) - start)
  }

  private mutating func label(_ string: String) -> Int32 {
    result.labels.append(string)
    return Int32(result.labels.count - 1)
  }

  // MARK: Parts

  private mutating func checkLayout() {
    guard case .rows(let layout) = definition.form else { return }
    if layout.columns.isEmpty { report("rows.columns", "the columns are not named") }
    if layout.columns.count > 1_000 { report("rows.columns", "more than 1000 columns") }
    var seen: Set<String> = []
    for column in layout.columns where !seen.insert(column).inserted {
      report("rows.columns", "the column '\(column)' is named twice")
    }
    if layout.delimiter == 0x22 || layout.delimiter == 0x0A || layout.delimiter == 0x0D {
      report("rows.delimiter", "a quote or a line end cannot delimit columns")
    }
    if !definition.items.isEmpty { report("items", "rows hold no lists of items") }
    if !definition.traits.isEmpty { report("traits", "rows hold no objects to take traits from") }
    if definition.split != nil { report("split", "a row is one event and cannot be split") }
  }

  private var isJSON: Bool { definition.form == .json }

  private mutating func compileSplit() {
    guard let split = definition.split, isJSON else { return }
    guard let steps = path(split, at: "split") else { return }
    guard !steps.contains(.each) else {
      report("split", "name the array itself, without [*]")
      return
    }
    guard let group = list(steps, limit: CompiledMapping.maximumSplit) else {
      report("split", "'\(split)' cannot be taken as a list")
      return
    }
    lists[steps] = group
    result.splitGroup = group
    result.splitLabel = label(split)
    if !definition.items.isEmpty { report("items", "a mapping that splits its records cannot have items") }
  }

  private mutating func compileItems() {
    guard isJSON, definition.split == nil else { return }
    for (index, items) in definition.items.enumerated() {
      let element = "items[\(index)]"
      guard let steps = path(items.each, at: element + ".each") else { continue }
      guard !steps.contains(.each) else {
        report(element + ".each", "name the array itself, without [*]")
        continue
      }
      guard lists[steps] == nil else {
        report(element + ".each", "'\(items.each)' is listed twice")
        continue
      }
      guard let group = list(steps, limit: Event.maximumItems) else {
        report(element + ".each", "'\(items.each)' stands inside another list or is also taken by a selector")
        continue
      }
      lists[steps] = group
      if items.itemID.isEmpty {
        report(element + ".item_id", "nothing says where the item's identifier stands")
      }
      let compiled = CompiledItems(
        group: group,
        itemID: sources(items.itemID, at: element + ".item_id", units: [], inside: steps, of: items.each),
        price: sources(
          items.price, at: element + ".price_minor", units: EventField.price.units, inside: steps,
          of: items.each),
        quantity: sources(
          items.quantity, at: element + ".quantity", units: [], inside: steps, of: items.each),
        label: label(items.each))
      result.items.append(compiled)
    }
  }

  private mutating func compileTraits() {
    guard isJSON else { return }
    for (index, text) in definition.traits.enumerated() {
      guard let steps = path(text, at: "traits[\(index)]") else { continue }
      guard !steps.contains(.each), let node = reader.node(steps[...], eachLimit: 0),
        reader.members(node) == Int32(index)
      else {
        report("traits[\(index)]", "'\(text)' cannot hold traits: it stands inside a list or is named twice")
        continue
      }
      result.requests.append(.members(steps))
      result.traits.append(label(text))
    }
  }

  private mutating func compileNames() {
    if definition.names.isEmpty { report("names", "no event name is translated, so every event is ignored") }
    if definition.names.count > Self.maximumNames {
      report("names", "more than \(Self.maximumNames) names")
      return
    }
    var order: [String] = []
    var byName: [String: [NameRule]] = [:]
    for rule in definition.names {
      if byName[rule.name] == nil { order.append(rule.name) }
      if let last = byName[rule.name]?.last, last.condition == nil {
        report("names.\(rule.name)", "this rule is never reached: the one before it has no condition")
      }
      byName[rule.name, default: []].append(rule)
      if rule.type == .cartSet, definition.items.isEmpty {
        report("names.\(rule.name)", "cart_set needs `items`, and this mapping has none")
      }
    }
    for name in order {
      let rules = byName[name, default: []]
      let range = text(name)
      let hash = hash(of: name)
      for (index, rule) in rules.enumerated() {
        let condition = condition(rule.condition, at: "names.\(name)")
        result.rules.append(
          CompiledRule(
            name: range, hash: hash, count: Int32(rules.count - index), type: rule.type,
            condition: condition))
      }
    }
    var size = 8
    while size < order.count * 2 { size *= 2 }
    result.ruleTable = Array(repeating: -1, count: size)
    var rule = 0
    while rule < result.rules.count {
      var slot = Int(result.rules[rule].hash) & (size - 1)
      while result.ruleTable[slot] >= 0 { slot = (slot + 1) & (size - 1) }
      result.ruleTable[slot] = Int32(rule)
      rule += Int(result.rules[rule].count)
    }
  }

  private func hash(of name: String) -> UInt32 {
    let bytes = Array(name.utf8)
    return unsafe bytes.withUnsafeBytes { unsafe RawText($0).hash }
  }

  // MARK: Sources

  /// Compiles the sources of one field; `inside` names the list whose elements they are relative to.
  private mutating func sources(
    _ list: [FieldSource], at element: String, units: [SourceUnit], inside steps: [JSONPath.Step]? = nil,
    of each: String = ""
  ) -> CompiledRange {
    if list.count > Self.maximumSources {
      report(element, "more than \(Self.maximumSources) sources")
      return CompiledRange()
    }
    var compiled: [CompiledSource] = []
    for (index, source) in list.enumerated() {
      let element = "\(element)[\(index)]"
      if let unit = source.unit, !units.contains(unit) {
        let remedy = units.isEmpty ? "it has none" : "one of " + units.map(\.rawValue).joined(separator: ", ")
        report(element, "the unit '\(unit.rawValue)' does not fit this field: \(remedy)")
      }
      guard
        let (place, name) = place(
          source.origin, at: element, inside: steps, of: each, isTime: units.contains(.iso8601))
      else { continue }
      let condition = condition(source.condition, at: element, inside: steps, of: each)
      let missingStart = Int32(result.missing.count)
      for value in source.missing {
        result.missing.append(CompiledMissing(text: text(value), decimal: DecimalText(value)))
      }
      compiled.append(
        CompiledSource(
          place: place, unit: source.unit ?? units.first ?? .minor,
          missing: CompiledRange(start: missingStart, end: Int32(result.missing.count)), label: label(name),
          condition: condition))
    }
    let start = Int32(result.sources.count)
    result.sources.append(contentsOf: compiled)
    var direct: Int32 = -1
    if let first = compiled.first, first.isPlain, case .value(let capture) = first.place { direct = capture }
    return CompiledRange(
      start: start, end: Int32(result.sources.count),
      captures: compiled.reduce(0) { $0 | $1.place.capture }, direct: direct)
  }

  private mutating func condition(
    _ condition: MappingCondition?, at element: String, inside steps: [JSONPath.Step]? = nil,
    of each: String = ""
  ) -> Int32 {
    guard let condition,
      let (place, name) = place(condition.origin, at: element, inside: steps, of: each, isTime: false)
    else { return -1 }
    let source = CompiledSource(place: place, unit: .minor, missing: CompiledRange(), label: label(name))
    result.sources.append(source)
    result.conditions.append(
      CompiledCondition(
        source: Int32(result.sources.count - 1), equals: condition.equals.map { text($0) }))
    return Int32(result.conditions.count - 1)
  }

  private mutating func place(
    _ origin: FieldSource.Origin, at element: String, inside list: [JSONPath.Step]?, of each: String,
    isTime: Bool
  ) -> (CompiledSource.Place, String)? {
    switch origin {
    case .constant(let value):
      return (.constant(text(value)), "the mapping's constant")
    case .recordKey:
      return (.recordKey, "the record's key")
    case .recordTimestamp:
      guard isTime else {
        report(element, "the record's timestamp can only be the time")
        return nil
      }
      return (.recordTimestamp, "the record's timestamp")
    case .column(let name):
      guard case .rows(let layout) = definition.form else {
        report(element, "JSON has no columns; name a path")
        return nil
      }
      guard let index = layout.columns.firstIndex(of: name) else {
        report(element, "'\(name)' is none of the columns \(layout.columns.joined(separator: ", "))")
        return nil
      }
      return (.column(Int32(index)), "column \(name)")
    case .columnNumber(let number):
      guard case .rows(let layout) = definition.form else {
        report(element, "JSON has no columns; name a path")
        return nil
      }
      guard number >= 1, number <= layout.columns.count else {
        report(element, "column \(number) does not lie between 1 and \(layout.columns.count)")
        return nil
      }
      return (.columnNumber(Int32(number - 1)), "column \(number)")
    case .path(let written):
      guard isJSON else {
        report(element, "rows have no paths; name a column")
        return nil
      }
      guard let steps = path(written, at: element) else { return nil }
      if let list {
        guard !steps.contains(.each) else {
          report(element, "a list inside a list cannot be read; '\(written)' is relative to one element")
          return nil
        }
        let name = steps.isEmpty ? "\(each)[*]" : "\(each)[*].\(written)"
        return capture(list + [.each] + steps, at: element, written, limit: Event.maximumItems)
          .map { (.row(group: $0.group, column: $0.column), name) }
      }
      return field(steps, written, at: element).map { ($0, written) }
    }
  }

  /// A field of the record itself.
  private mutating func field(
    _ steps: [JSONPath.Step], _ written: String, at element: String
  ) -> CompiledSource.Place? {
    for list in lists.keys where steps.count > list.count && Array(steps.prefix(list.count)) == list {
      let isSplit = definition.split != nil
      let rest = Array(steps.dropFirst(list.count + 1))
      switch steps[list.count] {
      case .each where isSplit:
        return capture(list + [.each] + rest, at: element, written, limit: CompiledMapping.maximumSplit)
          .map { .row(group: $0.group, column: $0.column) }
      case .index(let index):
        let limit = isSplit ? CompiledMapping.maximumSplit : Event.maximumItems
        guard index < limit else {
          report(element, "only the first \(limit) elements of a list are kept")
          return nil
        }
        return capture(list + [.each] + rest, at: element, written, limit: limit)
          .map { .element(group: $0.group, column: $0.column, index: Int32(index)) }
      default: break
      }
    }
    guard !steps.contains(.each) else {
      report(element, "'\(written)' stands for several values; take one, such as [0], or use `items`")
      return nil
    }
    guard !steps.isEmpty else {
      report(element, "'.' is the whole record; name a path inside it")
      return nil
    }
    return capture(steps, at: element, written, limit: 0).map { .value($0.column) }
  }

  private mutating func capture(
    _ steps: [JSONPath.Step], at element: String, _ written: String, limit: Int
  ) -> (group: Int32, column: Int32)? {
    guard let node = reader.node(steps[...], eachLimit: limit) else {
      report(element, "'\(written)' cannot be read besides the other paths through the same list")
      return nil
    }
    result.requests.append(.capture(steps, eachLimit: limit))
    return (reader.group(of: node), reader.capture(node))
  }

  /// Makes an array one whose elements are all kept.
  private mutating func list(_ steps: [JSONPath.Step], limit: Int) -> Int32? {
    let steps = steps + [.each]
    guard let node = reader.node(steps[...], eachLimit: limit) else { return nil }
    result.requests.append(.node(steps, eachLimit: limit))
    return reader.group(of: node)
  }

  private mutating func path(_ text: String, at element: String) -> [JSONPath.Step]? {
    do {
      return try JSONPath(text).steps
    } catch {
      report(element, error.message)
      return nil
    }
  }
}
