/// The documents that describe what Ebb writes, generated from the declarations that the writer walks.
public enum Schemas {
  /// One file.
  public struct Document: Sendable, Hashable {
    public var fileName: String
    public var text: String
  }

  /// One JSON Schema (draft 2020-12) per alert type, one for the headers of dead letters, and an AsyncAPI 3.0
  /// document of the topics. `Config/schemas` holds the result for the default topic names.
  public static func all(topics: WireTopics = WireTopics()) -> [Document] {
    AlertType.allCases.map { Document(fileName: fileName($0), text: schema($0).jsonDocument) } + [
      Document(fileName: deadLetterFileName, text: deadLetterSchema.jsonDocument),
      Document(fileName: "asyncapi.yaml", text: AsyncAPI.document(topics).yamlDocument),
    ]
  }

  static let dialect = "https://json-schema.org/draft/2020-12/schema"
  static let deadLetterFileName = "dead-letter.headers.schema.json"

  /// Such as `cart.abandoned.schema.json`.
  public static func fileName(_ type: AlertType) -> String { type.shortName + ".schema.json" }

  static func title(_ type: AlertType) -> String {
    switch type {
    case .cartAbandoned: "A cart was left behind"
    case .cartRecovered: "A purchase followed a cart alert"
    case .cartRetracted: "A cart alert is taken back"
    case .churnWarning: "A user starts to drift away"
    case .churnRecovered: "A warned user is no longer at risk"
    }
  }

  static func schema(_ type: AlertType) -> JSONNode {
    let envelope = AlertShapes.envelope(type)
    let body: (properties: [JSONNode.Member], required: [JSONNode]) =
      switch type {
      case .cartAbandoned: (AlertShapes.cartAbandoned.properties, AlertShapes.cartAbandoned.required)
      case .cartRecovered: (AlertShapes.cartRecovered.properties, AlertShapes.cartRecovered.required)
      case .cartRetracted: (AlertShapes.cartRetracted.properties, AlertShapes.cartRetracted.required)
      case .churnWarning: (AlertShapes.churnWarning.properties, AlertShapes.churnWarning.required)
      case .churnRecovered: (AlertShapes.churnRecovered.properties, AlertShapes.churnRecovered.required)
      }
    return .object([
      "$schema": .text(dialect),
      "$id": .text(type.dataSchema),
      "title": .text(title(type)),
      "description": .text(
        "Value of a record of type \(type.rawValue). Every field is always there; what is unknown is null. "
          + "Fields are only ever added: ignore those you do not know. Integers are 64 bits wide. …_at_ms is an "
          + "instant, …_ms a span, …_minor money in minor units."),
      "type": .text("object"),
      "properties": .object(envelope.properties + body.properties),
      "required": .list(envelope.required + body.required),
    ])
  }

  static var deadLetterSchema: JSONNode {
    JSONNode.object([
      "$schema": .text(dialect),
      "$id": .text("urn:ebb:schema:dead-letter.headers:1"),
      "title": .text("A refused record"),
      "description": .text(
        "Headers of a record of the dead-letter topic, as text. Key and value are those of the refused record, "
          + "byte for byte; headers that it came with are kept beside these."),
    ]).adding(members(HeaderField.schema(DeadLetter.headerFields)))
  }

  private static func members(_ node: JSONNode) -> [JSONNode.Member] {
    guard case .object(let members) = node else { return [] }
    return members
  }
}

/// Names of the topics that Ebb writes.
public struct WireTopics: Sendable, Hashable {
  public var cartAlerts: String
  public var churnAlerts: String
  public var deadLetters: String

  public init(
    cartAlerts: String = "ebb.cart", churnAlerts: String = "ebb.churn",
    deadLetters: String = "ebb.dead-letters"
  ) {
    self.cartAlerts = cartAlerts
    self.churnAlerts = churnAlerts
    self.deadLetters = deadLetters
  }
}
