import Events
import Yams

extension Reading {
  /// The text of a single value, or nil after refusing it. `example` completes "takes …".
  mutating func scalar(_ node: Node, _ path: String, takes example: String) -> String? {
    if node.isEmptyValue {
      refuse(node, path, "\(path) has no value; write \(example), or remove the line for its default")
      return nil
    }
    guard case .scalar(let scalar) = node else {
      refuse(node, path, "\(path) takes \(example), not \(node.shape)")
      return nil
    }
    return scalar.string
  }
}

extension Kind where Value == Int64 {
  /// A span in milliseconds.
  static func duration(_ range: ClosedRange<Int64>) -> Kind {
    Kind(
      name: "span of time",
      bounds: "\(Durations.show(range.lowerBound)) to \(Durations.show(range.upperBound))"
    ) { node, path, reading in
      guard let text = reading.scalar(node, path, takes: "a span of time such as 30m") else { return nil }
      let value: Int64
      do throws(Durations.Problem) {
        value = try Durations.parse(text)
      } catch .overflow {
        reading.refuse(node, path, outside(path, quoted(text), Durations.show, range))
        return nil
      } catch {
        reading.refuse(node, path, "\(path): \(quoted(text)) \(Durations.remedy(text, error))")
        return nil
      }
      guard range.contains(value) else {
        reading.refuse(node, path, outside(path, Durations.show(value), Durations.show, range))
        return nil
      }
      return value
    } show: {
      Durations.show($0)
    }
  }

  /// A span in milliseconds; `off` is 0.
  static func durationOrZero(_ range: ClosedRange<Int64>) -> Kind {
    let inner = Kind<Int64?>.orOff(.duration(range))
    return Kind(name: inner.name, bounds: inner.bounds) { node, path, reading in
      guard let value = inner.parse(node, path, &reading) else { return nil }
      return value ?? 0
    } show: {
      inner.show($0 == 0 ? nil : $0)
    }
  }
}

private func outside<V: Sendable>(
  _ path: String, _ text: String, _ show: (V) -> String, _ range: ClosedRange<V>
) -> String {
  "\(path): \(text) is out of bounds; write \(show(range.lowerBound)) to \(show(range.upperBound))"
}

extension Kind {
  /// Another kind, or nothing, written as `word`.
  static func or<Wrapped>(_ word: String, _ inner: Kind<Wrapped>) -> Kind where Value == Wrapped? {
    Kind(
      name: "\(inner.name), or `\(word)`", bounds: inner.bounds
    ) { node, path, reading in
      if case .scalar(let scalar) = node, scalar.string == word { return .some(nil) }
      if word == "off", case .scalar(let scalar) = node, scalar.string == "false" { return .some(nil) }
      return inner.parse(node, path, &reading).map(Optional.some)
    } show: {
      $0.map(inner.show) ?? word
    }
  }

  static func orOff<Wrapped>(_ inner: Kind<Wrapped>) -> Kind where Value == Wrapped? {
    .or("off", inner)
  }

  /// A list of another kind. A single value counts as a list of one.
  static func list<Element>(_ inner: Kind<Element>, count: ClosedRange<Int>) -> Kind
  where Value == [Element] {
    Kind(
      name: "list, each \(inner.name)",
      bounds: "\(count.lowerBound) to \(count.upperBound)"
        + (inner.bounds.isEmpty ? "" : ", each \(inner.bounds)")
    ) { node, path, reading in
      let nodes: [Node]
      switch node {
      case .sequence(let sequence): nodes = Array(sequence)
      case .scalar where !node.isEmptyValue: nodes = [node]
      default:
        reading.refuse(node, path, "\(path) takes a list, such as [a, b], not \(emptyOr(node))")
        return nil
      }
      guard count.contains(nodes.count) else {
        reading.refuse(
          node, path, "\(path) has \(nodes.count) entries; write \(count.lowerBound) to \(count.upperBound)")
        return nil
      }
      var values: [Element] = []
      for (index, element) in nodes.enumerated() {
        reading.note("\(path)[\(index)]", at: Place(element))
        if let value = inner.parse(element, "\(path)[\(index)]", &reading) { values.append(value) }
      }
      return values.count == nodes.count ? values : nil
    } show: {
      "[\($0.map(inner.show).joined(separator: ", "))]"
    }
  }
}

/// "nothing" for an empty value, else its shape.
func emptyOr(_ node: Node) -> String {
  node.isEmptyValue ? "nothing" : node.shape
}

extension Kind where Value == Bool {
  static var boolean: Kind {
    Kind(name: "`on` or `off`", bounds: "") { node, path, reading in
      guard let text = reading.scalar(node, path, takes: "on or off") else { return nil }
      switch text.lowercased() {
      case "on", "true", "yes": return true
      case "off", "false", "no": return false
      default:
        reading.refuse(node, path, "\(path): \(quoted(text)) is neither on nor off")
        return nil
      }
    } show: {
      $0 ? "on" : "off"
    }
  }
}

