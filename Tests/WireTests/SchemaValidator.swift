import Foundation

/// Holds a parsed JSON value against a JSON Schema of draft 2020-12, for the keywords that ours use: `type`,
/// `const`, `enum`, `pattern`, `minimum`, `maximum`, `properties`, `required`, `items`. A keyword that is neither
/// one of these nor an annotation is a finding, so that a schema cannot ask for something that goes unchecked.
///
/// Beyond the standard, a member that `properties` does not name is a finding: what is written must be described.
enum SchemaValidator {
  /// Findings, each with its place; empty: valid.
  static func findings(_ value: Any, _ schema: [String: Any], at place: String = "$") -> [String] {
    var found: [String] = []
    for (keyword, argument) in schema.sorted(by: { $0.key < $1.key }) {
      switch keyword {
      case "$schema", "$id", "title", "description": break
      case "type":
        let types = argument as? [String] ?? [argument as? String ?? "?"]
        if !types.contains(where: { has(value, type: $0) }) { found.append("\(place): is no \(types)") }
      case "const": if !equal(value, argument) { found.append("\(place): is not \(argument)") }
      case "enum":
        let words = argument as? [Any] ?? []
        if !words.contains(where: { equal(value, $0) }) { found.append("\(place): is none of \(words)") }
      case "pattern":
        guard let text = value as? String else { break }
        let pattern = argument as? String ?? ""
        let anchored = pattern.hasPrefix("^") && pattern.hasSuffix("$")
        let matched = (try? Regex(String(pattern.dropFirst().dropLast())).wholeMatch(in: text)) != nil
        if !anchored || !matched { found.append("\(place): does not match \(pattern)") }
      case "minimum":
        if let number = number(value), number.int64Value < (argument as? Int64 ?? Int64.max) {
          found.append("\(place): \(number) is less than \(argument)")
        }
      case "maximum":
        if let number = number(value), number.int64Value > (argument as? Int64 ?? Int64.min) {
          found.append("\(place): \(number) is more than \(argument)")
        }
      case "properties":
        guard let object = value as? [String: Any] else { break }
        let properties = argument as? [String: [String: Any]] ?? [:]
        for (name, member) in object {
          if let inner = properties[name] {
            found += findings(member, inner, at: "\(place).\(name)")
          } else {
            found.append("\(place).\(name): is not described")
          }
        }
      case "required":
        guard let object = value as? [String: Any] else { break }
        for name in argument as? [String] ?? ["?"] where object[name] == nil {
          found.append("\(place): \(name) is missing")
        }
      case "items":
        guard let list = value as? [Any] else { break }
        for (index, element) in list.enumerated() {
          found += findings(element, argument as? [String: Any] ?? ["?": 0], at: "\(place)[\(index)]")
        }
      default: found.append("\(place): the schema asks for \(keyword), which is not checked here")
      }
    }
    return found
  }

  /// A number, not a boolean: both are the same class.
  private static func number(_ value: Any) -> NSNumber? {
    guard let number = value as? NSNumber, !isFlag(number) else { return nil }
    return number
  }

  private static func isFlag(_ number: NSNumber) -> Bool {
    unsafe number.objCType.pointee == CChar(UInt8(ascii: "c"))
  }

  private static func equal(_ left: Any, _ right: Any) -> Bool {
    if let left = left as? String, let right = right as? String { return left == right }
    return false
  }

  private static func has(_ value: Any, type: String) -> Bool {
    switch type {
    case "null": value is NSNull
    case "string": value is String
    case "boolean": (value as? NSNumber).map(isFlag) ?? false
    case "number": number(value) != nil
    case "integer": number(value).map { Double($0.int64Value) == $0.doubleValue } ?? false
    case "object": value is [String: Any]
    case "array": value is [Any]
    default: false
    }
  }
}
