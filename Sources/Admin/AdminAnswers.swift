import Triggers

/// What is answered to which request, without the network.
struct AdminAnswers: Sendable {
  struct Question: Sendable {
    var method: String
    /// As it was sent.
    var path: String
    /// As the `Host` header has it; empty: there is none.
    var host: String
    var authorization: String?
    /// As it was sent, without the question mark.
    var query = ""
  }

  struct Answer: Sendable, Hashable {
    var status: Int
    var type: String
    var body: String
  }

  /// A longer user id is nobody's, bytes.
  static let mostUserBytes = 1_024

  let source: any AdminSource
  let admission: Admission

  func answer(_ question: Question) async -> Answer {
    guard question.method == "GET" else { return plain(405, "Only GET is answered.") }
    guard admission.admits(host: question.host) else {
      return plain(
        421,
        "This server is not asked for by that name. If it should be, http.names in the configuration must list it."
      )
    }
    switch question.path {
    case "/healthz": return verdict(source.ailments(), good: "alive")
    case "/readyz": return verdict(source.obstacles(), good: "ready")
    default: break
    }
    guard admission.admits(authorization: question.authorization) else {
      return plain(401, "A token is wanted: Authorization: Bearer and what http.token names.")
    }
    switch question.path {
    case "/metrics":
      return Answer(status: 200, type: "text/plain; version=0.0.4; charset=utf-8", body: source.metrics())
    case "/":
      return html(200, AdminPages.status(source.status(), obstacles: source.obstacles()))
    case "/style.css": return Answer(status: 200, type: "text/css; charset=utf-8", body: AdminPages.style)
    case "/v1/status": return facts(200, source.status(), question)
    case "/user":
      guard let key = Self.parameter("id", of: question.query), isUser(key) else { return noUser }
      let lookup = await source.user(key)
      return html(lookup.status, AdminPages.user(source.shownName(of: key), lookup))
    default: return await user(question)
    }
  }

  private func user(_ question: Question) async -> Answer {
    let prefix = "/v1/users/"
    let path = question.path
    guard path.hasPrefix(prefix) else {
      return plain(404, "There is /, /user?id=, /metrics, /healthz, /readyz, /v1/status and /v1/users/{id}.")
    }
    guard let key = Self.decoded(path.dropFirst(prefix.count), plusIsSpace: false), isUser(key) else {
      return noUser
    }
    let lookup = await source.user(key)
    switch lookup {
    case .found(let found): return facts(lookup.status, found, question)
    case .unknown:
      return facts(
        lookup.status, [Fact("error", .text("no such user in the partitions of this process"))], question)
    case .unavailable(let why): return facts(lookup.status, [Fact("error", .text(why))], question)
    }
  }

  private func isUser(_ key: String) -> Bool { (1...Self.mostUserBytes).contains(key.utf8.count) }

  private var noUser: Answer {
    plain(400, "A user id is 1 to \(Self.mostUserBytes) bytes of UTF-8, percent-encoded.")
  }

  private func verdict(_ reasons: [String], good: String) -> Answer {
    reasons.isEmpty ? plain(200, good) : plain(503, reasons.joined(separator: "\n"))
  }

  private func plain(_ status: Int, _ text: String) -> Answer {
    Answer(status: status, type: "text/plain; charset=utf-8", body: text + "\n")
  }

  /// JSON, or with `?format=text` lines for people.
  private func facts(_ status: Int, _ facts: [Fact], _ question: Question) -> Answer {
    if Self.parameter("format", of: question.query) == "text" {
      return plain(status, facts.lines.joined(separator: "\n"))
    }
    return Answer(status: status, type: "application/json", body: facts.json + "\n")
  }

  private func html(_ status: Int, _ page: String) -> Answer {
    Answer(status: status, type: "text/html; charset=utf-8", body: page)
  }

  // MARK: Decoding

  /// The first value of a parameter of a query.
  static func parameter(_ name: String, of query: String) -> String? {
    for pair in query.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2, parts[0] == name { return decoded(parts[1], plusIsSpace: true) }
    }
    return nil
  }

  /// Percent-decoded; nil: it is no such text, or not of UTF-8.
  static func decoded(_ text: Substring, plusIsSpace: Bool) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "%"):
        guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
          return nil
        }
        bytes.append(high << 4 | low)
      case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
      default: bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}

extension UserLookup {
  fileprivate var status: Int {
    switch self {
    case .found: 200
    case .unknown: 404
    case .unavailable: 503
    }
  }
}
