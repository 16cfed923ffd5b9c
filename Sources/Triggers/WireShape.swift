/// One field of a JSON object, declared once: how it is written and what the schema says of it.
struct Field<Value>: Sendable {
  let name: String
  /// What the schema says: type, bounds, description with the unit.
  let schema: JSONNode
  let write: @Sendable (Value, inout JSONText) -> Void

  private init(
    _ name: String, _ schema: JSONNode, write: @escaping @Sendable (Value, inout JSONText) -> Void
  ) {
    self.name = name
    self.schema = schema
    self.write = write
  }
}

/// The fields of a JSON object, in the order in which they are written. All are always written.
struct Shape<Value>: Sendable {
  let fields: [Field<Value>]

  init(_ fields: [Field<Value>]) {
    precondition(Set(fields.map(\.name)).count == fields.count, "a field is declared twice")
    self.fields = fields
  }

  /// Writes the fields, without the braces.
  func write(_ value: Value, into text: inout JSONText) {
    for field in fields {
      text.name(field.name)
      field.write(value, &text)
    }
  }

  var properties: [JSONNode.Member] {
    fields.map { JSONNode.Member($0.name, $0.schema) }
  }

  var required: [JSONNode] {
    fields.map { .text($0.name) }
  }
}

extension Field {
  typealias Get<Part> = @Sendable (Value) -> Part

  private static func schema(
    _ type: String, nullable: Bool = false, _ doc: String, _ more: [JSONNode.Member] = []
  ) -> JSONNode {
    let types: JSONNode = nullable ? .list([.text(type), .text("null")]) : .text(type)
    return JSONNode.object(["description": .text(doc), "type": types]).adding(more)
  }

  private static func bounds(_ range: ClosedRange<Int64>?) -> [JSONNode.Member] {
    guard let range else { return [] }
    var members = [JSONNode.Member("minimum", .integer(range.lowerBound))]
    if range.upperBound != Int64.max { members.append(.init("maximum", .integer(range.upperBound))) }
    return members
  }

  /// A 64-bit integer.
  static func integer(
    _ name: String, _ doc: String, in range: ClosedRange<Int64>? = nil, _ get: @escaping Get<Int64>
  ) -> Field {
    Field(name, schema("integer", doc, bounds(range))) { $1.integer(get($0)) }
  }

  /// A 64-bit integer or null.
  static func optionalInteger(
    _ name: String, _ doc: String, in range: ClosedRange<Int64>? = nil, _ get: @escaping Get<Int64?>
  ) -> Field {
    Field(name, schema("integer", nullable: true, doc, bounds(range))) {
      if let number = get($0) { $1.integer(number) } else { $1.null() }
    }
  }

  /// A number with at most 4 decimals, or null.
  static func number(_ name: String, _ doc: String, _ get: @escaping Get<Double?>) -> Field {
    Field(name, schema("number", nullable: true, doc)) {
      if let number = get($0) { $1.number(number) } else { $1.null() }
    }
  }

  static func flag(_ name: String, _ doc: String, _ get: @escaping Get<Bool>) -> Field {
    Field(name, schema("boolean", doc)) { $1.flag(get($0)) }
  }

  static func text(
    _ name: String, _ doc: String, pattern: String? = nil, _ get: @escaping Get<String>
  ) -> Field {
    let more = pattern.map { [JSONNode.Member("pattern", .text($0))] } ?? []
    return Field(name, schema("string", doc, more)) { $1.text(get($0)) }
  }

  static func optionalText(
    _ name: String, _ doc: String, pattern: String? = nil, _ get: @escaping Get<String?>
  ) -> Field {
    let more = pattern.map { [JSONNode.Member("pattern", .text($0))] } ?? []
    return Field(name, schema("string", nullable: true, doc, more)) {
      if let text = get($0) { $1.text(text) } else { $1.null() }
    }
  }

  /// Always the same text.
  static func constant(_ name: String, _ doc: String, _ value: String) -> Field {
    Field(name, JSONNode.object(["description": .text(doc), "const": .text(value)])) { $1.text(value) }
  }

  /// One of a closed list of words.
  static func choice(
    _ name: String, _ doc: String, of words: [String], _ get: @escaping Get<String>
  ) -> Field {
    let more = [JSONNode.Member("enum", .list(words.map { .text($0) }))]
    return Field(name, schema("string", doc, more)) { $1.text(get($0)) }
  }

  /// A list of texts, each of a pattern or of a closed list of words.
  static func texts(
    _ name: String, _ doc: String, each: JSONNode, _ get: @escaping Get<[String]>
  ) -> Field {
    Field(name, schema("array", doc, [JSONNode.Member("items", each)])) {
      $1.open("[")
      for text in get($0) { $1.text(text) }
      $1.close("]")
    }
  }

  static func list<Part>(
    _ name: String, _ doc: String, _ shape: Shape<Part>, _ get: @escaping Get<[Part]>
  ) -> Field {
    let each = JSONNode.object([
      "type": .text("object"), "properties": .object(shape.properties), "required": .list(shape.required),
    ])
    return Field(name, schema("array", doc, [JSONNode.Member("items", each)])) {
      $1.open("[")
      for part in get($0) {
        $1.open("{")
        shape.write(part, into: &$1)
        $1.close("}")
      }
      $1.close("]")
    }
  }

  static func optionalObject<Part>(
    _ name: String, _ doc: String, _ shape: Shape<Part>, _ get: @escaping Get<Part?>
  ) -> Field {
    let more = [
      JSONNode.Member("properties", .object(shape.properties)),
      JSONNode.Member("required", .list(shape.required)),
    ]
    return Field(name, schema("object", nullable: true, doc, more)) {
      guard let part = get($0) else { return $1.null() }
      $1.open("{")
      shape.write(part, into: &$1)
      $1.close("}")
    }
  }
}

/// One Kafka header, declared once like a `Field`.
struct HeaderField<Value>: Sendable {
  let name: String
  let doc: String
  /// The only value it ever has.
  let constant: String?
  /// Whether it is always there.
  let required: Bool
  /// nil: the header is left out.
  let get: @Sendable (Value) -> String?

  static func constant(_ name: String, _ doc: String, _ value: String) -> HeaderField {
    HeaderField(name: name, doc: doc, constant: value, required: true) { _ in value }
  }

  static func text(
    _ name: String, _ doc: String, _ get: @escaping @Sendable (Value) -> String
  ) -> HeaderField {
    HeaderField(name: name, doc: doc, constant: nil, required: true, get: get)
  }

  static func optional(
    _ name: String, _ doc: String, _ get: @escaping @Sendable (Value) -> String?
  ) -> HeaderField {
    HeaderField(name: name, doc: doc, constant: nil, required: false, get: get)
  }

  /// The headers that are there for `value`.
  static func headers(_ fields: [HeaderField], of value: Value) -> [WireHeader] {
    fields.compactMap { field in
      field.get(value).map { WireHeader(name: field.name, value: Array($0.utf8)) }
    }
  }

  /// A schema of the headers as an object of texts.
  static func schema(_ fields: [HeaderField]) -> JSONNode {
    .object([
      "type": .text("object"),
      "properties": .object(
        fields.map { field in
          var node: [JSONNode.Member] = [
            .init("description", .text(field.doc)), .init("type", .text("string")),
          ]
          if let constant = field.constant { node.append(.init("const", .text(constant))) }
          return JSONNode.Member(field.name, .object(node))
        }),
      "required": .list(fields.filter(\.required).map { .text($0.name) }),
    ])
  }
}
