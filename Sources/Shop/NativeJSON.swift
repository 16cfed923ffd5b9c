import Events

/// An event as one flat JSON object with the canonical field names: what the preset `native` reads.
///
/// Absent fields are left out. Times are in milliseconds, money in minor units. A number that JSON cannot write
/// (NaN, infinity) is left out too.
public enum NativeJSON {
  /// The record key: the user, as Ebb knows it. nil if the event names none.
  public static func key(of event: Event) -> [UInt8]? {
    event.userKey.map { Array($0.utf8) }
  }

  /// The record value, UTF-8, without a line end.
  public static func bytes(of event: Event) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(384)
    append(event, to: &bytes)
    return bytes
  }

  /// Adds the record value to `bytes`.
  public static func append(_ event: Event, to bytes: inout [UInt8]) {
    var object = Writer(opening: &bytes)
    object.field("event_id", event.eventID, &bytes)
    object.field("user_id", event.userID, &bytes)
    object.field("anonymous_id", event.anonymousID, &bytes)
    object.field("session_id", event.sessionID, &bytes)
    object.field("ts", event.ts, &bytes)
    object.field("type", event.type.name, &bytes)
    object.field("dwell_ms", event.dwellMilliseconds, &bytes)
    object.field("item_id", event.itemID, &bytes)
    object.field("category", event.category, &bytes)
    object.field("brand", event.brand, &bytes)
    object.field("price_minor", event.priceMinor, &bytes)
    object.field("currency", event.currency?.text, &bytes)
    object.field("quantity", event.quantity, &bytes)
    object.field("cart_id", event.cartID, &bytes)
    object.field("order_id", event.orderID, &bytes)
    if let items = event.items { append(items, &object, &bytes) }
    object.field("value_minor", event.valueMinor, &bytes)
    object.field("url", event.url, &bytes)
    object.field("element", event.element, &bytes)
    object.field("referrer", event.referrer, &bytes)
    object.field("rating", event.rating, &bytes)
    object.field("text", event.text, &bytes)
    object.field("lang", event.language, &bytes)
    if !event.traits.isEmpty {
      object.name("traits", &bytes)
      var traits = Writer(opening: &bytes)
      for (name, value) in event.traits.sorted(by: { $0.key < $1.key }) {
        switch value {
        case .text(let text): traits.field(name, text, &bytes)
        case .number(let number): traits.field(name, number, &bytes)
        }
      }
      traits.close(&bytes)
    }
    object.close(&bytes)
  }

  private static func append(_ items: [Event.Item], _ object: inout Writer, _ bytes: inout [UInt8]) {
    object.name("items", &bytes)
    bytes.append(UInt8(ascii: "["))
    for (place, item) in items.enumerated() {
      if place > 0 { bytes.append(UInt8(ascii: ",")) }
      var line = Writer(opening: &bytes)
      line.field("item_id", item.itemID, &bytes)
      line.field("price_minor", item.priceMinor, &bytes)
      line.field("quantity", item.quantity, &bytes)
      line.close(&bytes)
    }
    bytes.append(UInt8(ascii: "]"))
  }

  /// One object being written: knows whether a comma is due.
  private struct Writer {
    private var first = true

    init(opening bytes: inout [UInt8]) {
      bytes.append(UInt8(ascii: "{"))
    }

    func close(_ bytes: inout [UInt8]) {
      bytes.append(UInt8(ascii: "}"))
    }

    mutating func name(_ name: String, _ bytes: inout [UInt8]) {
      if !first { bytes.append(UInt8(ascii: ",")) }
      first = false
      NativeJSON.appendString(name, &bytes)
      bytes.append(UInt8(ascii: ":"))
    }

    mutating func field(_ name: String, _ value: String?, _ bytes: inout [UInt8]) {
      guard let value else { return }
      self.name(name, &bytes)
      NativeJSON.appendString(value, &bytes)
    }

    mutating func field(_ name: String, _ value: Int64?, _ bytes: inout [UInt8]) {
      guard let value else { return }
      self.name(name, &bytes)
      bytes.append(contentsOf: String(value).utf8)
    }

    mutating func field(_ name: String, _ value: Double?, _ bytes: inout [UInt8]) {
      guard let value, value.isFinite else { return }
      self.name(name, &bytes)
      // Swift's shortest form that reads back as the same number is a JSON number.
      bytes.append(contentsOf: value.description.utf8)
    }
  }

  /// Quotes and escapes (RFC 8259, section 7): the quote, the backslash and control characters; all else stays
  /// as the UTF-8 it is.
  private static func appendString(_ text: String, _ bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0x0A: bytes.append(contentsOf: "\\n".utf8)
      case 0x0D: bytes.append(contentsOf: "\\r".utf8)
      case 0x09: bytes.append(contentsOf: "\\t".utf8)
      case 0..<0x20:
        bytes.append(contentsOf: "\\u00".utf8)
        bytes.append(UInt8(ascii: "0") + byte >> 4)
        bytes.append(hexDigit(byte & 0xF))
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private static func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }
}
