// Alerts on the wire.
//
// An `AlertWriter` turns an `Alert` into key, value and headers of one Kafka record: CloudEvents 1.0 in Kafka
// binary mode, the value JSON in UTF-8. What stands in the value is declared once, in `AlertShapes`: the writer
// walks these declarations to write an alert, and `Schemas` walks the same ones to write the JSON Schemas, so
// that the two cannot differ.
//
// Files: `WireRecord` the record and its headers; `WireJSON` bytes and trees of JSON; `WireShape` declarations of
// fields; `WireAlertShapes` the fields of each alert; `WireReason` the sentence for people; `WireText` times,
// spans and money as text; `WireSchemas`, `WireAsyncAPI` what is generated; `DeadLetter` refused records.
//
// Not obvious: an alert's bytes depend on nothing but the alert and the context, so a repeated alert is
// repeated byte for byte. Every field is always there; what is unknown is null.

/// One Kafka header; the value is UTF-8 text.
public struct WireHeader: Sendable, Hashable {
  public var name: String
  public var value: [UInt8]

  public init(name: String, value: [UInt8]) {
    self.name = name
    self.value = value
  }

  /// The value as text.
  public var text: String { String(decoding: value, as: UTF8.self) }
}

/// One Kafka record, ready to be written.
public struct WireRecord: Sendable, Hashable {
  /// nil: a null key.
  public var key: [UInt8]?
  /// nil: a null value.
  public var value: [UInt8]?
  public var headers: [WireHeader]

  public init(key: [UInt8]?, value: [UInt8]?, headers: [WireHeader]) {
    self.key = key
    self.value = value
    self.headers = headers
  }

  /// The text of the first header of that name.
  public func header(_ name: String) -> String? {
    headers.first { $0.name == name }?.text
  }
}

/// What alerts carry besides themselves.
public struct WireContext: Sendable, Hashable {
  /// `ce_source`: a URI reference that names who writes, such as `/ebb/<consumer group>`. Never empty.
  public var source: String
  /// The configuration under which the alert was decided, as text.
  public var configVersion: String

  public init(source: String, configVersion: String) {
    precondition(!source.isEmpty, "CloudEvents asks for a source")
    self.source = source
    self.configVersion = configVersion
  }
}

extension AlertType {
  /// The type without its prefix, such as `cart.abandoned`.
  public var shortName: String { String(rawValue.dropFirst("ebb.".count)) }

  /// Of the fields of the value. Fields are only ever added; the number goes up when one is.
  public var schemaVersion: Int { 1 }

  /// `ce_dataschema` and the schema's `$id`: a name, not an address.
  public var dataSchema: String { "urn:ebb:schema:\(shortName):\(schemaVersion)" }
}

/// Writes alerts as Kafka records. Deterministic: equal alerts under equal contexts give equal bytes.
public struct AlertWriter: Sendable {
  public var context: WireContext

  public init(context: WireContext) {
    self.context = context
  }

  /// Key: the user key in UTF-8. Value: `value(_:)`. Headers: CloudEvents 1.0, binary mode.
  public func record(_ alert: Alert) -> WireRecord {
    WireRecord(key: Array(alert.user.utf8), value: value(alert), headers: headers(alert))
  }

  /// The JSON value alone: one object on one line, without a line feed.
  public func value(_ alert: Alert) -> [UInt8] {
    var text = JSONText(capacity: 2_048)
    let envelope = Envelope(alert: alert, context: context)
    text.open("{")
    AlertShapes.envelope(alert.type).write(envelope, into: &text)
    switch alert.body {
    case .cartAbandoned(let body): AlertShapes.cartAbandoned.write(body, into: &text)
    case .cartRecovered(let body): AlertShapes.cartRecovered.write(body, into: &text)
    case .cartRetracted(let body): AlertShapes.cartRetracted.write(body, into: &text)
    case .churnWarning(let body): AlertShapes.churnWarning.write(body, into: &text)
    case .churnRecovered(let body): AlertShapes.churnRecovered.write(body, into: &text)
    }
    text.close("}")
    return text.bytes
  }

  /// The headers alone, in a fixed order.
  public func headers(_ alert: Alert) -> [WireHeader] {
    HeaderField.headers(
      AlertShapes.headers(alert.type), of: Envelope(alert: alert, context: context))
  }
}

/// An alert with what is written around it.
struct Envelope: Sendable {
  var alert: Alert
  var context: WireContext
}
