/// A path into a JSON record, as mappings write it.
///
/// `a.b` is a key in a key, `a[0]` an element, `a[*]` every element, `a[key=x]` the element (an object) whose
/// member `key` is the text `x`, `a["b.c"]` a key that holds dots or brackets, `.` the value itself.
struct JSONPath: Sendable, Hashable {
  enum Step: Sendable, Hashable {
    case key(String)
    case index(Int)
    case each
    case select(key: String, value: String)
  }

  var steps: [Step]

  /// Why a text is no path, in words that name the remedy.
  struct SyntaxError: Error {
    var message: String
  }

  init(steps: [Step]) {
    self.steps = steps
  }

  init(_ text: String) throws(SyntaxError) {
    steps = []
    guard !text.isEmpty else { throw SyntaxError(message: "the path is empty") }
    if text == "." { return }
    var rest = text[...]
    var needsKey = rest.first != "["
    while needsKey || !rest.isEmpty {
      if needsKey {
        let key = rest.prefix { $0 != "." && $0 != "[" }
        guard !key.isEmpty else { throw SyntaxError(message: "a key is missing in '\(text)'") }
        steps.append(.key(String(key)))
        rest = rest.dropFirst(key.count)
        needsKey = false
      } else if rest.first == "." {
        rest = rest.dropFirst()
        needsKey = true
      } else if rest.first == "[" {
        rest = rest.dropFirst()
        try bracket(&rest, of: text)
      } else {
        throw SyntaxError(message: "'.' or '[' is expected after ']' in '\(text)'")
      }
    }
    guard steps.count <= 16 else { throw SyntaxError(message: "'\(text)' has more than 16 steps") }
  }

  private mutating func bracket(_ rest: inout Substring, of text: String) throws(SyntaxError) {
    if rest.first == "\"" {
      rest = rest.dropFirst()
      guard let end = rest.firstIndex(of: "\"") else {
        throw SyntaxError(message: "a quoted key does not end in '\(text)'")
      }
      steps.append(.key(String(rest[..<end])))
      rest = rest[end...].dropFirst()
      guard rest.first == "]" else { throw SyntaxError(message: "']' is missing in '\(text)'") }
      rest = rest.dropFirst()
      return
    }
    guard let end = rest.firstIndex(of: "]") else {
      throw SyntaxError(message: "']' is missing in '\(text)'")
    }
    let inside = rest[..<end]
    rest = rest[end...].dropFirst()
    if inside == "*" {
      steps.append(.each)
    } else if let index = Int(inside) {
      guard index >= 0, index < 10_000 else {
        throw SyntaxError(message: "an index lies between 0 and 9999, in '\(text)'")
      }
      steps.append(.index(index))
    } else if let equals = inside.firstIndex(of: "="), equals != inside.startIndex {
      let value = inside[equals...].dropFirst()
      steps.append(.select(key: String(inside[..<equals]), value: String(value)))
    } else {
      throw SyntaxError(
        message: "'[\(inside)]' in '\(text)' is none of [0], [*], [key=value], [\"key with dots\"]")
    }
  }
}
