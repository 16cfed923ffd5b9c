import Foundation
import Settings
import Testing
import Triggers

@Suite struct SchemaTests {
  static let writer = AlertWriter(
    context: WireContext(source: "/ebb/test", configVersion: "9f2c \"\n\u{2028}"))

  static func parse(_ text: String) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  static func schema(_ type: AlertType) throws -> [String: Any] {
    let document = try #require(Schemas.all().first { $0.fileName == Schemas.fileName(type) })
    return try parse(document.text)
  }

  @Test(arguments: Specimen.all)
  func `Every alert that is written keeps to its schema`(specimen: Specimen) throws {
    let value = Self.writer.value(specimen.alert)
    let object = try Self.parse(String(decoding: value, as: UTF8.self))
    #expect(try SchemaValidator.findings(object, Self.schema(specimen.alert.type)) == [])
  }

  @Test(arguments: Specimen.all)
  func `The headers of every alert keep to theirs`(specimen: Specimen) throws {
    // The AsyncAPI document holds the schemas of headers; what it lists for this type is checked by name here.
    let headers = Self.writer.headers(specimen.alert)
    #expect(Set(headers.map(\.name)).count == headers.count)
    let required = [
      "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_dataschema", "content-type",
    ]
    #expect(Set(required).isSubset(of: headers.map(\.name)))
    let asyncAPI = try #require(Schemas.all().first { $0.fileName == "asyncapi.yaml" }).text
    for header in headers { #expect(asyncAPI.contains("\(header.name):\n")) }
  }

  @Test(arguments: AlertType.allCases)
  func `Every field says what it is`(type: AlertType) throws {
    func walk(_ schema: [String: Any], _ place: String, isElement: Bool) {
      if !isElement { #expect((schema["description"] as? String)?.isEmpty == false, "\(place)") }
      for (name, inner) in schema["properties"] as? [String: [String: Any]] ?? [:] {
        walk(inner, place + "." + name, isElement: false)
        let doc = inner["description"] as? String ?? ""
        if name.hasSuffix("_ms") { #expect(doc.lowercased().contains("milliseconds"), "\(place).\(name)") }
        if name.hasSuffix("_minor") { #expect(doc.contains("minor units"), "\(place).\(name)") }
        #expect(name.allSatisfy { $0.isLowercase || $0 == "_" }, "\(place).\(name)")
      }
      if let element = schema["items"] as? [String: Any] { walk(element, place + "[]", isElement: true) }
    }
    let schema = try Self.schema(type)
    walk(schema, "$", isElement: false)
    #expect(schema["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
    #expect(schema["$id"] as? String == type.dataSchema)
  }

  @Test func `A value that breaks the schema is found out`() throws {
    let alert = Specimen.full(.cartAbandoned)
    let schema = try Self.schema(.cartAbandoned)
    var object = try Self.parse(String(decoding: Self.writer.value(alert), as: UTF8.self))
    let breaks: [(String, Any?)] = [
      ("step", 0), ("step", "1"), ("step", 1.5), ("step", nil), ("first", 1), ("stage", "till"),
      ("alert_id", "XYZ"), ("type", "ebb.cart.recovered"), ("items", [["item_id": 1]]), ("surprise", 1),
      ("user_id", 7), ("currency", "euro"), ("idle_ms", -1), ("session", "none"), ("features", NSNull()),
    ]
    for (name, value) in breaks {
      let whole = object[name]
      object[name] = value
      #expect(!SchemaValidator.findings(object, schema).isEmpty, "\(name): \(String(describing: value))")
      object[name] = whole
    }
    #expect(SchemaValidator.findings(object, schema) == [])
  }

  @Test func `The checked-in documents are what the code generates`() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let directory = root.appendingPathComponent("Config/schemas")
    let documents = Schemas.all()
    for document in documents {
      let file = directory.appendingPathComponent(document.fileName)
      let text = try? String(contentsOf: file, encoding: .utf8)
      #expect(
        text == document.text,
        "Config/schemas/\(document.fileName) is not what the code generates: run `make schemas` and look at the change"
      )
    }
    let present = try FileManager.default.contentsOfDirectory(atPath: directory.path).filter {
      $0.hasSuffix(".json") || $0.hasSuffix(".yaml")
    }
    #expect(Set(present) == Set(documents.map(\.fileName)), "Config/schemas holds other documents than these")
  }

  @Test func `The AsyncAPI document names the topics it is given`() throws {
    let topics = WireTopics(cartAlerts: "a.b", churnAlerts: "c", deadLetters: "d-e")
    let text = try #require(Schemas.all(topics: topics).first { $0.fileName == "asyncapi.yaml" }).text
    #expect(text.hasPrefix("asyncapi: \"3.0.0\"\n"))
    for topic in ["a.b", "c", "d-e"] { #expect(text.contains("address: \"\(topic)\"")) }
    for type in AlertType.allCases {
      #expect(text.contains("name: \"\(type.rawValue)\""))
      #expect(text.contains("\"./\(Schemas.fileName(type))\""))
    }
  }

  @Test func `The documents name the topics of a configuration that says nothing`() {
    let topics = Configuration.defaults.topics
    #expect(
      WireTopics()
        == WireTopics(
          cartAlerts: topics.cartAlerts, churnAlerts: topics.churnAlerts, deadLetters: topics.deadLetters))
  }
}
