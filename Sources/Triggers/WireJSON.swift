/// JSON being written, as bytes. Commas are its own business; names are ours and need no escaping.
struct JSONText: Sendable {
  private(set) var bytes: [UInt8] = []
  private var needsComma = false

  /// - Parameter capacity: bytes to make room for.
  init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

  mutating func open(_ bracket: Unicode.Scalar) {
    separate()
    bytes.append(UInt8(ascii: bracket))
    needsComma = false
  }

  mutating func close(_ bracket: Unicode.Scalar) {
    bytes.append(UInt8(ascii: bracket))
    needsComma = true
  }

  mutating func name(_ name: String) {
    separate()
    quote(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  mutating func text(_ text: String) {
    separate()
    quote(text)
    needsComma = true
  }

  mutating func integer(_ number: Int64) {
    literal(String(number))
  }

  /// Rounded to 4 decimals, in the shortest form that reads back as the same number. What JSON cannot say
  /// (infinite, not a number) is null.
  mutating func number(_ number: Double) {
    literal(Self.rounded(number).map { $0.description } ?? "null")
  }

  mutating func flag(_ flag: Bool) {
    literal(flag ? "true" : "false")
  }

  mutating func null() {
    literal("null")
  }

  /// nil: not finite.
  static func rounded(_ number: Double) -> Double? {
    guard number.isFinite else { return nil }
    // Beyond this a double has no fourth decimal to round.
    guard number.magnitude < 1e11 else { return number }
    let rounded = (number * 10_000).rounded(.toNearestOrAwayFromZero) / 10_000
    return rounded == 0 ? 0 : rounded
  }

  private mutating func literal(_ text: String) {
    separate()
    bytes.append(contentsOf: text.utf8)
    needsComma = true
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
  }

  /// Besides what JSON asks for, everything that can steer a terminal or break a line in some reader is escaped:
  /// control characters of both ranges, and the line and paragraph separators.
  private mutating func quote(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    if text.utf8.contains(where: Self.mayNeedEscape) {
      escape(text)
    } else {
      bytes.append(contentsOf: text.utf8)
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// Whether a byte of UTF-8 is, or may begin, what is escaped.
  private static func mayNeedEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == 0x22 || byte == 0x5C || byte == 0x7F || byte == 0xC2 || byte == 0xE2
  }

  private mutating func escape(_ text: String) {
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x22: bytes.append(contentsOf: "\\\"".utf8)
      case 0x5C: bytes.append(contentsOf: "\\\\".utf8)
      case 0x0A: bytes.append(contentsOf: "\\n".utf8)
      case 0x0D: bytes.append(contentsOf: "\\r".utf8)
      case 0x09: bytes.append(contentsOf: "\\t".utf8)
      case 0...0x1F, 0x7F...0x9F, 0x2028, 0x2029:
        bytes.append(contentsOf: "\\u".utf8)
        bytes.append(contentsOf: WireText.hexadecimal(UInt64(scalar.value), digits: 4).utf8)
      default: bytes.append(contentsOf: UTF8.encode(scalar)!)
      }
    }
  }
}

/// A JSON value with its names in order: what schemas are made of.
indirect enum JSONNode: Sendable, Hashable {
  case text(String)
  case integer(Int64)
  case flag(Bool)
  case null
  case list([JSONNode])
  case object([Member])

  struct Member: Sendable, Hashable {
    var name: String
    var node: JSONNode

    init(_ name: String, _ node: JSONNode) {
      self.name = name
      self.node = node
    }
  }

  /// An object from names and values in order.
  static func object(_ members: KeyValuePairs<String, JSONNode>) -> JSONNode {
    .object(members.map { Member($0.key, $0.value) })
  }

  /// The object with further members at its end.
  func adding(_ members: [Member]) -> JSONNode {
    guard case .object(let present) = self else { preconditionFailure("only objects have members") }
    return .object(present + members)
  }

  /// JSON, two spaces a level, with a line feed at the end.
  var jsonDocument: String {
    var lines = ""
    writeJSON(into: &lines, indent: "")
    return lines + "\n"
  }

  private var scalarText: String? {
    var text = JSONText()
    switch self {
    case .text(let value): text.text(value)
    case .integer(let value): text.integer(value)
    case .flag(let value): text.flag(value)
    case .null: text.null()
    case .list(let list) where list.isEmpty: return "[]"
    case .object(let members) where members.isEmpty: return "{}"
    case .list, .object: return nil
    }
    return String(decoding: text.bytes, as: UTF8.self)
  }

  private func writeJSON(into out: inout String, indent: String) {
    if let scalarText {
      out += scalarText
      return
    }
    let deeper = indent + "  "
    switch self {
    case .list(let list):
      let scalars = list.compactMap(\.scalarText)
      if scalars.count == list.count {
        out += "[" + scalars.joined(separator: ", ") + "]"
        return
      }
      for (index, node) in list.enumerated() {
        out += (index == 0 ? "[\n" : ",\n") + deeper
        node.writeJSON(into: &out, indent: deeper)
      }
      out += "\n\(indent)]"
    case .object(let members):
      for (index, member) in members.enumerated() {
        out += (index == 0 ? "{\n" : ",\n") + deeper + "\"\(member.name)\": "
        member.node.writeJSON(into: &out, indent: deeper)
      }
      out += "\n\(indent)}"
    default: preconditionFailure("scalars are written above")
    }
  }

  /// YAML in block style; every string value is quoted as JSON quotes it, which YAML reads alike.
  var yamlDocument: String {
    var lines = ""
    writeYAML(into: &lines, indent: "", inList: false)
    return lines
  }

  private func writeYAML(into out: inout String, indent: String, inList: Bool) {
    switch self {
    case .object(let members):
      for (index, member) in members.enumerated() {
        out += (index == 0 && inList ? "" : indent) + Self.yamlName(member.name) + ":"
        member.node.writeYAMLValue(into: &out, indent: indent)
      }
    case .list(let list):
      for node in list {
        out += indent + "- "
        if let scalarText = node.scalarText {
          out += scalarText + "\n"
        } else {
          node.writeYAML(into: &out, indent: indent + "  ", inList: true)
        }
      }
    default: out += (scalarText ?? "") + "\n"
    }
  }

  private func writeYAMLValue(into out: inout String, indent: String) {
    if let scalarText {
      out += " \(scalarText)\n"
    } else if case .list(let list) = self, list.allSatisfy({ $0.scalarText != nil }) {
      out += " [" + list.compactMap(\.scalarText).joined(separator: ", ") + "]\n"
    } else {
      out += "\n"
      writeYAML(into: &out, indent: indent + "  ", inList: false)
    }
  }

  /// Names that YAML might read as something else than text are quoted.
  private static func yamlName(_ name: String) -> String {
    let plain = name.utf8.allSatisfy {
      switch $0 {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
        true
      default: false
      }
    }
    return plain ? name : "\"\(name)\""
  }
}
