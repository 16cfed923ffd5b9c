/// Something in a mapping that cannot be meant.
public struct MappingProblem: Sendable, Hashable {
  /// Where: `event[0]`, `names.Product Added`, `fields.ts[1]`, `items[0].price_minor[0]`, `traits[0]`,
  /// `rows.columns`, `split`.
  public var element: String
  /// What is wrong, and the remedy.
  public var message: String

  public init(_ element: String, _ message: String) {
    self.element = element
    self.message = message
  }
}

/// Everything that is wrong with a mapping.
public struct MappingError: Error, Sendable, Hashable, CustomStringConvertible {
  public var mapping: String
  public var problems: [MappingProblem]

  public var description: String {
    problems.map { "mapping \(mapping): \($0.element): \($0.message)" }.joined(separator: "\n")
  }
}

/// A checked mapping: how the records of one format become events. A value; any number of decoders can be
/// made from it.
public struct Mapping: Sendable {
  public let definition: MappingDefinition
  let compiled: CompiledMapping

  public var name: String { definition.name }

  /// Whether one record holds several events, so that only readers of files can use it.
  public var isFilesOnly: Bool { definition.split != nil }

  /// The layout of its rows; nil for JSON.
  public var rows: RowLayout? {
    if case .rows(let layout) = definition.form { layout } else { nil }
  }

  /// Checks and compiles a definition; throws all problems at once.
  public init(_ definition: MappingDefinition) throws(MappingError) {
    var compiler = MappingCompiler(definition)
    compiler.compile()
    guard compiler.problems.isEmpty else {
      throw MappingError(mapping: definition.name, problems: compiler.problems)
    }
    self.definition = definition
    compiled = compiler.result
  }
}
