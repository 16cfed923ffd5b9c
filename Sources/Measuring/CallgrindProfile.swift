import Foundation

/// What callgrind counted: instructions by the object (program or library) whose code they are.
///
/// Of its format (valgrind's manual, "Callgrind Format Specification") only the lines of cost are read: a line that
/// begins with a number, `+`, `-` or `*` is a position and a cost of the function named before it; the one after
/// `calls=` is the cost of what was called, which is counted there.
public struct CallgrindProfile: Sendable, Hashable {
  /// Instructions executed in an object's own code, by the object's path.
  public var byObject: [String: UInt64] = [:]

  public var total: UInt64 { byObject.values.reduce(0, +) }

  /// Those of the objects whose file has this name.
  public func own(_ name: String) -> UInt64 {
    byObject.reduce(0) { $0 + ($1.key.split(separator: "/").last.map(String.init) == name ? $1.value : 0) }
  }

  public init(parsing text: String) {
    var names: [Substring: String] = [:]
    var object = "???"
    var isCall = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: true) {
      guard let first = line.utf8.first else { continue }
      switch first {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "*"):
        if isCall {
          isCall = false
        } else if let cost = line.split(separator: " ").dropFirst().first.flatMap({ UInt64($0) }) {
          byObject[object, default: 0] += cost
        }
      default:
        if line.hasPrefix("calls=") {
          isCall = true
        } else if line.hasPrefix("ob=") {
          object = Self.name(line.dropFirst(3), &names)
        } else if line.hasPrefix("cob=") {
          _ = Self.name(line.dropFirst(4), &names)
        }
      }
    }
  }

  /// `(3) /lib/libc.so.6` says the name of number 3, `(3)` means it.
  private static func name(_ text: Substring, _ names: inout [Substring: String]) -> String {
    guard text.first == "(", let end = text.firstIndex(of: ")") else { return String(text) }
    let number = text[...end]
    let rest = text[text.index(after: end)...].drop { $0 == " " }
    if !rest.isEmpty { names[number] = String(rest) }
    return names[number] ?? String(number)
  }
}
