/// The AsyncAPI 3.0 document (https://www.asyncapi.com/docs/reference/specification/v3.0.0).
enum AsyncAPI {
  static func document(_ topics: WireTopics) -> JSONNode {
    .object([
      "asyncapi": .text("3.0.0"),
      "info": .object([
        "title": .text("Ebb"),
        "version": .text("1"),
        "description": .text(
          "What ebbd writes: alerts on abandoned carts and drifting users, and the records it refuses. Alerts are "
            + "CloudEvents 1.0 in Kafka binary mode. The version is that of the schemas."),
      ]),
      "defaultContentType": .text("application/json"),
      "channels": .object([
        "cartAlerts": channel(
          topics.cartAlerts, "Alerts on carts.", AlertType.allCases.filter(\.isCart).map(messageName)),
        "churnAlerts": channel(
          topics.churnAlerts, "Alerts on users who drift away.",
          AlertType.allCases.filter { !$0.isCart }.map(messageName)),
        "deadLetters": channel(topics.deadLetters, "Records that were refused.", ["deadLetter"]),
      ]),
      "operations": .object([
        "sendCartAlerts": operation("cartAlerts"),
        "sendChurnAlerts": operation("churnAlerts"),
        "sendDeadLetters": operation("deadLetters"),
      ]),
      "components": .object([
        "messages": .object(
          AlertType.allCases.map { JSONNode.Member(messageName($0), message($0)) }
            + [JSONNode.Member("deadLetter", deadLetter)])
      ]),
    ])
  }

  /// Such as `cartAbandoned`.
  private static func messageName(_ type: AlertType) -> String {
    let words = type.shortName.split(separator: ".")
    return words[0] + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }

  private static func reference(_ path: String) -> JSONNode {
    .object(["$ref": .text(path)])
  }

  private static func channel(_ topic: String, _ doc: String, _ messages: [String]) -> JSONNode {
    .object([
      "address": .text(topic),
      "description": .text(doc + " The topic's name is configurable; this is the default."),
      "messages": .object(
        messages.map { JSONNode.Member($0, reference("#/components/messages/\($0)")) }),
      "bindings": .object([
        "kafka": .object(["topic": .text(topic), "bindingVersion": .text("0.5.0")])
      ]),
    ])
  }

  private static func operation(_ channel: String) -> JSONNode {
    .object(["action": .text("send"), "channel": reference("#/channels/\(channel)")])
  }

  private static func bindings(key doc: String, _ type: JSONNode) -> JSONNode {
    .object([
      "kafka": .object([
        "key": .object(["description": .text(doc), "type": type]), "bindingVersion": .text("0.5.0"),
      ])
    ])
  }

  private static func message(_ type: AlertType) -> JSONNode {
    .object([
      "name": .text(type.rawValue),
      "title": .text(Schemas.title(type)),
      "contentType": .text("application/json"),
      "headers": HeaderField.schema(AlertShapes.headers(type)),
      "payload": .object([
        "schemaFormat": .text("application/schema+json;version=draft-2020-12"),
        "schema": reference("./" + Schemas.fileName(type)),
      ]),
      "bindings": bindings(
        key:
          "The user: user_id, else anon: and anonymous_id, in UTF-8. Partitioned by murmur2 as the Java client "
          + "does.", .text("string")),
    ])
  }

  private static var deadLetter: JSONNode {
    .object([
      "name": .text("ebb.dead_letter"),
      "title": .text("A refused record"),
      "contentType": .text("application/octet-stream"),
      "headers": .object([
        "schemaFormat": .text("application/schema+json;version=draft-2020-12"),
        "schema": reference("./" + Schemas.deadLetterFileName),
      ]),
      "payload": .object([
        "description": .text("The value of the refused record, byte for byte; null if it was null."),
        "type": .list([.text("string"), .text("null")]),
      ]),
      "bindings": bindings(
        key: "The key of the refused record, byte for byte.", .list([.text("string"), .text("null")])),
    ])
  }
}