extension Kind where Value == Int {
  /// - Parameter below: what to write by whom a number below `range` was meant.
  static func integer(_ range: ClosedRange<Int>, unit: String = "", below: String = "") -> Kind {
    Kind(
      name: unit.isEmpty ? "whole number" : "whole number of \(unit)",
      bounds: "\(range.lowerBound) to \(range.upperBound)"
    ) { node, path, reading in
      guard let text = reading.scalar(node, path, takes: "a whole number") else { return nil }
      guard let value = Int(text) else {
        let digits = !text.isEmpty && text.allSatisfy { $0.isASCII && $0.isNumber }
        reading.refuse(
          node, path,
          digits
            ? outside(path, quoted(text), { "\($0)" }, range)
            : "\(path): \(quoted(text)) is not a whole number; write \(range.lowerBound) to "
              + "\(range.upperBound)"
        )
        return nil
      }
      guard range.contains(value) else {
        let hint = value < range.lowerBound && !below.isEmpty ? ", or \(below)" : ""
        reading.refuse(node, path, outside(path, "\(value)", { "\($0)" }, range) + hint)
        return nil
      }
      return value
    } show: {
      "\($0)"
    }
  }
}

extension Kind where Value == Double {
  static func number(_ range: ClosedRange<Double>) -> Kind {
    @Sendable func show(_ value: Double) -> String {
      value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    }
    return Kind(name: "number", bounds: "\(show(range.lowerBound)) to \(show(range.upperBound))") {
      node, path, reading in
      guard let text = reading.scalar(node, path, takes: "a number") else { return nil }
      guard let value = Double(text), value.isFinite else {
        reading.refuse(
          node, path,
          "\(path): \(quoted(text)) is not a number; write \(show(range.lowerBound)) to "
            + show(range.upperBound))
        return nil
      }
      guard range.contains(value) else {
        reading.refuse(node, path, outside(path, show(value), show, range))
        return nil
      }
      return value + 0.0  // -0.0 reads as 0.0
    } show: {
      show($0)
    }
  }
}

extension Kind
where Value: RawRepresentable & CaseIterable & SendableMetatype, Value.RawValue == String {
  /// One of the cases by name. `hints` answers names that are known but not to be had.
  static func choice(hints: [String: String] = [:]) -> Kind {
    let names = Value.allCases.map(\.rawValue)
    let list = names.map { "`\($0)`" }.joined(separator: ", ")
    return Kind(name: "one of \(list)", bounds: "") { node, path, reading in
      guard let text = reading.scalar(node, path, takes: names.joined(separator: " or ")) else { return nil }
      if let value = Value(rawValue: text) { return value }
      if let hint = hints[text] {
        reading.refuse(node, path, "\(path): \(hint)")
      } else if let near = NearMiss.find(text, among: names) {
        reading.refuse(node, path, "\(path): unknown value \(quoted(text)); did you mean '\(near)'?")
      } else {
        reading.refuse(
          node, path, "\(path): unknown value \(quoted(text)); write \(names.joined(separator: ", "))")
      }
      return nil
    } show: {
      $0.rawValue
    }
  }
}

extension Kind where Value == String {
  /// A text that `check` accepts; what it returns is the complaint.
  static func text(
    _ name: String, bounds: String = "", check: @escaping @Sendable (String) -> String?
  ) -> Kind {
    Kind(name: name, bounds: bounds) { node, path, reading in
      guard let text = reading.scalar(node, path, takes: "a text") else { return nil }
      if let complaint = check(text) {
        reading.refuse(node, path, "\(path): \(quoted(text)) \(complaint)")
        return nil
      }
      return text
    } show: {
      yamlText($0)
    }
  }
}

/// `text` as a YAML scalar: plain where that is safe, else in double quotes.
func yamlText(_ text: String) -> String {
  let safe = text.utf8.allSatisfy { byte in
    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
      || "_./:+-".utf8.contains(byte)
  }
  let first = text.utf8.first ?? 0
  let startsSafely = first == UInt8(ascii: "/") || first >= 48 && first != UInt8(ascii: ":")
  let words = ["", "~", "null", "Null", "NULL"]
  if safe, startsSafely, !text.hasSuffix(":"), !words.contains(text) { return text }
  var out = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": out += "\\\""
    case "\\": out += "\\\\"
    case _ where scalar.value < 0x20 || scalar.value == 0x7F || !scalar.isASCII:
      let hex = String(scalar.value, radix: 16, uppercase: true)
      out += "\\U" + String(repeating: "0", count: 8 - hex.count) + hex
    default: out.unicodeScalars.append(scalar)
    }
  }
  return out + "\""
}
