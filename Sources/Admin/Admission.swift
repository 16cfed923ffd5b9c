import HTTPTypes

/// Who is let in.
struct Admission: Sendable {
  /// nil: nobody is asked for it.
  let token: String?
  /// Names by which the server may be asked for, in lower case.
  let names: Set<String>

  init(token: String?, names: [String]) {
    self.token = token
    self.names = Set(names.map { $0.lowercased() } + ["localhost"])
  }

  /// Whether a request may name the server so (`Host`). Any address may stand there: a web page that has a browser read
  /// us needs a name of its own for that.
  func admits(host: String) -> Bool {
    if host.hasPrefix("[") {
      guard let end = host.lastIndex(of: "]") else { return false }
      return Self.isPort(host[host.index(after: end)...])
        && host[host.index(after: host.startIndex)..<end].utf8.allSatisfy(Self.isOfAddress)
    }
    let name = host.prefix { $0 != ":" }
    guard Self.isPort(host[name.endIndex...]) else { return false }
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    if parts.count == 4, parts.allSatisfy({ UInt8($0) != nil }) { return true }
    return names.contains(name.lowercased())
  }

  private static func isPort(_ text: Substring) -> Bool {
    text.isEmpty || text.first == ":" && UInt16(text.dropFirst()) != nil
  }

  private static func isOfAddress(_ byte: UInt8) -> Bool {
    (48...58).contains(byte) || (65...70).contains(byte) || (97...102).contains(byte)
      || byte == UInt8(ascii: ".")
  }

  /// Whether the token is the right one, in a time that does not tell how much of it is.
  func admits(authorization: String?) -> Bool {
    guard let token else { return true }
    guard let authorization, authorization.lowercased().hasPrefix("bearer ") else { return false }
    let given = Array(authorization.dropFirst(7).utf8)
    let wanted = Array(token.utf8)
    var difference = given.count ^ wanted.count
    for (index, byte) in wanted.enumerated() {
      difference |= Int(byte ^ (index < given.count ? given[index] : 0))
    }
    return difference == 0
  }
}
